"""The objective of each example, and one gradient step."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from musicvae_jax.config import TrainConfig
from musicvae_jax.losses import free_bits_kl, kl_weight, negative_elbo
from musicvae_jax.models import Model, Terms
from musicvae_jax.training.shares import psum
from musicvae_jax.training.state import Examples, Losses, Optimiser, TrainState, adam

Step = Callable[
    [TrainState, Examples, jax.Array, jax.Array, jax.Array | float, jax.Array],
    tuple[TrainState, Losses],
]


def make_step(
    model: Model,
    config: TrainConfig,
    data_axis: str | None = None,
    optimiser: Optimiser = adam,
) -> Step:
    """`step(state, batch, weight, noise, beta, epoch) -> (state, sums)`: one gradient step.

    The objective is the mean over the examples of weight 1; examples of weight 0 are padding.
    `sums` holds the summed losses of the former, with the parameters before the step. The epoch,
    counted from 0, sets the KL warm-up and the decay of the learning rate. Along a `data_axis` each
    device has a share of the batch and all devices return the same: means, also for free bits, are
    over the whole batch.
    """
    minimised = _make_minimised(config, data_axis)

    def objective(
        params: Any,
        batch: Examples,
        weight: jax.Array,
        noise: jax.Array,
        beta: jax.Array | float,
        epoch: jax.Array,
    ) -> tuple[jax.Array, Losses]:
        terms = _terms(model, config, params, batch, noise)
        losses = _losses(terms, beta)
        mean = jax.tree.map(lambda per_example: jnp.sum(weight * per_example), losses)
        others = sum(mean.others.values())
        if config.is_plain:
            return mean.negative_elbo + others, mean
        return jnp.sum(weight * minimised(terms, weight, beta, epoch)) + others, mean

    def step(
        state: TrainState,
        batch: Examples,
        weight: jax.Array,
        noise: jax.Array,
        beta: jax.Array | float,
        epoch: jax.Array,
    ) -> tuple[TrainState, Losses]:
        n_used = psum(weight.sum(), data_axis)
        gradient, losses = psum(
            jax.grad(objective, has_aux=True)(
                state.params, batch, weight / n_used, noise, beta, epoch
            ),
            data_axis,
        )
        # The learning rate is in the state.
        updates, opt_state = optimiser(0.0).update(gradient, state.opt_state, state.params)
        if config.decay_share:
            # They are proportional to the rate. Each epoch has one: that of its middle.
            share = rate_share(epoch + 0.5, config.epochs, config.decay_share)
            updates = jax.tree.map(lambda update: share * update, updates)
        state = TrainState(optax.apply_updates(state.params, updates), opt_state)
        return state, jax.tree.map(lambda loss: loss * n_used, losses)

    return step


def rate_share(step: jax.Array | float, n_steps: int, decay: float) -> jax.Array:
    """The factor of the learning rate: 1, and in the end a straight line to 0.

    Args:
        step: how much of the training is done, at least 0 and at most `n_steps`.
        n_steps: length of the whole training in the same unit, such as epochs.
        decay: share of the training in which the rate falls, above 0 and at most 1.

    Returns:
        In [0, 1], with the shape of `step`.

    Example:
        >>> rate_share(jnp.arange(6.0), 5, 0.4)
        Array([1. , 1. , 1. , 1. , 0.5, 0. ], dtype=float32)

    References:
        Hägele et al., Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations,
        2024, who call the end the cooldown.
    """
    return jnp.minimum((n_steps - step) / (decay * n_steps), 1.0)


def make_losses(
    model: Model, config: TrainConfig
) -> Callable[[Any, Examples, jax.Array, jax.Array | float], Losses]:
    """Makes `losses(params, examples, noise, beta)`, which returns `Losses`, parts `[examples]`."""

    def losses(
        params: Any, examples: Examples, noise: jax.Array, beta: jax.Array | float
    ) -> Losses:
        return _losses(_terms(model, config, params, examples, noise), beta)

    return losses


def _terms(
    model: Model, config: TrainConfig, params: Any, examples: Examples, noise: jax.Array
) -> Terms:
    mask = 1.0 if examples.mask is None else examples.mask
    return model.apply(
        params,
        examples.x,
        noise,
        examples.condition,
        mask,
        config.reconstruction,
        method="terms",
    )


def _losses(terms: Terms, beta: jax.Array | float) -> Losses:
    bound = negative_elbo(terms.reconstruction, terms.kl, beta)
    return Losses(terms.reconstruction, terms.kl, bound, terms.others)


def _make_minimised(
    config: TrainConfig, data_axis: str | None
) -> Callable[[Terms, jax.Array, jax.Array | float, jax.Array], jax.Array]:
    """The negative ELBO with the KL's warm-up and free bits, `[examples]`.

    `minimised(terms, weight, beta, epoch)` takes weights that add up to 1 over the whole batch, on
    all devices together.
    """
    n_cycles = config.warmup_cycles if config.kl_warmup == "cyclical" else 1

    def minimised(
        terms: Terms, weight: jax.Array, beta: jax.Array | float, epoch: jax.Array
    ) -> jax.Array:
        kl = terms.kl
        if config.free_bits:
            of_batch = jax.lax.stop_gradient(weight @ terms.kl_per_dimension)
            of_batch = psum(of_batch, data_axis)
            kl = free_bits_kl(terms.kl_per_dimension, of_batch, config.free_bits)
        if config.kl_warmup != "none":
            # One weight per epoch: that of its middle.
            beta = beta * kl_weight(epoch + 0.5, config.epochs, n_cycles, config.warmup_share)
        return negative_elbo(terms.reconstruction, kl, beta)

    return minimised
