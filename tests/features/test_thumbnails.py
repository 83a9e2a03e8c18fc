"""Small pictures of mel spectrograms, and where they are kept."""

import numpy as np
import pytest
from songfiles import songs_table, with_mel, write

from musicvae_jax import features
from musicvae_jax.config import FeatureConfig
from musicvae_jax.features import build_features, mel_db, mel_thumbnail, read_thumbnails
from musicvae_jax.songs import Part, load_songs


@pytest.fixture
def config(tmp_path):
    return FeatureConfig(cache_dir=tmp_path / "cache")


@pytest.mark.parametrize("n_frames", [1, 5, 63, 64, 65, 128, 1292])
def test_a_picture_has_the_mean_level_of_each_rectangle(n_frames):
    db = np.random.default_rng(0).uniform(-80, 0, (128, n_frames)).astype(np.float32)
    edges = [i * n_frames // 64 for i in range(65)]
    expected = [
        [
            db[4 * b : 4 * b + 4, edges[c] : max(edges[c + 1], edges[c] + 1)].mean()
            for c in range(64)
        ]
        for b in range(32)
    ]
    found = mel_thumbnail(db, 80.0)
    assert found.dtype == np.uint8
    np.testing.assert_allclose(found, 255 * (1 + np.array(expected) / 80), atol=0.51)


def test_the_ends_of_the_range_are_black_and_white():
    assert (mel_thumbnail(np.full((128, 70), -60.0), 60.0) == 0).all()
    assert (mel_thumbnail(np.zeros((128, 70)), 60.0) == 255).all()


def test_pictures_come_from_the_pass_that_makes_the_features(tmp_path, config, monkeypatch):
    path = write(tmp_path / "songs.parquet", with_mel(songs_table(24), 4, None))
    songs = load_songs(path)
    found = features.extract_features(songs, config)
    monkeypatch.setattr(Part, "mel_blocks", lambda self: pytest.fail("mels were read"))
    places = np.array([0, 4, 5, 20])
    pictures = read_thumbnails(songs, config, found.rows[places])
    assert pictures.places.tolist() == [0, 1, 2, 3]
    # Row 4 is rejected, so the fifth usable song is row 5.
    for place, row in zip(pictures.pictures, (0, 5, 6, 21), strict=True):
        mel = np.array(songs_table(24)["melspectrogram"][row].as_py(), np.float32)
        np.testing.assert_array_equal(place, mel_thumbnail(mel_db(mel, 80.0), 80.0))
    assert read_thumbnails(songs, config, np.array([3, 4, 5])).places.tolist() == [0, 2]


def test_a_range_has_pictures_of_its_own(song_path, config):
    songs, rows = load_songs(song_path), np.arange(24)
    narrow = FeatureConfig(cache_dir=config.cache_dir, db_range=20.0)
    for one in (config, narrow):
        build_features(songs, one)
    wide, narrow = (read_thumbnails(songs, one, rows).pictures for one in (config, narrow))
    assert (wide != narrow).any()


@pytest.mark.parametrize("content", [b"", b"junk", "cut", None])
def test_missing_or_damaged_pictures_are_made_again(song_path, config, content):
    songs, rows = load_songs(song_path), np.arange(24)
    assert build_features(songs, config) == 1
    first = read_thumbnails(songs, config, rows)
    (path,) = config.cache_dir.glob("mel-thumbnails-*")
    if content is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-200] if content == "cut" else content)
    assert len(read_thumbnails(songs, config, rows).places) == 0
    notices = []
    assert build_features(songs, config, on_notice=notices.append) == 1
    assert len(notices) == (content is not None)
    assert all(str(path) in line for line in notices)
    np.testing.assert_array_equal(read_thumbnails(songs, config, rows).pictures, first.pictures)
    assert build_features(songs, config) == 0
