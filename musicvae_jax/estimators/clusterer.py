"""K-Means on the latents of a VAE as a scikit-learn clusterer."""

from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import KMeans
from sklearn.utils import Tags, check_random_state, check_scalar
from sklearn.utils.validation import check_is_fitted

from musicvae_jax.estimators.autoencoders import VAE
from musicvae_jax.estimators.inputs import checked_features

_MOST_SEED = 2**31 - 1


class VAEClusterer(ClusterMixin, BaseEstimator):
    """Clusters samples by K-Means on the latents of a VAE.

    Args:
        n_clusters: number of clusters, at least 1.
        n_init: starts of K-Means, of which the best is kept; at least 1.
        n_components: see `VAE`, as are the parameters after it.
        hidden_layer_sizes: see `VAE`.
        beta: see `VAE`.
        learning_rate: see `VAE`.
        batch_size: see `VAE`.
        max_iter: epochs of the VAE.
        validation_fraction: see `VAE`.
        random_state: seed of the VAE and of K-Means.

    Attributes:
        labels_: cluster of each sample, int `[samples]`.
        cluster_centers_: in the latent space, `[n_clusters, n_components]`.
        vae_: the fitted `VAE`.
        n_iter_: number of epochs trained.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(20, 6))
        >>> model = VAEClusterer(n_clusters=3, n_components=2, max_iter=2, random_state=0)
        >>> labels = model.fit_predict(x)
        >>> labels.shape, bool((labels == model.predict(x)).all())
        ((20,), True)
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        n_init: int = 10,
        n_components: int = 32,
        hidden_layer_sizes: tuple[int, ...] = (256,),
        beta: float = 1.0,
        learning_rate: float = 1e-3,
        batch_size: int = 32,
        max_iter: int = 100,
        validation_fraction: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.n_init = n_init
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.beta = beta
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Trains the VAE and clusters its latents.

        Args:
            X: features, `[samples, features]`, see `VAE.fit`.
            y: ignored.

        Raises:
            ValueError: see `VAE.fit`.
            DivergenceError: see `VAE.fit`.
        """
        check_scalar(self.n_clusters, "n_clusters", Integral, min_val=1)
        check_scalar(self.n_init, "n_init", Integral, min_val=1)
        x = checked_features(self, X, is_fit=True)
        random = check_random_state(self.random_state)
        of_vae = VAE().get_params().keys() - {"random_state"}
        settings = {name: getattr(self, name) for name in of_vae}
        seeds = [int(random.randint(_MOST_SEED)) for _ in range(2)]
        self.vae_ = VAE(**settings, random_state=seeds[0]).fit(x)
        kmeans = KMeans(self.n_clusters, n_init=self.n_init, random_state=seeds[1])
        self._kmeans = kmeans.fit(self.vae_.transform(x))
        self.labels_ = self._kmeans.labels_
        self.cluster_centers_ = self._kmeans.cluster_centers_
        self.n_iter_ = self.vae_.n_iter_
        return self

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """The cluster whose centre is nearest in the latent space, int `[samples]`.

        Args:
            X: features, `[samples, features]`.
        """
        check_is_fitted(self)
        return self._kmeans.predict(self.vae_.transform(checked_features(self, X)))
