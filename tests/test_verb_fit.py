"""What `fit` gives: the same model every time, whatever the caller has set up, and its epochs."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from smallfits import TINY, assert_calls_are_the_history, fit
from trainedmodels import assert_same

import musicvae_jax as mv
from musicvae_jax.models import MLPAutoencoder
from musicvae_jax.training import EpochReports, History, Losses


@pytest.mark.slow
def test_seeds_take_the_place_of_the_experiments_own(songs):
    model = fit(TINY, songs, seeds=[5])
    assert model.experiment.seeds == (5,)
    assert model.experiment.data.path == songs.path
    assert model.encode(songs).points.shape == (1, 24, 4)


def test_the_same_fit_gives_the_same_model(songs):
    assert_same(fit(TINY, songs), fit(TINY, songs))


@pytest.mark.parametrize("devices", [None, 2, "all"])
@pytest.mark.slow
def test_fit_leaves_the_settings_of_jax_alone(songs, devices):
    before = dict(jax.config.values)
    fit(TINY, songs, devices=devices)
    assert dict(jax.config.values) == before


TREATED = mv.TrainConfig(3, kl_warmup="linear", free_bits=0.1, reconstruction="gaussian")


@pytest.mark.parametrize("train", [TINY.train, TREATED])
@pytest.mark.slow
def test_a_caller_who_computes_in_double_precision_gets_the_same_models(songs, train, request):
    experiment = replace(TINY, train=train, fuse=("lyrics",))
    expected = fit(experiment, songs).encode(songs)
    request.getfixturevalue("double_precision")
    model = fit(experiment, songs)
    found = model.encode(songs)
    assert found.points.dtype == np.float32
    np.testing.assert_allclose(found.points, expected.points, atol=1e-4)
    model.save("checkpoints/mine")
    assert_same(mv.load("checkpoints/mine"), model)


@pytest.mark.parametrize("experiment", [TINY, replace(TINY, train=mv.TrainConfig(2, beta=(1, 4)))])
@pytest.mark.slow
def test_callbacks_get_every_epoch_once_with_the_metrics_of_all_members(songs, experiment):
    calls = []
    model = fit(experiment, songs, on_epochs=lambda epoch, metrics: calls.append((epoch, metrics)))
    assert_calls_are_the_history(calls, model)


def test_what_a_callback_raises_ends_the_training(songs):
    def stop(epoch, metrics):
        raise KeyError(f"seen enough after epoch {epoch}")

    with pytest.raises(KeyError, match="seen enough after epoch 0"):
        fit(TINY, songs, on_epochs=stop)


def part(first_member, n_members, first_epoch, n_epochs):
    """A history in which each number says its member and epoch."""
    members = first_member + np.arange(n_members, dtype=np.float32)[:, None]
    numbers = 100 * members + first_epoch + np.arange(n_epochs, dtype=np.float32)
    return first_member, first_epoch, History(*[Losses(*[numbers] * 3)] * 2, numbers.astype(int))


@pytest.mark.parametrize(
    ("parts", "reported_after"),
    [
        # Side by side, a few epochs at a time.
        ([part(0, 3, 0, 2), part(0, 3, 2, 2)], [2, 4]),
        # Two members, then the third.
        ([part(0, 2, 0, 4), part(2, 1, 0, 1), part(2, 1, 1, 3)], [0, 1, 4]),
        # Each by itself, none waiting for another.
        ([part(2, 1, 0, 3), part(0, 1, 0, 1), part(1, 1, 0, 2), part(0, 1, 1, 3)], [0, 0, 1, 2]),
        # The first was resumed after three epochs.
        ([part(0, 1, 0, 3), part(1, 2, 0, 2), part(0, 1, 3, 1), part(1, 2, 2, 2)], [0, 2, 2, 4]),
    ],
)
def test_an_epoch_is_reported_when_the_last_member_has_trained_it(parts, reported_after):
    calls = []
    reports = EpochReports(
        MLPAutoencoder(7), 3, 4, lambda epoch, metrics: calls.append((epoch, metrics))
    )
    for arguments, n_reported in zip(parts, reported_after, strict=True):
        reports(*arguments)
        assert [epoch for epoch, _ in calls] == list(range(n_reported))
    for epoch, metrics in calls:
        for values in metrics.values():
            np.testing.assert_array_equal(values, [epoch, 100 + epoch, 200 + epoch])
