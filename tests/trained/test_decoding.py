from dataclasses import replace

import jax
import numpy as np
import pytest
from trainedmodels import CROPS, SWEEP, by_hand, fresh, sweep_of

from musicvae_jax.config import FeatureConfig, TrainConfig
from musicvae_jax.errors import InputError
from musicvae_jax.representations import Representation


def test_features_are_decoded_in_decibels():
    trained = by_hand(replace(SWEEP, features=FeatureConfig()))
    points = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    for member in range(4):
        decoded = trained.model.apply(trained.params(member), points, method="decode")
        expected = np.asarray(decoded) * 2 + np.arange(7)
        found = trained.decode(points, member)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_crops_are_decoded_in_decibels(songs):
    trained, _, _ = fresh(CROPS, songs)
    points = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    decoded = np.asarray(trained.model.apply(trained.params(1), points, method="decode"))
    mean, scale = trained.preprocessor.scaler
    found = trained.decode(points, 1)
    assert found.shape == (5, 128, 128)
    expected = decoded * scale[:, None] + mean[:, None]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


def test_samples_are_decoded_standard_normal_latents():
    trained, key = by_hand(SWEEP), jax.random.key(4)
    found = trained.sample(key, 6, member=2)
    assert found.shape == (6, 7)
    expected = trained.decode(np.asarray(jax.random.normal(key, (6, 3))), member=2)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(found, trained.sample(key, 6, member=2))
    assert np.any(found != trained.sample(jax.random.key(5), 6, member=2))


@pytest.mark.slow
def test_samples_of_a_model_with_a_mixture_are_of_the_mixture(monkeypatch):
    monkeypatch.setattr("musicvae_jax.trained.decoding._DECODED_AT_ONCE", 64)
    model = replace(SWEEP.model, kind="vade", components=3)
    trained = by_hand(replace(SWEEP, model=model))
    # So narrow that every sample is one of three songs.
    weights, narrow = np.array([0.2, 0.5, 0.3]), np.full((3, 3), 1e-12)
    means = np.array([50.0, -200.0, 900.0])[:, None] * np.array([1.0, -2.0, 0.5])
    states = [
        trained.model.with_mixture(trained.params(i), weights, means, narrow)
        for i in range(len(trained.experiment.members))
    ]
    params = jax.tree.map(lambda *leaves: np.stack(leaves), *states)
    trained = trained._replace(state=trained.state._replace(params=params))
    found = trained.sample(jax.random.key(0), 1000, member=1)
    songs = trained.decode(means, member=1)
    distances = np.abs(found[:, None] - songs).max(axis=-1)
    assert distances.min(axis=1).max() < 1e-2
    shares = np.bincount(distances.argmin(axis=1), minlength=3) / len(found)
    np.testing.assert_allclose(shares, weights, atol=0.05)


def test_double_precision_samples_and_decodes_in_float32_too(request):
    trained, key, points = by_hand(SWEEP), jax.random.key(4), np.full((2, 3), 0.1)
    expected = trained.sample(key, 6), trained.decode(points)
    request.getfixturevalue("double_precision")
    found = trained.sample(key, 6), trained.decode(points)
    assert {one.dtype for one in found} == {np.dtype(np.float32)}
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize("n", [0, -1])
def test_a_number_of_samples_below_one_is_named(n):
    with pytest.raises(InputError, match=rf"^n: got {n}, expected at least 1"):
        by_hand(SWEEP).sample(jax.random.key(0), n)


def test_a_conditional_model_decodes_each_label_differently():
    trained, points = by_hand(sweep_of(condition="genre")), np.zeros((3, 3), np.float32)
    found = trained.decode(points, condition=np.eye(3, dtype=np.float32))
    assert found.shape == (3, 7)
    assert len(np.unique(found, axis=0)) == 3


def test_an_autoencoder_decodes_and_has_no_prior_to_sample():
    train = TrainConfig(beta=(0.0,))
    trained = by_hand(replace(SWEEP, model=replace(SWEEP.model, kind="ae"), train=train))
    assert trained.decode(np.zeros((2, 3))).shape == (2, 7)
    with pytest.raises(InputError, match=r"^sample: got a model of kind 'ae', which has no prior"):
        trained.sample(jax.random.key(0), 2)


@pytest.mark.parametrize("shape", [(3,), (2, 4), (1, 2, 3), (0, 3)])
def test_latents_of_a_wrong_shape_are_named(shape):
    with pytest.raises(InputError, match=r"^points: got shape \(.*\), expected \[n, 3\]"):
        by_hand(SWEEP).decode(np.zeros(shape))


def test_a_representation_in_place_of_its_points_is_named():
    points = np.zeros((1, 2, 3), np.float32)
    whole = Representation("vae", np.array(["a", "b"]), points, np.ones(2, bool), ())
    with pytest.raises(InputError, match=r"^points: got Representation, .* \.points\[i\]$"):
        by_hand(SWEEP).decode(whole)


def test_latents_and_conditions_may_be_lists():
    trained, labels = by_hand(sweep_of(condition="genre")), np.eye(3)[:2]
    expected = trained.decode(np.ones((2, 3)), condition=labels)
    found = trained.decode([[1, 1, 1]] * 2, condition=labels.tolist())
    np.testing.assert_array_equal(found, expected)


def test_a_condition_of_a_wrong_shape_is_named():
    points, labelled = np.zeros((2, 3)), by_hand(sweep_of(condition="genre"))
    expected = r"expected shape \(2, 3\) for a model whose condition is 'genre'$"
    with pytest.raises(InputError, match=r"^condition: got none, " + expected):
        labelled.decode(points)
    with pytest.raises(InputError, match=r"^condition: got shape \(2, 4\), " + expected):
        labelled.decode(points, condition=np.zeros((2, 4)))
    with pytest.raises(InputError, match=r"^condition: got shape \(2, 3\), expected none"):
        by_hand(SWEEP).decode(points, condition=np.zeros((2, 3)))


def test_more_latents_than_are_decoded_at_once(monkeypatch):
    trained = by_hand(sweep_of(condition="genre"))
    points = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
    condition = np.eye(3, dtype=np.float32)[np.arange(10) % 3]
    expected = trained.decode(points, condition=condition)
    monkeypatch.setattr("musicvae_jax.trained.decoding._DECODED_AT_ONCE", 4)
    found = trained.decode(points, condition=condition)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
