"""The protocol of all models, and the terms of their objective."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from musicvae_jax.losses import (
    gaussian_kl,
    gaussian_kl_per_dimension,
    gaussian_nll,
    squared_error,
)
from musicvae_jax.models.posterior import Posterior

# Gaussian likelihoods of x by name, see `losses`.
LIKELIHOODS: dict[str, Callable[..., jax.Array]] = {
    "squared_error": squared_error,
    "gaussian": gaussian_nll,
}


class Terms(NamedTuple):
    """The terms of an objective, in nats per example.

    Attributes:
        reconstruction: negative log-likelihood of x, `[...]`.
        kl: what beta weighs: the divergence of the posterior from the prior, or what the model's
            objective has in its place, `[...]`; 0 without a posterior.
        kl_per_dimension: the terms of that sum, `[..., latent]`, for free bits.
        others: further terms to minimise, unweighted, by name, `[...]` each. Their names are
            the model's `other_terms`.
    """

    reconstruction: jax.Array
    kl: jax.Array
    kl_per_dimension: jax.Array
    others: Mapping[str, jax.Array] = {}


class Model(Protocol):
    """A Flax module that can be trained; its methods are called through `apply`.

    It needs no `__call__`: its parameters are those that `terms` uses.

    Attributes:
        latent: size of z.
        other_terms: names of the terms beyond reconstruction and KL.
    """

    @property
    def latent(self) -> int: ...

    @property
    def other_terms(self) -> tuple[str, ...]: ...

    @property
    def init(self) -> Callable[..., Any]:
        """See `flax.linen.Module`."""

    @property
    def apply(self) -> Callable[..., Any]:
        """See `flax.linen.Module`."""

    def __hash__(self) -> int: ...

    @classmethod
    def for_shape(cls, shape: Any, **settings: Any) -> "Model":
        """The module for examples of a shape.

        Args:
            shape: `(features,)` of rows, `(bands, frames)` of crops, or the widths of the blocks.
            settings: those of the `ModelConfig` that the module has an attribute for, by name.
        """

    def encode(
        self,
        x: jax.Array,
        condition: jax.Array | None = None,
        mask: jax.Array | float | None = None,
    ) -> Posterior:
        """The posterior of x; draws no samples.

        Args:
            x: examples, `[examples, ...]`.
            condition: labels, `[examples, labels]`, or None.
            mask: 0 for elements of x that are missing, else 1; None if none is. Only a model of
                blocks uses it; the others read missing elements as what they hold, 0.
        """

    def decode(self, z: jax.Array, condition: jax.Array | None = None) -> jax.Array:
        """The mean of x given latents."""

    def sample(self, noise: jax.Array, condition: jax.Array | None = None) -> jax.Array:
        """Means of x, decoded from standard normal noise `[..., latent]`."""

    def terms(
        self,
        x: jax.Array,
        noise: jax.Array,
        condition: jax.Array | None = None,
        mask: jax.Array | float = 1.0,
        likelihood: str = "squared_error",
    ) -> Terms:
        """The objective's terms of each example, with the leading axes of x.

        Args:
            x: examples, `[..., *shape of an example]`.
            noise: standard normal, `[..., latent]`.
            condition: labels, `[..., labels]`, or None.
            mask: weight of each element of x in the reconstruction, 0 if it is missing; of a shape
                that broadcasts to that of x. For a model of blocks it is constant, 0 or 1, in each
                block.
            likelihood: one of `LIKELIHOODS`.

        Raises:
            ValueError: no such likelihood; arrays whose shapes do not match.
        """


class MixtureModel(Model, Protocol):
    """A model whose prior is a mixture of Gaussians, with which training starts; see `vade`."""

    @property
    def components(self) -> int:
        """Number of Gaussians in the prior."""
        ...

    def pretraining(self) -> Model:
        """The module that trains the autoencoder of this one; it has the same parameters."""
        ...

    def with_mixture(self, params: Any, weights: Any, means: Any, variances: Any) -> dict[str, Any]:
        """Parameters with another prior."""
        ...


def refuse_condition(condition: jax.Array | None, module: str) -> None:
    """Raises a ValueError if there is a condition; `module` says what never has one."""
    if condition is not None:
        raise ValueError(f"condition: got an array, expected None for {module}")


def reconstruction_nats(
    x: jax.Array,
    reconstruction: jax.Array,
    mask: jax.Array | float,
    likelihood: str,
    n_axes: int = 1,
) -> jax.Array:
    """Negative log-likelihood of each example, `[...]`.

    Args:
        x: examples, `[..., *shape of an example]`.
        reconstruction: same shape.
        mask: see `Model.terms`.
        likelihood: one of `LIKELIHOODS`.
        n_axes: number of axes of an example, over which the likelihood is summed.
    """
    if likelihood not in LIKELIHOODS:
        names = ", ".join(LIKELIHOODS)
        raise ValueError(f"likelihood: got {likelihood!r}, expected one of {names}")

    def flat(part: jax.Array) -> jax.Array:
        return part.reshape(*part.shape[:-n_axes], math.prod(part.shape[-n_axes:]))

    if jnp.ndim(mask):
        mask = flat(jnp.broadcast_to(mask, x.shape))
    return LIKELIHOODS[likelihood](flat(x), flat(reconstruction), weight=mask)


def gaussian_terms(reconstruction: jax.Array, posterior: Posterior) -> Terms:
    """The terms of a model with a Gaussian posterior and a standard normal prior."""
    return Terms(reconstruction, gaussian_kl(*posterior), gaussian_kl_per_dimension(*posterior))


def deterministic_terms(reconstruction: jax.Array, posterior: Posterior) -> Terms:
    """The terms of a model without a posterior: the KL is 0."""
    return Terms(reconstruction, jnp.zeros_like(reconstruction), jnp.zeros_like(posterior.mean))
