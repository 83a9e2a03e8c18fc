"""Autoencoders of songs as blocks, some of which may be missing: one expert for each block."""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from musicvae_jax.models.mlp import MLP
from musicvae_jax.models.objective import reconstruction_nats, refuse_condition
from musicvae_jax.models.posterior import Output, Posterior, sample_posterior


def product_of_experts(
    experts: Posterior, present: jax.Array, with_prior: bool = False
) -> Posterior:
    """The normalised product of the Gaussians of some experts.

    Args:
        experts: one Gaussian for each, parts `[..., experts, latent]`, with log-variances within
            80 of 0 in float32; also those that take no part must be finite.
        present: 1 for experts that take part, else 0, `[..., experts]`.
        with_prior: whether a standard normal takes part too.

    Returns:
        Parts `[..., latent]`; a standard normal where no expert takes part.

    Example:
        >>> experts = Posterior(jnp.array([[0.0], [6.0]]), jnp.log(jnp.array([[1.0], [0.5]])))
        >>> product_of_experts(experts, jnp.ones(2)).mean
        Array([4.], dtype=float32)
        >>> product_of_experts(experts, jnp.array([1.0, 0.0])).mean
        Array([0.], dtype=float32)

    References:
        Hinton, Training Products of Experts by Minimizing Contrastive Divergence, 2002.
        Cao and Fleet, Generalized Product of Experts, 2014, section 2: of Gaussians.
    """
    precisions = present[..., None] * jnp.exp(-experts.log_var)
    total = precisions.sum(axis=-2)
    total = total + 1.0 if with_prior else jnp.where(total > 0, total, 1.0)
    mean = jnp.sum(precisions * experts.mean, axis=-2) / total
    return Posterior(mean, -jnp.log(total))


class BlockAutoencoder(nn.Module):
    """What multimodal autoencoders share: an encoder and a decoder for each block of x.

    A subclass adds the terms of its objective. Its posterior of a song is the product of the
    experts of the blocks that the song has, whichever these are. A mask is constant, 0 or 1, in
    each block: only its first element is looked at.

    Attributes:
        widths: sizes of the blocks of x, which are side by side.
        hidden: widths of each encoder's hidden layers, reversed in its decoder.
        latent: size of z.
    """

    widths: tuple[int, ...]
    hidden: tuple[int, ...] = (256,)
    latent: int = 32
    # Whether the product of experts has the prior as one more.
    with_prior = False
    other_terms: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def for_shape(cls, shape: tuple[int, ...], **settings: Any) -> "BlockAutoencoder":
        """The module for blocks of the widths `shape`."""
        return cls(tuple(shape), **settings)

    def setup(self) -> None:
        self.encoders = [MLP(self.hidden, 2 * self.latent) for _ in self.widths]
        self.decoders = [MLP(self.hidden[::-1], width) for width in self.widths]

    def encode(
        self,
        x: jax.Array,
        condition: jax.Array | None = None,
        mask: jax.Array | float | None = None,
    ) -> Posterior:
        """The posterior of x given the blocks that are present; draws no samples.

        Args:
            x: blocks side by side, `[..., features]`.
            condition: must be None; this module is never conditional.
            mask: 0 in all of a block that is missing, else 1, `[..., features]`; None if all are
                present.
        """
        refuse_condition(condition, "an autoencoder of blocks")
        x, present = self.given(x, mask)
        return product_of_experts(self.experts(x), present, self.with_prior)

    def decode(self, z: jax.Array, condition: jax.Array | None = None) -> jax.Array:
        """The mean of all blocks, `[..., features]`, given latents `[..., latent]`."""
        refuse_condition(condition, "an autoencoder of blocks")
        return jnp.concatenate([decoder(z) for decoder in self.decoders], axis=-1)

    def sample(self, noise: jax.Array, condition: jax.Array | None = None) -> jax.Array:
        """Songs from the prior: means of all blocks, from standard normal noise."""
        return self.decode(noise, condition)

    def __call__(
        self,
        x: jax.Array,
        noise: jax.Array,
        condition: jax.Array | None = None,
        mask: jax.Array | float | None = None,
    ) -> Output:
        """Encodes what is present, draws z with noise `[..., latent]`, decodes all blocks."""
        posterior = self.encode(x, condition, mask)
        return Output(self.decode(sample_posterior(posterior, noise), condition), posterior)

    def experts(self, x: jax.Array) -> Posterior:
        """Each block's own posterior, parts `[..., blocks, latent]`; of missing ones too."""
        blocks = jnp.split(x, np.cumsum(self.widths)[:-1], axis=-1)
        codes = [encoder(block) for encoder, block in zip(self.encoders, blocks, strict=True)]
        return Posterior(*jnp.split(jnp.stack(codes, axis=-2), 2, axis=-1))

    def given(self, x: jax.Array, mask: jax.Array | float | None) -> tuple[jax.Array, jax.Array]:
        """x with 0 in missing blocks, and which blocks are present, 1 or 0, `[..., blocks]`."""
        mask = jnp.broadcast_to(1.0 if mask is None else mask, x.shape)
        starts = np.cumsum((0, *self.widths[:-1]))
        return jnp.where(mask > 0, x, 0.0), mask[..., starts]

    def reconstruction(
        self, x: jax.Array, posterior: Posterior, noise: jax.Array, blocks: jax.Array, kind: str
    ) -> jax.Array:
        """Negative log-likelihood of some blocks of x given one sample of a posterior.

        Args:
            x: `[..., features]`.
            posterior: parts `[..., latent]`.
            noise: standard normal, `[..., latent]`.
            blocks: 1 for the blocks that count, else 0, `[..., blocks]`.
            kind: one of `LIKELIHOODS`.

        Returns:
            Nats, `[...]`.
        """
        decoded = self.decode(sample_posterior(posterior, noise))
        weight = jnp.repeat(blocks, np.array(self.widths), axis=-1, total_repeat_length=x.shape[-1])
        return reconstruction_nats(x, decoded, weight, kind)
