"""Per-example objectives in nats. JAX only: copy any of them without the rest of the project.

Every loss is one number per example, shape `[...]`; the caller averages over the batch.
"""

import math
from typing import Any

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
        weight: at least 0, broadcastable to x; 0 for a missing feature, whose value is then
            ignored but must be finite.

    Returns:
        `[...]`, at least 0.

    Example:
        >>> squared_error(jnp.array([1.0, 5.0]), jnp.array([3.0, 4.0]))
        Array(5., dtype=float32)
    """
    _check_same_shape(x=x, reconstruction=reconstruction)
    _check_fits(x=x, weight=weight)
    x, reconstruction = _floats(x, reconstruction)
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

    Example:
        Half of log(2 pi) at the mean.

        >>> gaussian_nll(jnp.zeros(1), jnp.zeros(1)).round(3)
        Array(0.919, dtype=float32)

    References:
        Bishop, Pattern Recognition and Machine Learning, 2006, eq. 2.43.
    """
    _check_same_shape(x=x, mean=mean)
    _check_fits(x=x, log_var=log_var, weight=weight)
    x, mean, log_var = _floats(x, mean, log_var)
    error = _over_exp((x - mean) ** 2, log_var)
    per_feature = jnp.log(2.0 * jnp.pi) + log_var + error
    return 0.5 * jnp.sum(weight * per_feature, axis=-1)


def gaussian_kl(mean: jax.Array, log_var: jax.Array) -> jax.Array:
    """Divergence KL(q || N(0, I)) of a diagonal Gaussian posterior q.

    Args:
        mean: posterior means, `[..., latent]`.
        log_var: posterior natural-log variances, same shape.

    Returns:
        Nats, shape `[...]`; at least 0, and 0 only where q is the prior.

    Example:
        >>> gaussian_kl(jnp.array([[0.0, 0.0], [3.0, 4.0]]), jnp.zeros((2, 2)))
        Array([ 0. , 12.5], dtype=float32)

    References:
        Kingma and Welling, Auto-Encoding Variational Bayes, 2014, appendix B.
    """
    _check_same_shape(mean=mean, log_var=log_var)
    return 0.5 * jnp.sum(_twice_kl(mean, log_var), axis=-1)


def gaussian_kl_per_dimension(mean: jax.Array, log_var: jax.Array) -> jax.Array:
    """The terms that `gaussian_kl` adds up, one for each latent dimension.

    Args:
        mean: posterior means, `[..., latent]`.
        log_var: posterior natural-log variances, same shape.

    Returns:
        Nats, shape `[..., latent]`, at least 0.

    Example:
        >>> gaussian_kl_per_dimension(jnp.array([0.0, 2.0]), jnp.zeros(2))
        Array([0., 2.], dtype=float32)
    """
    _check_same_shape(mean=mean, log_var=log_var)
    return 0.5 * _twice_kl(mean, log_var)


def gaussian_kl_between(
    mean: jax.Array, log_var: jax.Array, other_mean: jax.Array, other_log_var: jax.Array
) -> jax.Array:
    """Divergence KL(q || p) of two diagonal Gaussians, for each dimension.

    Args:
        mean: means of q, `[..., latent]`.
        log_var: natural-log variances of q, same shape.
        other_mean: means of p, same shape.
        other_log_var: natural-log variances of p, same shape.

    Returns:
        Nats, shape `[..., latent]`, at least 0 up to rounding, and 0 where q is p.

    Example:
        >>> zero, one = jnp.zeros(1), jnp.ones(1)
        >>> gaussian_kl_between(one, zero, 3 * one, zero)
        Array([2.], dtype=float32)

    References:
        Kullback, Information Theory and Statistics, 1959, chapter 9.
    """
    _check_same_shape(mean=mean, log_var=log_var)
    _check_same_shape(mean=mean, other_mean=other_mean)
    _check_same_shape(mean=mean, other_log_var=other_log_var)
    mean, log_var, other_mean, other_log_var = _floats(mean, log_var, other_mean, other_log_var)
    # In units of p's deviation, p is the standard normal.
    scaled = _over_exp(mean - other_mean, 0.5 * other_log_var)
    return 0.5 * _twice_kl(scaled, log_var - other_log_var)


def free_bits_kl(
    kl_nats: jax.Array, batch_kl_nats: jax.Array, free_bits: jax.Array | float
) -> jax.Array:
    """A divergence in which the first `free_bits` nats of each latent dimension are free.

    A dimension whose mean divergence over the batch is below the threshold counts as the
    threshold, so nothing pulls it towards the prior. The mean of the result over the batch is
    `sum over dimensions of max(free_bits, batch_kl_nats)`, and their gradients are equal too. No
    gradient flows through `batch_kl_nats`, so a batch that is split over devices needs only the
    mean over all of them.

    Args:
        kl_nats: divergence per dimension, `[..., latent]`.
        batch_kl_nats: its mean over the whole batch without padding, `[latent]`.
        free_bits: the threshold in nats, at least 0, broadcastable to kl_nats; 0 gives the plain
            divergence.

    Returns:
        Nats, shape `[...]`, at least 0.

    Example:
        >>> kl_nats = jnp.array([[0.0, 2.0], [0.5, 4.0]])
        >>> free_bits_kl(kl_nats, kl_nats.mean(axis=0), 1.0)
        Array([3., 5.], dtype=float32)

    References:
        Kingma et al., Improved Variational Inference with Inverse Autoregressive Flow, 2016,
        eq. 15, with groups of one dimension.
    """
    if batch_kl_nats.shape != kl_nats.shape[-1:]:
        raise ValueError(
            f"batch_kl_nats: got shape {batch_kl_nats.shape}, expected [latent], which is "
            f"{kl_nats.shape[-1:]} in kl_nats"
        )
    _check_fits(kl_nats=kl_nats, free_bits=free_bits)
    is_free = jax.lax.stop_gradient(batch_kl_nats) < free_bits
    return jnp.sum(jnp.where(is_free, free_bits, kl_nats), axis=-1)


