"""The objective of each example, and one gradient step."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from musicvae_jax.config import TrainConfig
from musicvae_jax.losses import (
    free_bits_kl,
    gaussian_kl,
    gaussian_kl_per_dimension,
    gaussian_nll,
    kl_weight,
    negative_elbo,
    squared_error,
)
from musicvae_jax.models import ConvAutoencoder, MLPAutoencoder, Posterior
from musicvae_jax.training.shares import total
from musicvae_jax.training.state import Examples, Losses, TrainState, optimiser

Step = Callable[
    [TrainState, Examples, jax.Array, jax.Array, jax.Array, jax.Array], tuple[TrainState, Losses]
]
_RECONSTRUCTIONS = {"squared_error": squared_error, "gaussian": gaussian_nll}


def make_step(
    model: MLPAutoencoder | ConvAutoencoder, config: TrainConfig, data_axis: str | None = None
) -> Step:
    """`step(state, batch, weight, noise, beta, epoch) -> (state, sums)`: one gradient step.

    The gradient is of the mean over the examples of weight 1; those of weight 0 fill up a batch.
    `sums` adds up the former's losses, with the parameters of before the step. The epoch, counted
    from 0, is where a KL warm-up stands. Along a `data_axis` each device is given a share of the
    batch, and all return the same: what is averaged is the whole batch, for free bits too.
    """
    terms_of = _make_terms(model, config)
    minimised = _make_minimised(config, data_axis)

    def objective(params, batch, weight, noise, beta, epoch):
        losses, posterior = terms_of(params, batch, noise, beta)
        mean = jax.tree.map(lambda per_example: jnp.sum(weight * per_example), losses)
        if config.is_plain:
            return mean.negative_elbo, mean
        return jnp.sum(weight * minimised(losses, posterior, weight, beta, epoch)), mean

    def step(state, batch, weight, noise, beta, epoch):
        n_used = total(weight.sum(), data_axis)
        gradient, losses = total(
            jax.grad(objective, has_aux=True)(
                state.params, batch, weight / n_used, noise, beta, epoch
            ),
            data_axis,
        )
        updates, opt_state = optimiser().update(gradient, state.opt_state, state.params)
        state = TrainState(optax.apply_updates(state.params, updates), opt_state)
        return state, jax.tree.map(lambda loss: loss * n_used, losses)

    return step


def make_losses(
    model: MLPAutoencoder, config: TrainConfig
) -> Callable[[Any, Examples, jax.Array, jax.Array], Losses]:
    """`losses(params, examples, noise, beta)`: `Losses` of each example, parts `[examples]`.

    An example may have any number of axes (a crop has two); its error is the sum over all. A
    deterministic model has no posterior to diverge from the prior: its KL is 0.
    """
    terms_of = _make_terms(model, config)

    def losses(params: Any, examples: Examples, noise: jax.Array, beta: jax.Array) -> Losses:
        return terms_of(params, examples, noise, beta)[0]

    return losses


def _make_terms(
    model: MLPAutoencoder | ConvAutoencoder, config: TrainConfig
) -> Callable[[Any, Examples, jax.Array, jax.Array], tuple[Losses, Posterior]]:
    """The losses of `make_losses`, and the posterior that they are of."""
    reconstruction_of = _RECONSTRUCTIONS[config.reconstruction]

    def terms(
        params: Any, examples: Examples, noise: jax.Array, beta: jax.Array
    ) -> tuple[Losses, Posterior]:
        output = model.apply(params, examples.x, noise, examples.condition)
        weight = 1.0 if examples.weight is None else examples.weight
        reconstruction = reconstruction_of(
            _flat(examples.x), _flat(output.reconstruction), weight=weight
        )
        if model.deterministic:
            kl = jnp.zeros_like(reconstruction)
        else:
            kl = gaussian_kl(*output.posterior)
        losses = Losses(reconstruction, kl, negative_elbo(reconstruction, kl, beta))
        return losses, output.posterior

    return terms


def _make_minimised(
    config: TrainConfig, data_axis: str | None
) -> Callable[[Losses, Posterior, jax.Array, jax.Array, jax.Array], jax.Array]:
    """The negative ELBO with the KL's warm-up and free bits, `[examples]`.

    `minimised(losses, posterior, weight, beta, epoch)` is given weights that add up to 1 over the
    whole batch, wherever its parts are.
    """
    n_cycles = config.warmup_cycles if config.kl_warmup == "cyclical" else 1

    def minimised(
        losses: Losses, posterior: Posterior, weight: jax.Array, beta: jax.Array, epoch: jax.Array
    ) -> jax.Array:
        kl = losses.kl
        if config.free_bits:
            per_dimension = gaussian_kl_per_dimension(*posterior)
            of_batch = total(jax.lax.stop_gradient(weight @ per_dimension), data_axis)
            kl = free_bits_kl(per_dimension, of_batch, config.free_bits)
        if config.kl_warmup != "none":
            # An epoch has one weight, that of its middle.
            beta = beta * kl_weight(epoch + 0.5, config.epochs, n_cycles, config.warmup_share)
        return negative_elbo(losses.reconstruction, kl, beta)

    return minimised


def _flat(x: jax.Array) -> jax.Array:
    return x.reshape(len(x), -1)
