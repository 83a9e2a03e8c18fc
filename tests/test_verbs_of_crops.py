"""The verbs on a model of crops."""

from dataclasses import replace

import numpy as np
import pytest
from smallfits import TINY, assert_calls_are_the_history, fit
from songfiles import songs_table, write

import musicvae_jax as mv

CROPS = replace(
    TINY,
    features=mv.FeatureConfig(),
    crops=mv.CropConfig(per_song=1, encoded=1),
    model=mv.ModelConfig(kind="conv_vae", latent=4),
    train=mv.TrainConfig(epochs=2),
)


@pytest.mark.slow
def test_a_model_of_crops_is_the_same_in_double_precision(songs, of_crops, double_precision):
    model, _ = of_crops
    found = fit(model.experiment, songs).encode(songs).points
    np.testing.assert_allclose(found, model.encode(songs).points, atol=1e-2)


@pytest.fixture(scope="module")
def of_crops(song_path, tmp_path_factory):
    """A model of crops under two seeds, and the calls of its callback."""
    calls, cache_dir = [], tmp_path_factory.mktemp("crops")
    experiment = replace(CROPS, features=mv.FeatureConfig(cache_dir=cache_dir))
    model = mv.fit(
        *(experiment, mv.load_songs(song_path)),
        on_epochs=lambda epoch, metrics: calls.append((epoch, metrics)),
        quiet=True,
    )
    return model, calls


@pytest.mark.slow
def test_callbacks_of_models_of_crops(of_crops):
    model, calls = of_crops
    assert len(model.experiment.members) == 2
    assert_calls_are_the_history(calls, model)


@pytest.mark.slow
def test_new_songs_of_a_model_of_crops_are_encoded_as_they_would_be_among_all(
    tmp_path, songs, of_crops
):
    model, _ = of_crops
    few = mv.load_songs(write(tmp_path / "few.parquet", songs_table().slice(5, 7)))
    expected = model.encode(songs).points[:, 5:12]
    np.testing.assert_allclose(model.encode(few).points, expected, atol=1e-4)
