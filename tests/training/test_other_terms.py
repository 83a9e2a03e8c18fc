"""A model with a term of its own beside reconstruction and KL, trained in every way."""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sweepmodels import ROW_CONFIG, ROW_MODEL, assert_trees_close, row_data

from musicvae_jax.config import Member
from musicvae_jax.models import MLPAutoencoder
from musicvae_jax.runtime.devices import make_mesh
from musicvae_jax.training import Examples, make_losses, make_train
from musicvae_jax.training.streaming import RowSource, train_streamed
from musicvae_jax.training.sweeps import train_members

MEMBER = Member(2.0, 1e-2, 0)
NAME = "commitment"


class Committed(MLPAutoencoder):
    """Means have to stay close to whole numbers, as a code's to its codebook."""

    weight: float = 5.0
    other_terms = (NAME,)

    def terms(self, x, noise, condition=None, mask=1.0, likelihood="squared_error"):
        terms = super().terms(x, noise, condition, mask, likelihood)
        mean = self.encode(x, condition).mean
        code = jax.lax.stop_gradient(jnp.round(mean))
        return terms._replace(others={NAME: self.weight * jnp.sum((mean - code) ** 2, axis=-1)})


MODEL = Committed(features=12, hidden=(16,), latent=4)


def by_make_train(model, config):
    train = jax.jit(make_train(model, config))
    rate = jnp.float32(MEMBER.learning_rate)
    return train(jax.random.key(MEMBER.seed), row_data(), MEMBER.beta, rate)


def by_train_members(model, config, devices=1):
    mesh = make_mesh(1, devices)
    found = train_members(model, config, [MEMBER], row_data(), mesh=mesh)
    return jax.tree.map(lambda leaf: leaf[0], found)


def by_train_streamed(model, config):
    sides = row_data()
    rows = Examples(*(np.concatenate(parts) for parts in zip(*(s[:2] for s in sides), strict=True)))
    n_train, n_songs = len(sides.train.x), len(rows.x)
    source = RowSource(rows, np.arange(n_train), np.arange(n_train, n_songs))
    return train_streamed(model, config, source, MEMBER)


WAYS = [by_make_train, by_train_members, by_train_streamed]
trained = cache(lambda train, model=MODEL, config=ROW_CONFIG: train(model, config))


@pytest.mark.parametrize("train", WAYS[1:])
@pytest.mark.slow
def test_every_way_to_train_gives_the_same_numbers(train):
    assert_trees_close(trained(train), trained(by_make_train), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_devices_that_share_batches_give_the_same_numbers():
    shared = by_train_members(MODEL, ROW_CONFIG, devices=2)
    assert_trees_close(shared, trained(by_make_train), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("train", WAYS)
def test_the_term_is_in_the_history_under_its_name(train):
    state, history = trained(train)
    by_name = history.by_name()
    assert list(by_name)[3] == "train_commitment_nats"
    assert list(by_name)[7] == "heldout_commitment_nats"
    assert by_name["train_commitment_nats"].shape == (ROW_CONFIG.epochs,)
    # The held-out one is of the last parameters; no noise is in it.
    heldout = row_data().heldout
    mean = ROW_MODEL.apply(state.params, heldout.x, heldout.condition, method="encode").mean
    expected = 5.0 * np.sum((mean - np.round(mean)) ** 2, axis=1).mean()
    np.testing.assert_allclose(by_name["heldout_commitment_nats"][-1], expected, rtol=1e-4)


@pytest.mark.parametrize("train", WAYS)
def test_the_bound_in_the_history_is_without_the_term(train):
    _, history = trained(train)
    for side in (history.train, history.heldout):
        np.testing.assert_allclose(
            side.negative_elbo, side.reconstruction + 2.0 * side.kl, rtol=1e-5
        )


@pytest.mark.parametrize("train", WAYS)
@pytest.mark.slow
def test_the_term_is_minimised(train):
    """With a weight of 0 the model is trained as one without; with 5 it is not."""
    (plain, _), (free, _) = (
        trained(train, model) for model in (ROW_MODEL, MODEL.clone(weight=0.0))
    )
    assert_trees_close(free.params, plain.params, rtol=1e-4, atol=1e-4)
    distances = []
    for state in (plain, trained(train)[0]):
        x, condition, _ = row_data().train
        mean = ROW_MODEL.apply(state.params, x, condition, method="encode").mean
        distances.append(np.mean((mean - np.round(mean)) ** 2))
    assert distances[1] < 0.9 * distances[0]


@pytest.mark.parametrize("options", [{}, {"kl_warmup": "linear", "free_bits": 0.2}])
@pytest.mark.slow
def test_the_gradient_is_of_the_bound_and_the_term(options):
    """One step of all songs, by hand: with a KL warm-up and free bits the term is as it is."""
    config = replace(ROW_CONFIG, epochs=1, batch_size=43, warmup_share=1.0, **options)
    data = row_data()
    init_key, _, noise_key, _ = jax.random.split(jax.random.key(0), 4)
    x, condition, _ = data.train
    params = MODEL.init(init_key, x, jnp.zeros((43, 4)), condition)
    epoch_key = jax.random.fold_in(noise_key, 0)
    noise = jnp.stack(
        [jax.random.normal(jax.random.fold_in(epoch_key, i), (4,)) for i in range(43)]
    )
    # The only epoch has the weight of its middle.
    beta = 2.0 * {"none": 1.0, "linear": 0.5}[config.kl_warmup]

    def objective(params):
        out = MODEL.apply(params, x, noise, condition)
        mean, log_var = out.posterior
        error = jnp.mean(jnp.sum((x - out.reconstruction) ** 2, axis=1))
        kl = jnp.mean(0.5 * (jnp.exp(log_var) + mean**2 - 1 - log_var), axis=0)
        code = jax.lax.stop_gradient(jnp.round(mean))
        term = jnp.mean(5.0 * jnp.sum((mean - code) ** 2, axis=1))
        return error + beta * jnp.sum(jnp.maximum(kl, config.free_bits)) + term

    optimiser = optax.adam(MEMBER.learning_rate)
    updates, _ = optimiser.update(jax.grad(objective)(params), optimiser.init(params))
    expected = optax.apply_updates(params, updates)
    state, _ = by_make_train(MODEL, config)
    assert_trees_close(state.params, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_an_epoch_that_was_skipped_has_no_term():
    wild = replace(ROW_CONFIG, epochs=6)
    train = jax.jit(make_train(MODEL, wild))
    _, history = train(jax.random.key(0), row_data(), 1.0, jnp.float32(1e18))
    finite = np.isfinite(history.train.negative_elbo) & np.isfinite(history.heldout.negative_elbo)
    assert not finite[-1]
    np.testing.assert_array_equal(history.train.others[NAME][np.argmin(finite) + 1 :], np.nan)


def test_the_term_of_each_example_is_among_its_losses():
    x, condition, _ = row_data().heldout
    params = MODEL.init(jax.random.key(0), x, jnp.zeros((9, 4)), condition)
    losses = make_losses(MODEL, ROW_CONFIG)(params, Examples(x, condition), jnp.zeros((9, 4)), 1.0)
    mean = MODEL.apply(params, x, condition, method="encode").mean
    expected = 5.0 * np.sum((mean - np.round(mean)) ** 2, axis=1)
    np.testing.assert_allclose(losses.by_name()[NAME], expected, rtol=1e-5)
