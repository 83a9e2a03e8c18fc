"""The multimodal VAE whose posterior is a mixture of products of experts."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np

from musicvae_jax.losses import gaussian_kl_per_dimension
from musicvae_jax.models.experts import BlockAutoencoder, product_of_experts
from musicvae_jax.models.objective import Terms


class MoPoE(BlockAutoencoder):
    """VAE of blocks whose posterior is a mixture over all subsets of the blocks of a song.

    Each component is the product of the experts of a subset, and all have the same weight. The
    objective takes one sample of every component, not of one at random, and bounds the KL of the
    mixture by the mean of the KLs of the components, which has a closed form. `encode` returns the
    component of all blocks, which alone has seen everything.

    Example:
        >>> model, x = MoPoE(widths=(4, 2), hidden=(8,), latent=3), jnp.zeros((5, 6))
        >>> params = model.init(jax.random.key(0), x, jnp.zeros((5, 3)))
        >>> model.apply(params, x, method="encode").mean.shape
        (5, 3)

    References:
        Sutter, Daunhawer and Vogt, Generalized Multimodal ELBO, 2021.
    """

    def terms(
        self,
        x: jax.Array,
        noise: jax.Array,
        condition: jax.Array | None = None,
        mask: jax.Array | float = 1.0,
        likelihood: str = "squared_error",
    ) -> Terms:
        """Means over the subsets of the blocks that a song has, see `Model.terms`.

        Every component reconstructs all of the song's blocks.
        """
        del condition
        x, present = self.given(x, mask)
        experts = self.experts(x)
        reconstruction = kl = n_components = jnp.zeros(())
        for subset in _subsets(len(self.widths)):
            posterior = product_of_experts(experts, present * subset)
            # Subsets with a block that the song lacks are no components.
            counts = jnp.all(present >= subset, axis=-1)
            n_components += counts
            reconstruction += counts * self.reconstruction(x, posterior, noise, present, likelihood)
            kl += counts[..., None] * gaussian_kl_per_dimension(*posterior)
        n_components = jnp.maximum(n_components, 1.0)
        kl = kl / n_components[..., None]
        return Terms(reconstruction / n_components, kl.sum(axis=-1), kl)


def _subsets(n_blocks: int) -> np.ndarray:
    """All subsets but the empty one, 1 for a member, `[subsets, blocks]`."""
    return np.array(list(product((0.0, 1.0), repeat=n_blocks)), np.float32)[1:]
