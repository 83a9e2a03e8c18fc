"""The multimodal VAE that maximises the total correlation of blocks and latents."""

import jax
import jax.numpy as jnp

from musicvae_jax.losses import gaussian_kl_between, gaussian_kl_per_dimension
from musicvae_jax.models.experts import BlockAutoencoder, product_of_experts
from musicvae_jax.models.objective import Terms
from musicvae_jax.models.posterior import Posterior


class MVTCAE(BlockAutoencoder):
    """VAE of blocks whose joint posterior is also pulled towards each block's own.

    This teaches each expert to predict what all blocks say together. The prior is not one of the
    experts.

    Attributes:
        alpha: share of the terms that compare the joint posterior with the experts, in [0, 1); 0
            is a VAE with a product of experts.

    Example:
        >>> model, x = MVTCAE(widths=(4, 2), hidden=(8,), latent=3), jnp.zeros((5, 6))
        >>> params = model.init(jax.random.key(0), x, jnp.zeros((5, 3)))
        >>> model.apply(params, x, method="encode").mean.shape
        (5, 3)

    References:
        Hwang, Kim, Hong and Kim, Multi-View Representation Learning via Total Correlation
        Objective, 2021.
    """

    alpha: float = 0.9

    def terms(
        self,
        x: jax.Array,
        noise: jax.Array,
        condition: jax.Array | None = None,
        mask: jax.Array | float = 1.0,
        likelihood: str = "squared_error",
    ) -> Terms:
        """The objective's terms, see `Model.terms`.

        With n blocks in all, `reconstruction` is (n - alpha) / n of that of a VAE, and `kl` is
        1 - alpha of the KL to the prior plus alpha / n of the KLs to the experts. A missing block
        adds nothing to either.
        """
        del condition
        x, present = self.given(x, mask)
        experts = self.experts(x)
        joint = product_of_experts(experts, present)
        n_blocks = len(self.widths)
        to_each = gaussian_kl_between(*_beside(joint, experts), *experts)
        to_experts = jnp.sum(present[..., None] * to_each, axis=-2) / n_blocks
        to_prior = gaussian_kl_per_dimension(*joint)
        kl = (1 - self.alpha) * to_prior + self.alpha * to_experts
        reconstruction = self.reconstruction(x, joint, noise, present, likelihood)
        weight = (n_blocks - self.alpha) / n_blocks
        return Terms(weight * reconstruction, kl.sum(axis=-1), kl)


def _beside(joint: Posterior, experts: Posterior) -> Posterior:
    """The joint posterior once for each expert."""
    return Posterior(*(jnp.broadcast_to(part[..., None, :], experts.mean.shape) for part in joint))
