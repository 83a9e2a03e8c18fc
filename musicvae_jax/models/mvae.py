"""The multimodal VAE whose posterior is a product of experts with the prior among them."""

import jax
import jax.numpy as jnp

from musicvae_jax.losses import gaussian_kl_per_dimension
from musicvae_jax.models.experts import BlockAutoencoder, product_of_experts
from musicvae_jax.models.objective import Terms


class MVAE(BlockAutoencoder):
    """VAE of blocks, trained on the ELBO of all blocks together and of each alone.

    Without the second kind of terms, an expert would never be trained to stand alone. The random
    subsets of the paper are left out: with two blocks there are no others, and with more the sum
    needs no choice of how many to draw.

    Example:
        >>> model, x = MVAE(widths=(4, 2), hidden=(8,), latent=3), jnp.zeros((5, 6))
        >>> params = model.init(jax.random.key(0), x, jnp.zeros((5, 3)))
        >>> without_second = jnp.array([1.0, 1, 1, 1, 0, 0])
        >>> model.apply(params, x, None, without_second, method="encode").mean.shape
        (5, 3)

    References:
        Wu and Goodman, Multimodal Generative Models for Scalable Weakly-Supervised Learning, 2018.
    """

    with_prior = True

    def terms(
        self,
        x: jax.Array,
        noise: jax.Array,
        condition: jax.Array | None = None,
        mask: jax.Array | float = 1.0,
        likelihood: str = "squared_error",
    ) -> Terms:
        """The sums of the terms of these ELBOs, see `Model.terms`.

        A song with one block has one ELBO, a song with n > 1 blocks has n + 1.
        """
        del condition
        x, present = self.given(x, mask)
        experts = self.experts(x)
        alone = present[..., None, :] * jnp.eye(len(self.widths))
        # That of all blocks comes first; with a single block it is the only one.
        subsets = [present, *jnp.moveaxis(alone, -2, 0)]
        has_several = present.sum(axis=-1) > 1
        reconstruction = kl = jnp.zeros(())
        for place, subset in enumerate(subsets):
            posterior = product_of_experts(experts, subset, with_prior=True)
            counts = (place == 0) | (has_several & subset.any(axis=-1))
            reconstruction += counts * self.reconstruction(x, posterior, noise, subset, likelihood)
            kl += counts[..., None] * gaussian_kl_per_dimension(*posterior)
        return Terms(reconstruction, kl.sum(axis=-1), kl)
