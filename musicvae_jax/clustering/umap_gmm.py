"""N2D: a Gaussian mixture on the manifold that UMAP finds in the points."""

import numpy as np

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
    other song goes where its nearest sampled song is. The first call of a process compiles UMAP,
    which takes some 15 s.

    References:
        McConville, Santos-Rodriguez, Piechocki and Craddock, N2D: (Not Too) Deep Clustering via
        Clustering the Local Manifold of an Autoencoded Embedding, 2021.
        McInnes, Healy and Melville, UMAP, 2018.
    """
    return cluster_sample(
        x, config.exact_songs, seed, lambda points: _on_manifold(points, k, seed, config)
    )


def manifold(x: np.ndarray, dims: int, seed: int) -> np.ndarray:
    """UMAP coordinates `[songs, dims]` of points `[songs, dimensions]`, with a least distance of 0.

    At least dims + 2 songs.
    """
    from umap import UMAP

    # A seed makes UMAP run on one thread; saying so keeps it from warning that it will.
    reducer = UMAP(
        n_neighbors=min(_NEIGHBOURS, len(x) - 1),
        n_components=dims,
        min_dist=0.0,
        random_state=seed,
        n_jobs=1,
    )
    return reducer.fit_transform(x)


def _on_manifold(x: np.ndarray, k: int, seed: int, config: ClusterConfig) -> Clustering:
    note = too_few_distinct(x, k, "umap_gmm") or too_few_for_full(len(x), k, k, "umap_gmm")
    if note:
        return no_clusters(len(x), note)
    return gaussian_mixture(manifold(x, int(k), seed), k, seed, config, "full", "umap_gmm")
