"""Autoencoders of feature vectors with dense layers."""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from musicvae_jax.models.dense import dense
from musicvae_jax.models.objective import (
    Terms,
    deterministic_terms,
    gaussian_terms,
    reconstruction_nats,
)
from musicvae_jax.models.posterior import Output, Posterior, sample_posterior


class MLP(nn.Module):
    """Dense layers with ReLU between them and a linear output, `[..., any] -> [..., out]`.

    Example:
        >>> model, x = MLP(hidden=(8,), out=2), jnp.zeros((3, 6))
        >>> model.apply(model.init(jax.random.key(0), x), x).shape
        (3, 2)
    """

    hidden: tuple[int, ...]
    out: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        for width in self.hidden:
            x = nn.relu(dense(width)(x))
        return dense(self.out)(x)


class MLPAutoencoder(nn.Module):
    """Autoencoder of feature vectors with dense layers: AE, VAE, beta-VAE and conditional VAE.

    Every method takes an optional condition `[..., labels]`, which encoder and decoder both read
    (Sohn et al., Learning Structured Output Representation using Deep Conditional Generative
    Models, 2015). A module that was initialised with a condition needs one in every call.

    Attributes:
        features: size of x.
        hidden: widths of the encoder's hidden layers, reversed in the decoder.
        latent: size of z.
        deterministic: whether this is an ordinary autoencoder: z is the mean and noise is ignored.

    Example:
        >>> model = MLPAutoencoder(features=6, hidden=(8,), latent=2)
        >>> x, noise = jnp.zeros((3, 6)), jnp.zeros((3, 2))
        >>> params = model.init(jax.random.key(0), x, noise)
        >>> reconstruction, posterior = model.apply(params, x, noise)
        >>> reconstruction.shape, posterior.mean.shape
        ((3, 6), (3, 2))
        >>> model.apply(params, noise, method="sample").shape
        (3, 6)
    """

    features: int
    hidden: tuple[int, ...] = (256,)
    latent: int = 32
    deterministic: bool = False
    other_terms: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def for_shape(cls, shape: tuple[int], **settings: Any) -> "MLPAutoencoder":
        """The module for examples of shape `[features]`."""
        return cls(*shape, **settings)

    def setup(self) -> None:
        parts = 1 if self.deterministic else 2
        self.encoder = MLP(self.hidden, parts * self.latent)
        self.decoder = MLP(self.hidden[::-1], self.features)

    def encode(
        self,
        x: jax.Array,
        condition: jax.Array | None = None,
        mask: jax.Array | float | None = None,  # noqa: ARG002 - missing features are read as 0
    ) -> Posterior:
        """The posterior of x, `[..., features]`; draws no samples.

        A deterministic module has no posterior variance; its `log_var` is all zeros.
        """
        code = self.encoder(_join(x, condition))
        if self.deterministic:
            return Posterior(code, jnp.zeros_like(code))
        return Posterior(*jnp.split(code, 2, axis=-1))

    def decode(self, z: jax.Array, condition: jax.Array | None = None) -> jax.Array:
        """The mean of x, `[..., features]`, given latents `[..., latent]`."""
        return self.decoder(_join(z, condition))

    def sample(self, noise: jax.Array, condition: jax.Array | None = None) -> jax.Array:
        """Songs from the prior: means of x, `[..., features]`.

        Args:
            noise: standard normal, `[..., latent]`.
            condition: labels of the songs to sample, `[..., labels]`, for a conditional module.

        Raises:
            ValueError: the module is deterministic, so its latents have no prior to sample.
        """
        if self.deterministic:
            raise ValueError("sample: a deterministic autoencoder has no prior over its latents")
        return self.decode(noise, condition)

    def __call__(
        self, x: jax.Array, noise: jax.Array, condition: jax.Array | None = None
    ) -> Output:
        """Encodes x, draws z with standard normal noise `[..., latent]`, and decodes it."""
        posterior = self.encode(x, condition)
        z = posterior.mean if self.deterministic else sample_posterior(posterior, noise)
        return Output(self.decode(z, condition), posterior)

    def terms(
        self,
        x: jax.Array,
        noise: jax.Array,
        condition: jax.Array | None = None,
        mask: jax.Array | float = 1.0,
        likelihood: str = "squared_error",
    ) -> Terms:
        """See `Model.terms`."""
        output = self(x, noise, condition)
        reconstruction = reconstruction_nats(x, output.reconstruction, mask, likelihood)
        of_posterior = deterministic_terms if self.deterministic else gaussian_terms
        return of_posterior(reconstruction, output.posterior)


def _join(x: jax.Array, condition: jax.Array | None) -> jax.Array:
    return x if condition is None else jnp.concatenate([x, condition], axis=-1)
