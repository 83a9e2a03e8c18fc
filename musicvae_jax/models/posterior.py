"""The posterior that encoders return, and how to sample it."""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Posterior(NamedTuple):
    """A diagonal Gaussian q(z | x): mean and natural-log variance, each `[..., latent]`."""

    mean: jax.Array
    log_var: jax.Array


class Output(NamedTuple):
    """The result of a forward pass: the decoded mean of x, `[..., features]`, and the posterior."""

    reconstruction: jax.Array
    posterior: Posterior


def sample_posterior(posterior: Posterior, noise: jax.Array) -> jax.Array:
    """A posterior sample, differentiable in the posterior (the reparameterisation trick).

    Args:
        posterior: q(z | x), parts of shape `[..., latent]`.
        noise: standard normal, `[..., latent]`; of more leading axes for several samples.

    Raises:
        ValueError: the posterior would broadcast the noise, so that latents shared a draw.

    Example:
        >>> posterior = Posterior(jnp.array([1.0, 2.0]), jnp.log(jnp.array([4.0, 9.0])))
        >>> sample_posterior(posterior, jnp.array([1.0, -1.0]))
        Array([ 3., -1.], dtype=float32)

    References:
        Kingma and Welling, Auto-Encoding Variational Bayes, 2014.
    """
    shape = jnp.shape(noise)
    if jnp.broadcast_shapes(shape, jnp.shape(posterior.mean)) != shape:
        raise ValueError(
            f"noise: got shape {shape}, expected [..., latent], one number for each of the "
            f"posterior's {jnp.shape(posterior.mean)}"
        )
    return posterior.mean + jnp.exp(0.5 * posterior.log_var) * noise
