"""A whole training as a scan over epochs, each of which is a scan over steps."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from musicvae_jax.config import TrainConfig
from musicvae_jax.models import Model
from musicvae_jax.training.health import ACTIVE_VARIANCE, is_finite
from musicvae_jax.training.randomness import example_noise, split_key
from musicvae_jax.training.shares import own_examples, own_share, psum, take
from musicvae_jax.training.state import (
    Data,
    Examples,
    History,
    Losses,
    Optimiser,
    Progress,
    TrainState,
    adam,
    check_data,
    init_state,
    no_history,
)
from musicvae_jax.training.steps import make_losses, make_step

Start = Callable[[jax.Array, Data, jax.Array], Progress]
Run = Callable[[Progress, jax.Array, Data, jax.Array, jax.Array], tuple[Progress, History]]
Train = Callable[[jax.Array, Data, jax.Array, jax.Array], tuple[TrainState, History]]


def make_train(model: Model, config: TrainConfig, optimiser: Optimiser = adam) -> Train:
    """Builds the whole training of one member of a sweep.

    Args:
        model: the module to fit.
        config: epochs, batch size, reconstruction term, KL warm-up and free bits. Its betas and
            learning rates are not used; they are arguments of the result.
        optimiser: makes an optimiser from a learning rate, which it must keep in its state.

    Returns:
        `train(key, data, beta, learning_rate) -> (state, history)`, which can be jitted, mapped or
        vmapped, and computes in float32. It raises ValueError for data without held-out examples
        or whose parts differ in length, and for a key that is not of threefry2x32, JAX's default.
        An epoch visits every training song once; its last batch may be smaller. After a loss that
        is not finite, the remaining epochs are skipped and their history is NaN.
    """
    start, run = make_epochs(model, config, optimiser=optimiser)

    def train(
        key: jax.Array, data: Data, beta: jax.Array, learning_rate: jax.Array
    ) -> tuple[TrainState, History]:
        progress = start(key, data, learning_rate)
        progress, history = run(progress, key, data, beta, jnp.arange(config.epochs))
        return progress.state, history

    return train


def make_epochs(
    model: Model,
    config: TrainConfig,
    data_axis: str | None = None,
    optimiser: Optimiser = adam,
) -> tuple[Start, Run]:
    """The training of `make_train` in parts, for a caller that reports or saves between epochs.

    Args:
        model: see `make_train`.
        config: see `make_train`.
        data_axis: inside a `shard_map`, the name of the mesh axis whose devices share every batch;
            each device has all of the data.
        optimiser: see `make_train`.

    Returns:
        `start(key, data, learning_rate) -> progress` and `run(progress, key, data, beta, epochs)
        -> (progress, history)`, where `epochs` are the next ones to train, counted from 0; epochs
        from `config.epochs` on are skipped.
    """
    losses_of = make_losses(model, config)
    step = make_step(model, config, data_axis, optimiser)

    def start(key: jax.Array, data: Data, learning_rate: jax.Array) -> Progress:
        check_data(data)
        learning_rate = _in_float32(learning_rate)
        state = init_state(model, split_key(key).init, data.train, learning_rate, optimiser)
        return Progress(state, jnp.array(True))

    def run(
        progress: Progress, key: jax.Array, data: Data, beta: jax.Array, epochs: jax.Array
    ) -> tuple[Progress, History]:
        keys = split_key(key)
        data, beta = _in_float32((data, beta))
        n_train, n_heldout = len(data.train.x), len(data.heldout.x)
        batch_size = min(config.batch_size, n_train)
        train, _, train_weight = own_examples(data.train, data_axis)
        heldout, heldout_index, heldout_weight = own_examples(data.heldout, data_axis)

        def run_epoch(state: TrainState, epoch: jax.Array) -> tuple[TrainState, History]:
            order, weights = _epoch_order(
                jax.random.fold_in(keys.order, epoch), n_train, batch_size
            )
            epoch_key = jax.random.fold_in(keys.noise, epoch)

            def run_step(
                state: TrainState, place: tuple[jax.Array, jax.Array]
            ) -> tuple[TrainState, Losses]:
                index, in_share = own_share(place[0], data_axis)
                weight = own_share(place[1], data_axis)[0] * in_share
                batch = take(data.train, index)
                noise = example_noise(epoch_key, index, model.latent)
                return step(state, batch, weight, noise, beta, epoch)

            state, sums = jax.lax.scan(run_step, state, (order, weights))
            noise = example_noise(
                jax.random.fold_in(keys.heldout, epoch), heldout_index, model.latent
            )
            losses = losses_of(state.params, heldout, noise, beta)
            history = History(
                train=jax.tree.map(lambda loss: loss.sum() / n_train, sums),
                heldout=jax.tree.map(
                    lambda loss: psum(jnp.sum(heldout_weight * loss), data_axis) / n_heldout,
                    losses,
                ),
                active_units=_active_units(model, state.params, train, train_weight, data_axis),
            )
            return state, history

        def run_or_skip(progress: Progress, epoch: jax.Array) -> tuple[Progress, History]:
            state, history = jax.lax.cond(
                progress.active & (epoch < config.epochs),
                run_epoch,
                lambda state, _: (state, no_history(model)),
                progress.state,
                epoch,
            )
            return Progress(state, progress.active & is_finite(history)), history

        return jax.lax.scan(run_or_skip, progress, epochs)

    return start, run


def _in_float32(tree: Any) -> Any:
    """Arrays that can be indexed inside a scan, of the type of parameters and losses."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), tree)


def _epoch_order(key: jax.Array, n: int, batch_size: int) -> tuple[jax.Array, jax.Array]:
    """Example indices and weights, each `[steps, batch_size]`; padding has weight 0."""
    n_padded = -(-n // batch_size) * batch_size
    order = jnp.pad(jax.random.permutation(key, n), (0, n_padded - n))
    weight = (jnp.arange(n_padded) < n).astype(jnp.float32)
    return order.reshape(-1, batch_size), weight.reshape(-1, batch_size)


def _active_units(
    model: Model,
    params: Any,
    examples: Examples,
    weight: jax.Array,
    data_axis: str | None,
) -> jax.Array:
    means = model.apply(params, *examples, method="encode").mean
    weight = weight[:, None]
    n_examples = psum(weight.sum(), data_axis)
    centre = psum(jnp.sum(weight * means, axis=0), data_axis) / n_examples
    variance = psum(jnp.sum(weight * (means - centre) ** 2, axis=0), data_axis) / n_examples
    return jnp.sum(variance > ACTIVE_VARIANCE, dtype=jnp.int32)
