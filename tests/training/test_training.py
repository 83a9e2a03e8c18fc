from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sweepmodels import assert_trees_close

from musicvae_jax import training
from musicvae_jax.config import Member, ModelConfig, TrainConfig
from musicvae_jax.training import Data, Examples, make_epochs, make_model, make_train

SMALL = ModelConfig(hidden=(8,), latent=3)
SHORT = TrainConfig(epochs=3, batch_size=4)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(13, 2)) @ rng.normal(size=(2, 6))).astype(np.float32)
    labels = np.eye(2, dtype=np.float32)[rng.integers(0, 2, 13)]
    return Data(
        Examples(jnp.asarray(x[:10]), jnp.asarray(labels[:10])),
        Examples(jnp.asarray(x[10:]), jnp.asarray(labels[10:])),
    )


@cache
def compiled(model, config):
    return jax.jit(make_train(make_model(model, (6,)), config))


def run(data, config=SHORT, model=SMALL, seed=0, beta=1.0):
    numbers = jnp.float32(beta), jnp.float32(config.learning_rate[0])
    return compiled(model, config)(jax.random.key(seed), data, *numbers)


def python_loop(data, config, beta, weights=(1.0, 1.0, 1.0), rates=(1.0, 1.0, 1.0)):
    """The same training written as anyone would: loops, one batch after the other, no padding.

    In each epoch, beta is multiplied by its weight and the learning rate by its rate.
    """
    model = make_model(SMALL, (6,))
    init_key, order_key, noise_key, _ = jax.random.split(jax.random.key(0), 4)
    params = model.init(init_key, data.train.x, jnp.zeros((10, 3)), data.train.condition)
    opt_state = optax.adam(1.0).init(params)
    epoch_losses = []
    for epoch in range(config.epochs):
        order = jax.random.permutation(jax.random.fold_in(order_key, epoch), 10)
        total = 0.0
        for index in np.split(order, [4, 8]):
            epoch_key = jax.random.fold_in(noise_key, epoch)
            noise = jnp.stack(
                [jax.random.normal(jax.random.fold_in(epoch_key, i), (3,)) for i in index]
            )
            x, condition = data.train.x[index], data.train.condition[index]

            def loss(params, x=x, noise=noise, condition=condition, weight=weights[epoch]):
                out = model.apply(params, x, noise, condition)
                error = jnp.mean(jnp.sum((x - out.reconstruction) ** 2, axis=1))
                mean, log_var = out.posterior
                kl = jnp.mean(0.5 * (jnp.exp(log_var) + mean**2 - 1 - log_var), axis=0)
                cost = jnp.sum(jnp.maximum(kl, config.free_bits))
                return error + weight * beta * cost, error + beta * jnp.sum(kl)

            (_, value), gradient = jax.value_and_grad(loss, has_aux=True)(params)
            optimiser = optax.adam(rates[epoch] * config.learning_rate[0])
            updates, opt_state = optimiser.update(gradient, opt_state)
            params = optax.apply_updates(params, updates)
            total += value * len(index)
        epoch_losses.append(total / 10)
    return params, np.array(epoch_losses)


def test_scan_training_is_a_plain_python_loop(data):
    state, history = run(data, beta=2.0)
    params, losses = python_loop(data, SHORT, beta=2.0)
    assert_trees_close(state.params, params, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(history.train.negative_elbo, losses, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ({"free_bits": 0.05}, (1, 1, 1)),
        # An epoch has the weight of its middle: 1/6, 3/6 and 5/6 of the training, rising to 1 at
        # 9/10 of it.
        ({"kl_warmup": "linear", "warmup_share": 0.9}, (1 / 5.4, 3 / 5.4, 5 / 5.4)),
        ({"kl_warmup": "linear", "free_bits": 0.05}, (1 / 3, 1, 1)),
    ],
)
@pytest.mark.slow
def test_a_gentler_training_is_a_plain_python_loop(data, options, weights):
    config = replace(SHORT, learning_rate=(1e-2,), **options)
    state, history = run(data, config, beta=2.0)
    params, losses = python_loop(data, config, beta=2.0, weights=weights)
    assert_trees_close(state.params, params, rtol=1e-4, atol=1e-5)
    # What is reported is the plain loss under the whole beta.
    np.testing.assert_allclose(history.train.negative_elbo, losses, rtol=1e-5)
    plain, _ = run(data, replace(SHORT, learning_rate=(1e-2,)), beta=2.0)
    first = [jax.tree.leaves(one.params)[0] for one in (plain, state)]
    assert not np.allclose(*first, rtol=1e-3)


