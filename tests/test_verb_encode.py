"""Songs become points and points songs again, also by a model that was saved."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from smallfits import TINY, fit, quick
from songfiles import songs_table, with_column, write
from trainedmodels import assert_same

import musicvae_jax as mv
from musicvae_jax.errors import InputError


@pytest.mark.slow
def test_representations_of_a_fusion(songs):
    model = fit(quick("hard_multimodal"), songs)
    found = model.representations(songs)
    assert [one.name for one in found] == [
        "vae+lyrics_tfidf_pca",
        "vae+lyrics_tfidf",
        "vae+lyrics_tfidf+genre",
    ]
    assert [one.points.shape[2] for one in found] == [4 + 4, 4 + 6, 4 + 6 + 3]
    assert [one.labels_seen for one in found] == [(), (), ("genre",)]
    np.testing.assert_array_equal(model.encode(songs).points, found[0].points)
    assert model.encode(songs, beta=1.0).name == "vae"


def test_representations_of_lyrics_alone(songs):
    model = fit(quick("medium_lyrics"), songs)
    found = {one.name: one for one in model.representations(songs)}
    assert list(found) == ["lyrics_tfidf", "lyrics_tfidf_centred"]
    assert found["lyrics_tfidf"].columns_seen == ("lyrics",)
    assert found["lyrics_tfidf_centred"].columns_seen == ("lyrics", "language")
    for one in found.values():
        assert one.points.shape == (1, 24, 6)
        np.testing.assert_array_equal(one.known, songs.table["lyrics"].notna())
        np.testing.assert_array_equal(model.encode(songs, one.name).points, one.points)


@pytest.mark.parametrize("name", ["easy_pca", "hard_cvae", "hard_multimodal", "medium_lyrics"])
def test_new_songs_are_encoded_as_they_would_be_among_all(tmp_path, songs, name):
    model = fit(quick(name), songs)
    few = mv.load_songs(write(tmp_path / "few.parquet", songs_table().slice(5, 7)))
    for found, expected in zip(
        model.representations(few), model.representations(songs), strict=True
    ):
        assert found.songs.tolist() == expected.songs.tolist()[5:12]
        np.testing.assert_allclose(found.points, expected.points[:, 5:12], atol=1e-4)
        np.testing.assert_array_equal(found.known, expected.known[5:12])


def test_songs_that_are_all_unusable_are_refused(tmp_path, songs):
    model = fit(TINY, songs)
    nameless = with_column(songs_table(), "music_id", [None] * 24)
    with pytest.raises(InputError, match=r"n\.parquet: no usable song in 24 rows; row 0: music_id"):
        model.encode(mv.load_songs(write(tmp_path / "n.parquet", nameless)))


@pytest.mark.slow
def test_latents_become_decibels_again(songs):
    model = fit(replace(TINY, features=mv.FeatureConfig(), train=mv.TrainConfig(60)), songs)
    decoded = model.decode(model.encode(songs).points[0])
    assert decoded.shape == (24, 512)
    means = decoded[:, :128]
    assert -80 < means.min() < means.max() < 0
    samples = model.sample(jax.random.key(0), 5)
    assert samples.shape == (5, 512)
    assert -100 < samples[:, :128].min() < samples[:, :128].max() < 20


@pytest.mark.parametrize(
    "name", ["hard_multimodal", "easy_pca", "easy_spectral", "medium_lyrics", "hard_beta_vae"]
)
def test_a_saved_model_gives_the_same_representations(songs, name):
    model = fit(quick(name), songs)
    model.save("checkpoints/mine")
    loaded = mv.load("checkpoints/mine")
    assert_same(loaded, model)
    for found, expected in zip(
        loaded.representations(songs), model.representations(songs), strict=True
    ):
        assert found.name == expected.name
        assert found.columns_seen == expected.columns_seen
        np.testing.assert_array_equal(found.points, expected.points)
