"""The mels that pictures of a model of crops show."""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from sweepmodels import CROP_HELDOUT, CROP_LENGTHS, CROP_TRAIN, CROPS, crop_source

from musicvae_jax.features.crops import fixed_crops
from musicvae_jax.pipeline.examples import mel_examples
from musicvae_jax.pipeline.fit import Fitted
from musicvae_jax.preprocess import ModelInputs, Preprocessor
from musicvae_jax.registry import EXPERIMENTS
from musicvae_jax.songs import Split
from musicvae_jax.trained import Trained
from musicvae_jax.training import Examples, init_state, make_model

SHAPE = (128, 128)


@cache
def fitted():
    """A model of crops with the parameters it starts with; the song at place 4 has no title."""
    experiment = replace(EXPERIMENTS["medium_conv_vae"].experiment, crops=CROPS)
    source = crop_source()
    model = make_model(experiment.model, SHAPE)
    state = init_state(model, jax.random.key(0), Examples(jnp.zeros((1, *SHAPE))), 1e-3)
    places = np.arange(len(CROP_LENGTHS))
    ids, titles = (pd.Series([f"{what} {i}" for i in places]) for what in ("id", "title"))
    table = pd.DataFrame({"music_id": ids, "title": titles.where(places != 4)})
    inputs = ModelInputs(
        *(table, [], None, {}, np.zeros((len(table), 0)), None, None),
        *(source.store, source.scaler, experiment),
    )
    preprocessor = Preprocessor(experiment, source.scaler, {}, source.scaler, {}, {})
    state = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], state)
    trained, split = Trained(preprocessor, SHAPE, state), Split(CROP_TRAIN, CROP_HELDOUT)
    return Fitted(trained, None, inputs, split, places, (), (), None)


@cache
def found():
    return mel_examples(fitted())


def decoded(z):
    trained, scaler = fitted().trained, crop_source().scaler
    x = trained.model.apply(trained.params(0), z, method="decode")
    return x * scaler.scale[:, None] + scaler.mean[:, None]


def means():
    """Of the middle crops of the held-out songs."""
    trained, scaler = fitted().trained, crop_source().scaler
    crops = fixed_crops(crop_source().store, CROP_HELDOUT, 128, 1)[:, 0]
    x = (crops - scaler.mean[:, None]) / scaler.scale[:, None]
    return trained.model.apply(trained.params(0), x, method="encode").mean


def test_they_are_of_the_middle_of_held_out_songs():
    assert found()["titles"].tolist() == ["title 1", "id 4"]
    expected = []
    for place in CROP_HELDOUT:
        frames = crop_source().store.song(place)
        start = (len(frames) - 127) // 2
        expected.append(frames[start : start + 128].T)
    np.testing.assert_array_equal(found()["original"], np.stack(expected).astype(np.float32))


def test_reconstructions_are_decoded_posterior_means_in_decibels():
    np.testing.assert_allclose(found()["reconstruction"], decoded(means()), atol=1e-3)


def test_interpolation_goes_from_one_reconstruction_to_the_other_in_the_latents():
    line, ends = found()["interpolation"], found()["reconstruction"][[0, -1]]
    assert line.shape == (7, 128, 128)
    np.testing.assert_allclose(line[[0, -1]], ends, atol=1e-3)
    first, last = means()
    np.testing.assert_allclose(line[3], decoded((first + last)[None] / 2)[0], atol=1e-3)
    assert found()["interpolation_titles"].tolist() == ["title 1", "id 4"]