def test_a_falling_learning_rate_is_that_of_a_plain_python_loop(data):
    config = replace(SHORT, learning_rate=(1e-2,), decay_share=0.5)
    state, history = run(data, config, beta=2.0)
    # The rate falls in the second half of three epochs; the last one has that of its middle.
    params, losses = python_loop(data, config, beta=2.0, rates=(1, 1, 1 / 3))
    assert_trees_close(state.params, params, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(history.train.negative_elbo, losses, rtol=1e-5)


def test_a_cyclical_warm_up_trains_without_a_kl_again_and_again(data):
    """With next to no weight after the ramps, epochs at their feet let the KL grow."""
    options = {"epochs": 40, "learning_rate": (1e-2,), "kl_warmup": "cyclical", "warmup_cycles": 2}
    _, history = run(data, TrainConfig(batch_size=4, **options), beta=20.0)
    first, second = np.split(history.train.kl, 2)
    for cycle in (first, second):
        assert np.argmax(cycle) < 10
        assert cycle[-1] < 0.5 * cycle.max()


@pytest.mark.slow
def test_jit_is_eager(data):
    config = replace(SHORT, epochs=1)
    train = make_train(make_model(SMALL, (6,)), config)
    eager = train(jax.random.key(0), data, jnp.float32(1.0), jnp.float32(1e-3))
    assert_trees_close(run(data, config), eager, rtol=1e-5, atol=1e-6)


def test_the_same_key_gives_the_same_numbers_and_another_does_not(data):
    first, again, other = (run(data, seed=seed)[1].train.negative_elbo for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.all(first != other)


@pytest.mark.slow
def test_training_lowers_the_loss_on_both_sides(data):
    _, history = run(data, replace(SHORT, epochs=60, learning_rate=(1e-2,)))
    assert history.train.negative_elbo[-1] < 0.5 * history.train.negative_elbo[0]
    assert history.heldout.negative_elbo[-1] < history.heldout.negative_elbo[0]


def test_history_has_a_number_per_epoch_and_adds_up(data):
    _, history = run(data, beta=3.0)
    for side in (history.train, history.heldout):
        assert side.kl.shape == (3,)
        np.testing.assert_allclose(
            side.negative_elbo, side.reconstruction + 3.0 * side.kl, rtol=1e-5
        )
    assert history.active_units.shape == (3,)


def test_active_units_are_dimensions_whose_means_vary(data):
    state, history = run(data)
    means = (
        make_model(SMALL, (6,))
        .apply(state.params, data.train.x, data.train.condition, method="encode")
        .mean
    )
    assert history.active_units[-1] == (np.var(means, axis=0) > 0.01).sum()


@pytest.mark.slow
def test_a_huge_beta_collapses_the_posterior_and_the_history_shows_it(data):
    _, history = run(data, replace(SHORT, epochs=300, learning_rate=(1e-2,)), beta=200.0)
    assert history.active_units[-1] == 0
    assert history.train.kl[-1] < 0.05


@pytest.mark.slow
def test_free_bits_keep_units_active_under_a_huge_beta(data):
    config = replace(SHORT, epochs=300, learning_rate=(1e-2,), free_bits=0.3)
    _, history = run(data, config, beta=200.0)
    assert history.active_units[-1] == 3
    assert 0.1 < history.train.kl[-1] < 2 * 3 * 0.3


def test_an_autoencoder_has_no_kl(data):
    _, history = run(data, model=replace(SMALL, kind="ae"), beta=0.0)
    np.testing.assert_array_equal(history.train.kl, 0.0)
    np.testing.assert_array_equal(history.train.negative_elbo, history.train.reconstruction)


def test_a_batch_larger_than_the_data_is_the_data(data):
    whole, larger = (run(data, replace(SHORT, batch_size=size)) for size in (10, 64))
    assert_trees_close(whole, larger, rtol=1e-6)


def test_every_song_is_visited_once_an_epoch():
    order, weight = training.epochs._epoch_order(jax.random.key(0), n=10, batch_size=4)
    assert order.shape == weight.shape == (3, 4)
    assert sorted(order[weight == 1].tolist()) == list(range(10))
    assert weight.sum() == 10


def test_noise_belongs_to_the_song_not_to_its_place_in_the_batch():
    key = jax.random.key(5)
    noise = training.example_noise(key, jnp.arange(8), 3)
    shuffled = training.example_noise(key, jnp.array([5, 2]), 3)
    np.testing.assert_array_equal(shuffled, noise[jnp.array([5, 2])])
    assert len(np.unique(noise)) == 24


@pytest.mark.slow
def test_training_in_parts_is_training_in_one_go(data):
    start, advance = make_epochs(make_model(SMALL, (6,)), SHORT)
    key, beta = jax.random.key(0), jnp.float32(1.0)
    progress = start(key, data, jnp.float32(1e-3))
    parts = []
    # The last part goes beyond the third epoch, the last there is.
    for epochs in (jnp.array([0]), jnp.array([1, 2, 3, 4])):
        progress, history = jax.jit(advance)(progress, key, data, beta, epochs)
        parts.append(history.train.kl)
    state, history = run(data)
    assert_trees_close(progress.state, state, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.concatenate(parts)[:3], history.train.kl, rtol=1e-5)
    assert np.all(np.isnan(parts[1][2:]))


def test_the_step_size_is_an_argument(data):
    train = jax.jit(make_train(make_model(SMALL, (6,)), SHORT))
    key, beta = jax.random.key(0), jnp.float32(1.0)
    still, _ = train(key, data, beta, jnp.float32(1e-30))
    moved, _ = train(key, data, beta, jnp.float32(1e-2))
    start, _ = make_epochs(make_model(SMALL, (6,)), SHORT)
    assert_trees_close(still.params, start(key, data, jnp.float32(1e-2)).state.params, atol=1e-20)
    assert not np.allclose(
        jax.tree.leaves(moved.params)[0], jax.tree.leaves(still.params)[0], atol=1e-3
    )
    assert train._cache_size() == 1


def one_member(history):
    return jax.tree.map(lambda leaf: leaf[None], history)


@pytest.mark.slow
def test_divergence_names_member_epoch_terms_and_advice(data):
    _, history = run(data, replace(SHORT, epochs=40, learning_rate=(1e18,)))
    with pytest.raises(training.DivergenceError) as caught:
        training.check_finite(one_member(history), [Member(2.5, 1e18, 7)])
    message = str(caught.value)
    assert "beta 2.5, learning rate 1e+18, seed 7, epoch " in message
    assert "train reconstruction" in message
    assert "train kl" in message
    assert "--train.learning-rate" in message
    # The epoch after the first bad one was not trained.
    finite = np.isfinite(history.train.negative_elbo) & np.isfinite(history.heldout.negative_elbo)
    assert np.all(np.isnan(history.train.kl[np.argmin(finite) + 1 :]))


@pytest.mark.slow
def test_the_value_of_a_masked_feature_changes_nothing(data):
    """Neither losses nor gradients, as long as the encoder reads the same."""
    model = make_model(SMALL, (6,))
    mask = jnp.ones((10, 6)).at[:, 4:].set(0.0)
    state = training.init_state(model, jax.random.key(0), data.train, 1e-3)
    # The first layer does not look at the masked features.
    kernel = state.params["params"]["encoder"]["Dense_0"]["kernel"]
    state.params["params"]["encoder"]["Dense_0"]["kernel"] = kernel.at[4:6].set(0.0)
    step = training.make_step(model, SHORT)
    losses_of = training.make_losses(model, SHORT)
    noise, weight = jnp.ones((10, 3)), jnp.ones(10)
    found = []
    for value in (0.0, 7.0):
        x = data.train.x.at[:, 4:].set(value)
        examples = data.train._replace(x=x, mask=mask)
        stepped, _ = step(state, examples, weight, noise, 1.0, 0)
        decoder = stepped.params["params"]["decoder"]
        found.append((losses_of(state.params, examples, noise, 1.0), decoder))
    assert_trees_close(*found)
    unmasked = losses_of(state.params, examples._replace(mask=None), noise, 1.0)
    assert np.all(unmasked.reconstruction > found[1][0].reconstruction)


@pytest.mark.slow
def test_a_mask_of_ones_trains_as_no_mask_and_one_with_zeros_does_not(data):
    ones = Data(*(side._replace(mask=jnp.ones_like(side.x)) for side in data))
    masked = ones.train.mask.at[::2, 4:].set(0.0)
    zeros = ones._replace(train=ones.train._replace(mask=masked))
    plain, of_ones, of_zeros = (run(one) for one in (data, ones, zeros))
    assert_trees_close(of_ones, plain, rtol=1e-5, atol=1e-6)
    assert np.all(of_zeros[1].train.reconstruction < plain[1].train.reconstruction)


def test_numpy_arrays_train_without_jit_as_those_of_jax_do_with_it(data):
    train = make_train(make_model(SMALL, (6,)), SHORT)
    plain = train(jax.random.key(0), jax.tree.map(np.asarray, data), 1.0, 1e-3)
    assert_trees_close(plain, run(data), rtol=1e-4, atol=1e-5)


def test_double_precision_computes_in_float32_too(data, double_precision):
    train = jax.vmap(make_train(make_model(SMALL, (6,)), SHORT), in_axes=(None, None, 0, 0))
    wide = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), data)
    state, history = train(jax.random.key(0), wide, jnp.ones(2), jnp.array([1e-3, 1e-2]))
    floats = [leaf for leaf in jax.tree.leaves((state, history)) if leaf.dtype.kind == "f"]
    assert {leaf.dtype for leaf in floats} == {np.dtype(np.float32)}
    assert np.isfinite(history.heldout.negative_elbo).all()


