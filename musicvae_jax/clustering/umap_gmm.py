"""N2D: a Gaussian mixture on the manifold that UMAP finds in the points."""

import numpy as np

from musicvae_jax.clustering.manifold import umap
from musicvae_jax.clustering.mixtures import gaussian_mixture, too_few_for_full
from musicvae_jax.clustering.result import Clustering, no_clusters, too_few_distinct
from musicvae_jax.clustering.sampling import cluster_sample
from musicvae_jax.config import ClusterConfig

_NEIGHBOURS = 20


def umap_gmm(x: np.ndarray, k: int, seed: int, config: ClusterConfig) -> Clustering:
    """The best of `config.restarts` full mixtures of k Gaussians on a UMAP in k dimensions.

    UMAP keeps songs beside their neighbours in the points `[songs, dimensions]` and so pulls
    groups of any shape apart. With fewer than k distinct songs, or than the k * (k + 1) that k
    covariances need, all are noise and the note says so. It also reports components without songs
    and a fit that did not converge.

    Above `config.exact_songs` songs the clusters are those of a sample of that many, and each
    other song goes where its nearest sampled song is.

    References:
        McConville, Santos-Rodriguez, Piechocki and Craddock, N2D: (Not Too) Deep Clustering via
        Clustering the Local Manifold of an Autoencoded Embedding, 2021.
        McInnes, Healy and Melville, UMAP, 2018.
    """
    return cluster_sample(
        x, config.exact_songs, seed, lambda points: _on_manifold(points, k, seed, config)
    )


def _on_manifold(x: np.ndarray, k: int, seed: int, config: ClusterConfig) -> Clustering:
    note = too_few_distinct(x, k, "umap_gmm") or too_few_for_full(len(x), k, k, "umap_gmm")
    if note:
        return no_clusters(len(x), note)
    return gaussian_mixture(
        umap(x, int(k), _NEIGHBOURS, 0.0, seed), k, seed, config, "full", "umap_gmm"
    )
