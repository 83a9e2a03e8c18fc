"""Per-example objectives in nats. JAX only: lift any of them without the rest of the project.

Every function returns one number per example, shape `[...]`; averaging over a batch is the
caller's business.
"""

import jax
import jax.numpy as jnp


def squared_error(
    x: jax.Array, reconstruction: jax.Array, weight: jax.Array | float = 1.0
) -> jax.Array:
    """Squared error summed over features.

    It is the negative log-likelihood, in nats, of a Gaussian with variance 1/2 around the
    reconstruction, up to the constant `features / 2 * log(pi)`.

    Args:
        x: data, `[..., features]`.
        reconstruction: same shape.
        weight: at least 0, broadcastable to x; 0 for a feature that is missing, whose value is
            then of no consequence as long as it is finite.

    Returns:
        `[...]`, at least 0.
    """
    return jnp.sum(weight * (x - reconstruction) ** 2, axis=-1)


def gaussian_nll(
    x: jax.Array,
    mean: jax.Array,
    log_var: jax.Array | float = 0.0,
    weight: jax.Array | float = 1.0,
) -> jax.Array:
    """Negative log-likelihood of a diagonal Gaussian, constant included.

    Args:
        x: data, `[..., features]`.
        mean: same shape.
        log_var: natural-log variance, broadcastable to x; 0 is unit variance.
        weight: see `squared_error`.

    Returns:
        Nats, shape `[...]`; any sign, since it is a density.

    References:
        Bishop, Pattern Recognition and Machine Learning, 2006, eq. 2.43.
    """
    per_feature = jnp.log(2.0 * jnp.pi) + log_var + (x - mean) ** 2 * jnp.exp(-log_var)
    return 0.5 * jnp.sum(weight * per_feature, axis=-1)


def gaussian_kl(mean: jax.Array, log_var: jax.Array) -> jax.Array:
    """Divergence KL(q || N(0, I)) of a diagonal Gaussian posterior q.

    Args:
        mean: posterior means, `[..., latent]`.
        log_var: posterior natural-log variances, same shape.

    Returns:
        Nats, shape `[...]`; at least 0, and 0 only where q is the prior.

    References:
        Kingma and Welling, Auto-Encoding Variational Bayes, 2014, appendix B.
    """
    # expm1(v) - v keeps the digits near the prior that exp(v) - 1 - v rounds away in float32;
    # what is left can still round a hair below its true minimum of 0.
    variance_part = jnp.maximum(jnp.expm1(log_var) - log_var, 0.0)
    return 0.5 * jnp.sum(variance_part + mean**2, axis=-1)


def negative_elbo(
    reconstruction_nats: jax.Array, kl_nats: jax.Array, beta: jax.Array | float = 1.0
) -> jax.Array:
    """Beta-weighted negative evidence lower bound.

    Args:
        reconstruction_nats: negative log-likelihood of x given z, `[...]`.
        kl_nats: divergence of the posterior from the prior, `[...]`.
        beta: weight of the divergence, at least 0. 1 is the VAE's bound, above 1 the beta-VAE's
            objective; 0 leaves the reconstruction.

    Returns:
        Nats, shape `[...]`. Only with beta 1 is it a bound on the evidence.

    References:
        Higgins et al., beta-VAE, 2017, eq. 4.
    """
    return reconstruction_nats + beta * kl_nats