def kl_weight(
    step: jax.Array | float, n_steps: int, n_cycles: int = 1, ramp: float = 0.5
) -> jax.Array:
    """The factor of beta when the KL term is annealed: a ramp from 0 to 1, then 1.

    Args:
        step: how much of the training is done, at least 0 and below `n_steps`.
        n_steps: length of the whole training in the same unit, such as epochs.
        n_cycles: number of cycles, each of which starts at 0; 1 is the linear warm-up.
        ramp: share of a cycle in which the weight rises, above 0 and at most 1.

    Returns:
        In [0, 1], with the shape of `step`.

    Example:
        >>> kl_weight(jnp.arange(8), 8, n_cycles=2)
        Array([0. , 0.5, 1. , 1. , 0. , 0.5, 1. , 1. ], dtype=float32)

    References:
        Bowman et al., Generating Sentences from a Continuous Space, 2016, section 3.1, who anneal
        along a sigmoid.
        Sonderby et al., Ladder Variational Autoencoders, 2016: the linear warm-up.
        Fu et al., Cyclical Annealing Schedule: A Simple Approach to Mitigating KL Vanishing, 2019,
        eq. 6, with 4 cycles and a ramp of 0.5.
    """
    # Products of integers and halves are exact, so cycles begin exactly where they should.
    place = (step * n_cycles) % n_steps / n_steps
    return jnp.minimum(place / ramp, 1.0)


def negative_elbo(
    reconstruction_nats: jax.Array, kl_nats: jax.Array, beta: jax.Array | float = 1.0
) -> jax.Array:
    """Beta-weighted negative evidence lower bound.

    Args:
        reconstruction_nats: negative log-likelihood of x given z, `[...]`.
        kl_nats: divergence of the posterior from the prior, `[...]`.
        beta: weight of the divergence, at least 0, broadcastable to it. 1 gives the VAE's bound,
            more than 1 the beta-VAE's objective, 0 the reconstruction term alone where the
            divergence is finite, else NaN.

    Returns:
        Nats, shape `[...]`. It is a bound on the evidence only with beta 1.

    Example:
        >>> negative_elbo(jnp.array([3.0, 1.0]), jnp.array([2.0, 0.0]), beta=4.0)
        Array([11.,  1.], dtype=float32)

    References:
        Higgins et al., beta-VAE, 2017, eq. 4.
    """
    _check_same_shape(reconstruction_nats=reconstruction_nats, kl_nats=kl_nats)
    _check_fits(kl_nats=kl_nats, beta=beta)
    return reconstruction_nats + beta * kl_nats


def _twice_kl(mean: jax.Array, log_var: jax.Array) -> jax.Array:
    mean, log_var = _floats(mean, log_var)
    # Near the prior, expm1(v) - v keeps digits that exp(v) - 1 - v would lose in float32. It can
    # still round to slightly below its true minimum of 0.
    variance_part = jnp.maximum(jnp.expm1(log_var) - log_var, 0.0)
    return variance_part + mean**2


def _over_exp(value: jax.Array, power: jax.Array | float) -> jax.Array:
    """`value / exp(power)`, which is 0 where the value is, though `exp(-power)` may overflow."""
    most = math.floor(math.log(jnp.finfo(jnp.result_type(value, power)).max))
    overflows = (value == 0) & (-power > most)
    return value * jnp.exp(jnp.where(overflows, most, -power))


def _floats(*arrays: Any) -> list[Any]:
    """Integers and booleans as floats, since small integers wrap around; floats as they are."""
    return [
        array if jnp.issubdtype(jnp.result_type(array), jnp.inexact) else 1.0 * array
        for array in arrays
    ]


def _check_same_shape(**arrays: jax.Array) -> None:
    """Raises a ValueError for two arrays that would otherwise be broadcast silently."""
    (first, one), (second, other) = arrays.items()
    if jnp.ndim(one) != jnp.ndim(other):
        raise ValueError(
            f"{second}: got {jnp.ndim(other)}-D (shape {jnp.shape(other)}), expected "
            f"{jnp.ndim(one)}-D as in {first} (shape {jnp.shape(one)})"
        )
    for axis, (expected, found) in enumerate(zip(jnp.shape(one), jnp.shape(other), strict=True)):
        if found != expected:
            raise ValueError(
                f"{second}: got {found} on axis {axis} (shape {jnp.shape(other)}), expected "
                f"{expected} as in {first} (shape {jnp.shape(one)})"
            )


def _check_fits(**arrays: jax.Array | float) -> None:
    """Refuses arrays that would broadcast the first one to more than it is."""
    (first, one), *others = arrays.items()
    shape = jnp.shape(one)
    for name, array in others:
        missing = len(shape) - jnp.ndim(array)
        found = (1,) * missing + jnp.shape(array)
        if missing < 0 or any(n not in (1, size) for n, size in zip(found, shape, strict=True)):
            raise ValueError(
                f"{name}: got shape {jnp.shape(array)}, expected one that broadcasts to that of "
                f"{first}, {shape}"
            )
