"""The optimiser is an argument of every way to train."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sweepmodels import (
    CROP_CONFIG,
    CROP_MODEL,
    ROW_CONFIG,
    ROW_MEMBERS,
    ROW_MODEL,
    assert_trees_close,
    crop_source,
    row_data,
)

from musicvae_jax.config import Member, TrainConfig
from musicvae_jax.training import Data, adam, make_train
from musicvae_jax.training.streaming import train_streamed, train_streamed_members
from musicvae_jax.training.sweeps import train_members

BETA, RATE, SEED = MEMBER = Member(1.0, 1e-2, 3)
ONE_STEP = TrainConfig(epochs=1, batch_size=64)


def sgd(learning_rate):
    return optax.inject_hyperparams(optax.sgd)(learning_rate)


def by_make_train(**options):
    train = jax.jit(make_train(ROW_MODEL, ROW_CONFIG, **options))
    return train(jax.random.key(SEED), row_data(), BETA, jnp.float32(RATE))


def by_train_members(**options):
    found = train_members(ROW_MODEL, ROW_CONFIG, [MEMBER], row_data(), **options)
    return jax.tree.map(lambda leaf: leaf[0], found)


def by_train_streamed(**options):
    return train_streamed(CROP_MODEL, CROP_CONFIG, crop_source(), MEMBER, **options)


def by_streamed_members(**options):
    found = train_streamed_members(CROP_MODEL, CROP_CONFIG, crop_source(), [MEMBER], **options)
    return jax.tree.map(lambda leaf: leaf[0], found)


WAYS = [by_make_train, by_train_members, by_train_streamed, by_streamed_members]


@pytest.mark.parametrize("train", WAYS)
@pytest.mark.slow
def test_another_optimiser_gives_other_parameters(train):
    (by_adam, _), (by_sgd, _) = train(), train(optimiser=sgd)
    for a, b in zip(*map(jax.tree.leaves, (by_adam.params, by_sgd.params)), strict=True):
        assert not np.allclose(a, b, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("train", WAYS)
def test_the_default_is_adam(train):
    assert_trees_close(train(), train(optimiser=adam))


def test_a_step_of_gradient_descent_is_the_step_size_times_the_gradient():
    data = row_data()
    train = jax.jit(make_train(ROW_MODEL, ONE_STEP, sgd))
    (short, _), (long, _) = (
        train(jax.random.key(0), data, 1.0, jnp.float32(rate)) for rate in (1e-4, 3e-4)
    )
    still, _ = train(jax.random.key(0), data, 1.0, jnp.float32(0.0))
    assert_trees_close(
        *(
            jax.tree.map(lambda end, start, n=n: (end - start) / n, one.params, still.params)
            for one, n in ((short, 1), (long, 3))
        ),
        rtol=1e-2,
        atol=1e-6,
    )


def test_adam_is_that_of_optax():
    """Its learning rate is an argument of the result; the other numbers are its defaults."""
    gradient = {"w": jnp.array([1.0, -2.0, 0.5])}
    ours, theirs = adam(RATE), optax.adam(RATE)
    states = [one.init(gradient) for one in (ours, theirs)]
    for _ in range(3):
        (found, states[0]), (expected, states[1]) = (
            one.update(gradient, state) for one, state in zip((ours, theirs), states, strict=True)
        )
        assert_trees_close(found, expected, rtol=1e-6)
    assert states[0].hyperparams["learning_rate"] == pytest.approx(RATE)


@pytest.mark.slow
def test_members_keep_step_sizes_of_their_own_under_any_optimiser():
    data = Data(*row_data())
    rates = [one._replace(seed=0, beta=1.0) for one in ROW_MEMBERS]
    state, _ = train_members(ROW_MODEL, ROW_CONFIG, rates, data, optimiser=sgd)
    found = state.opt_state.hyperparams["learning_rate"]
    np.testing.assert_allclose(found, [one.learning_rate for one in ROW_MEMBERS], rtol=1e-6)


@pytest.mark.parametrize("train", WAYS)
def test_an_optimiser_that_does_not_hold_its_learning_rate_is_refused(train):
    with pytest.raises(ValueError, match="optimiser: got one without the learning rate"):
        train(optimiser=optax.sgd)
