"""The VAE whose prior is a mixture of Gaussians: variational deep embedding."""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.scipy.stats import norm

from musicvae_jax.losses import gaussian_kl_between, gaussian_nll
from musicvae_jax.models.mlp import MLPAutoencoder
from musicvae_jax.models.objective import Terms, deterministic_terms, reconstruction_nats
from musicvae_jax.models.posterior import Posterior, sample_posterior


class VaDE(MLPAutoencoder):
    """VAE of feature vectors with a trained mixture of diagonal Gaussians as its prior.

    It starts from an autoencoder and a mixture fitted to its latents, see `pretraining` and
    `with_mixture`; from random parameters it finds no clusters.

    Attributes:
        components: number of Gaussians in the prior.
        is_pretraining: whether the objective is that of a deterministic autoencoder.

    Example:
        >>> model, x = VaDE(features=6, hidden=(8,), latent=2, components=4), jnp.zeros((3, 6))
        >>> params = model.init(jax.random.key(0), x, jnp.zeros((3, 2)))
        >>> model.apply(params, x, method="responsibilities").shape
        (3, 4)

    References:
        Jiang, Zheng, Tan, Tang and Zhou, Variational Deep Embedding: An Unsupervised and
        Generative Approach to Clustering, 2017.
    """

    components: int = 10
    is_pretraining: bool = False
    other_terms: ClassVar[tuple[str, ...]] = ("assignment",)

    def setup(self) -> None:
        super().setup()
        shape = (self.components, self.latent)
        self.logits = self.param("logits", nn.initializers.zeros, (self.components,))
        self.means = self.param("means", nn.initializers.normal(1.0), shape)
        self.log_vars = self.param("log_vars", nn.initializers.zeros, shape)

    def pretraining(self) -> "VaDE":
        """The module that trains the autoencoder of this one; it has the same parameters."""
        return self.clone(is_pretraining=True)

    @staticmethod
    def with_mixture(
        params: dict[str, Any], weights: jax.Array, means: jax.Array, variances: jax.Array
    ) -> dict[str, Any]:
        """Parameters with another prior.

        Args:
            params: of this module.
            weights: of the Gaussians, above 0, `[components]`.
            means: their means, `[components, latent]`.
            variances: their variances, `[components, latent]`.
        """
        prior = {"logits": jnp.log(weights), "means": means, "log_vars": jnp.log(variances)}
        return {"params": {**params["params"], **prior}}

    def terms(
        self,
        x: jax.Array,
        noise: jax.Array,
        condition: jax.Array | None = None,
        mask: jax.Array | float = 1.0,
        likelihood: str = "squared_error",
    ) -> Terms:
        """See `Model.terms`.

        `kl` is the KL to the Gaussians of the prior, weighted by their responsibilities for the
        sampled latents; the other term is the KL of the responsibilities to the weights.
        """
        posterior = self.encode(x, condition)
        z = posterior.mean if self.is_pretraining else sample_posterior(posterior, noise)
        reconstruction = reconstruction_nats(x, self.decode(z, condition), mask, likelihood)
        if self.is_pretraining:
            terms = deterministic_terms(reconstruction, posterior)
            return terms._replace(others={"assignment": terms.kl})
        log_shares = self._log_responsibilities(z)
        shares = jnp.exp(log_shares)
        own = (self._for_each_component(part) for part in posterior)
        prior = (jnp.broadcast_to(part, (*z.shape[:-1], *part.shape)) for part in self._prior)
        kl = jnp.sum(shares[..., None] * gaussian_kl_between(*own, *prior), axis=-2)
        assignment = jnp.sum(shares * (log_shares - nn.log_softmax(self.logits)), axis=-1)
        return Terms(reconstruction, kl.sum(axis=-1), kl, {"assignment": assignment})

    def responsibilities(self, x: jax.Array, condition: jax.Array | None = None) -> jax.Array:
        """The probability of each Gaussian given the posterior mean, `[..., components]`."""
        return jnp.exp(self._log_responsibilities(self.encode(x, condition).mean))

    def sample(self, noise: jax.Array, condition: jax.Array | None = None) -> jax.Array:
        """Songs from the prior, see `MLPAutoencoder.sample`.

        The first number of the noise also chooses the Gaussian: its quantile falls into the share
        of one of them, and its place in that share is again uniform.
        """
        weights = nn.softmax(self.logits)
        ends = jnp.cumsum(weights)
        quantile = norm.cdf(noise[..., 0])
        chosen = jnp.minimum(jnp.searchsorted(ends, quantile), self.components - 1)
        within = (quantile - (ends - weights)[chosen]) / weights[chosen]
        first = norm.ppf(jnp.clip(within, 1e-6, 1 - 1e-6))
        noise = noise.at[..., 0].set(first)
        z = sample_posterior(Posterior(*(part[chosen] for part in self._prior)), noise)
        return self.decode(z, condition)

    @property
    def _prior(self) -> Posterior:
        """Means and log-variances of the Gaussians, `[components, latent]` each."""
        return Posterior(self.means, self.log_vars)

    def _for_each_component(self, latents: jax.Array) -> jax.Array:
        """Latents `[..., latent]`, repeated to `[..., components, latent]`."""
        return jnp.repeat(latents[..., None, :], self.components, axis=-2)

    def _log_responsibilities(self, z: jax.Array) -> jax.Array:
        z = self._for_each_component(z)
        means, log_vars = (jnp.broadcast_to(part, z.shape) for part in self._prior)
        return nn.log_softmax(nn.log_softmax(self.logits) - gaussian_nll(z, means, log_vars))