def test_data_without_heldout_examples_are_refused(data):
    nothing = jax.tree.map(lambda leaf: leaf[:0], data.heldout)
    train = make_train(make_model(SMALL, (6,)), SHORT)
    with pytest.raises(ValueError, match="got 10 training and 0 held-out examples, expected"):
        train(jax.random.key(0), data._replace(heldout=nothing), 1.0, 1e-3)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"condition": np.ones((3, 2))}, r"condition: got 3 rows, expected 10, as many as x has"),
        ({"mask": np.ones((3, 6))}, r"mask: got shape \(3, 6\), expected \(10, 6\), that of x"),
        ({"mask": np.ones(10)}, r"mask: got shape \(10,\), expected \(10, 6\)"),
    ],
)
def test_parts_of_examples_that_do_not_fit_each_other_are_refused(data, part, message):
    train = jax.jit(make_train(make_model(SMALL, (6,)), SHORT))
    wrong = data._replace(train=data.train._replace(**part))
    with pytest.raises(ValueError, match=rf"^data\.train\.{message}"):
        train(jax.random.key(0), wrong, 1.0, 1e-3)


def test_arrays_in_place_of_examples_are_refused(data):
    train = make_train(make_model(SMALL, (6,)), SHORT)
    with pytest.raises(ValueError, match=r"^data\.heldout: got ndarray, expected Examples"):
        train(jax.random.key(0), data._replace(heldout=np.ones((3, 6))), 1.0, 1e-3)


@pytest.mark.parametrize(
    ("make_key", "got"), [(lambda: 0, "0"), (lambda: jax.random.key(0, impl="rbg"), "rbg")]
)
def test_a_key_whose_numbers_would_depend_on_the_layout_is_refused(data, make_key, got):
    train = make_train(make_model(SMALL, (6,)), SHORT)
    with pytest.raises(ValueError, match=f"^key: got {got}, expected a key of threefry2x32, such"):
        train(make_key(), data, 1.0, 1e-3)
