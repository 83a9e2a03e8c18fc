import errno

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from songfiles import mel, mel_column, songs_table, with_column, with_mel, write

from musicvae_jax.config import FeatureConfig
from musicvae_jax.errors import InputError
from musicvae_jax.features import crops, mel_db, melstore
from musicvae_jax.songs import load_songs
from musicvae_jax.songs.parquet.parts import ParquetPart

LENGTHS = (40, 3, 16, 17, 90)


def mels():
    rng = np.random.default_rng(3)
    return [mel(rng, frames, centre=20 + 10 * i) for i, frames in enumerate(LENGTHS)]


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """Six rows, the third of which cannot be used."""
    table = with_column(songs_table(6), "melspectrogram", mel_column([*mels(), *mels()[:1]]))
    order = [0, 1, 5, 2, 3, 4]
    table = with_mel(table.take(order), 2, None)
    return load_songs(write(tmp_path_factory.mktemp("crops") / "s.parquet", table))


ROWS = np.array([0, 1, 3, 4, 5])


@pytest.fixture(scope="module")
def store(songs, tmp_path_factory):
    return crops.open_crops(songs, FeatureConfig(cache_dir=tmp_path_factory.mktemp("c")), ROWS)


@pytest.fixture
def config(tmp_path):
    return FeatureConfig(cache_dir=tmp_path / "cache")


def test_the_whole_store_is_the_mels_in_decibels(store):
    assert [frames.shape for frames in store.frames] == [(sum(LENGTHS), 128)]
    for song, power in enumerate(mels()):
        found = store.song(song).T
        np.testing.assert_array_equal(found, mel_db(power, 80.0).astype(np.float16))
        np.testing.assert_allclose(found, mel_db(power, 80.0), atol=0.04)


def test_the_store_is_memory_mapped_and_cannot_be_changed(store):
    (frames,) = store.frames
    assert isinstance(frames, np.memmap)
    assert not frames.flags.writeable


def test_a_second_opening_reads_no_mels(songs, config, monkeypatch):
    first, rows = crops.open_crops(songs, config, ROWS), []
    monkeypatch.setattr(ParquetPart, "mel_blocks", lambda self: pytest.fail("mels were read"))
    second = crops.open_crops(songs, config, ROWS, on_rows=rows.append)
    assert rows == []
    for song in range(len(ROWS)):
        np.testing.assert_array_equal(first.song(song), second.song(song))


def test_other_settings_and_data_have_stores_of_their_own_and_other_rows_do_not(
    tmp_path, songs, config
):
    crops.open_crops(songs, config, ROWS)
    narrow = FeatureConfig(db_range=20.0, cache_dir=config.cache_dir)
    assert crops.open_crops(songs, narrow, ROWS).frames[0].min() == -20.0
    fewer = crops.open_crops(songs, config, ROWS[1:3])
    np.testing.assert_array_equal(fewer.lengths, LENGTHS[1:3])
    other = load_songs(write(tmp_path / "o.parquet", songs_table(3)))
    crops.open_crops(other, config, np.arange(3))
    assert len(list(config.cache_dir.iterdir())) == 3


@pytest.mark.parametrize("damage", ["empty", "cut", "longer", "odd", "zeroed counts"])
def test_a_damaged_store_is_made_again_with_a_notice(songs, config, damage):
    crops.open_crops(songs, config, ROWS)
    (path,) = config.cache_dir.iterdir()
    whole = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "cut": whole[:-256],
            "longer": whole + bytes(256),
            "odd": whole[:-3],
            "zeroed counts": whole[:-48] + bytes(48),
        }[damage]
    )
    notices = []
    crops.open_crops(songs, config, ROWS, on_notice=notices.append)
    assert len(notices) == 1
    assert str(path) in notices[0]
    assert path.read_bytes() == whole


def test_a_failed_write_is_an_input_error_and_leaves_nothing_behind(songs, config, monkeypatch):
    def fail(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(melstore, "_write_mels", fail)
    with pytest.raises(InputError, match=r"^features\.cache_dir: cannot write.*No space left"):
        crops.open_crops(songs, config, ROWS)
    assert list(config.cache_dir.iterdir()) == []


def test_a_row_that_cannot_be_used_is_named(songs, config):
    with pytest.raises(InputError, match="row 2 cannot be used"):
        crops.open_crops(songs, config, np.array([0, 2]))


def test_progress_counts_every_row(songs, config):
    steps = []
    crops.open_crops(songs, config, ROWS, on_rows=steps.append)
    assert sum(steps) == 6


@given(
    song=st.integers(0, len(LENGTHS) - 1),
    position=st.floats(0, 1, exclude_max=True, width=32),
    n_frames=st.sampled_from([8, 16, 32]),
)
def test_a_random_crop_is_a_window_padded_with_silence(store, song, position, n_frames):
    (crop,) = crops.random_crops(store, np.array([song]), n_frames, np.array([position]))
    db = mel_db(mels()[song], 80.0).astype(np.float16).astype(np.float32)
    n_places = max(LENGTHS[song] - n_frames + 1, 1)
    window = db[:, int(position * n_places) :][:, :n_frames]
    assert (crop.shape, crop.dtype) == ((128, n_frames), np.float32)
    np.testing.assert_array_equal(crop[:, : window.shape[1]], window)
    assert np.all(crop[:, window.shape[1] :] == -80.0)
    assert window.shape[1] == min(n_frames, LENGTHS[song])


def test_positions_reach_the_first_and_the_last_window(store):
    found = crops.random_crops(store, np.array([4, 4]), 16, np.array([0.0, 1 - 1e-7]))
    db = mel_db(mels()[4], 80.0).astype(np.float16)
    np.testing.assert_array_equal(found, [db[:, :16], db[:, -16:]])


def test_fixed_crops_are_evenly_spaced_and_of_their_song(store):
    found = crops.fixed_crops(store, np.array([4, 0]), 16, 5)
    assert found.shape == (2, 5, 128, 16)
    # 75 places in song 4: the middles of five equal shares.
    db = mel_db(mels()[4], 80.0).astype(np.float16)
    for crop, start in zip(found[0], (7, 22, 37, 52, 67), strict=True):
        np.testing.assert_array_equal(crop, db[:, start : start + 16])
    (alone,) = crops.fixed_crops(store, np.array([0]), 16, 5)
    np.testing.assert_array_equal(found[1], alone)


def test_the_scaler_has_a_mean_per_band_and_one_deviation(store):
    scaler = crops.fit_crop_scaler(store, np.array([0, 3]))
    frames = np.concatenate([mel_db(mels()[song], 80.0) for song in (0, 3)], axis=1)
    mean = frames.mean(axis=1)
    np.testing.assert_allclose(scaler.mean, mean, atol=0.02)
    deviation = np.sqrt(np.mean((frames - mean[:, None]) ** 2))
    np.testing.assert_allclose(scaler.scale, np.full(128, deviation), rtol=1e-3)


def test_a_still_store_is_not_blown_up():
    frames = np.full((20, 128), -80.0, np.float16)
    still = crops.CropStore((frames,), np.array([0]), np.array([0]), np.array([20]), 80.0)
    assert crops.fit_crop_scaler(still, np.array([0])).scale.tolist() == [1.0] * 128
