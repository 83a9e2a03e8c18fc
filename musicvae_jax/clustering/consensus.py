"""Consensus of many K-Means clusterings: songs belong together that most of them put together."""

from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from musicvae_jax.clustering.partitions import fit_kmeans
from musicvae_jax.clustering.result import (
    Clustering,
    count_distinct,
    missing_clusters,
    no_clusters,
    too_few_distinct,
)
from musicvae_jax.clustering.sampling import cluster_sample
from musicvae_jax.config import ClusterConfig

# K-Means runs at k, and with so many more clusters, which part what k clusters join by chance.
_MORE = (0, 1, 2, 3, 5)
_RUNS = 10


def consensus(x: np.ndarray, k: int, seed: int, config: ClusterConfig) -> Clustering:
    """Spectral clustering of how often K-Means puts two songs together, `[songs, dimensions]`.

    K-Means, the best of `config.restarts`, runs ten times each at k, k + 1, k + 2, k + 3 and k + 5
    with seeds of its own. The share of the runs in which two songs are together is their
    similarity. Numbers of clusters above that of the distinct songs are left out, and the note
    says which. With fewer than k distinct songs all are noise, and the note says so.

    Above `config.exact_songs` songs the clusters are those of a sample of that many, and each other
    song goes where its nearest sampled song is.

    References:
        Fred and Jain, Combining Multiple Clusterings Using Evidence Accumulation, 2005: the
        similarity.
        von Luxburg, A Tutorial on Spectral Clustering, 2007, section 4: the clustering, normalised
        after Shi and Malik.
    """
    return cluster_sample(
        x, config.exact_songs, seed, lambda points: _consensus(points, k, seed, config)
    )


def _consensus(x: np.ndarray, k: int, seed: int, config: ClusterConfig) -> Clustering:
    if note := too_few_distinct(x, k, "consensus"):
        return no_clusters(len(x), note)
    n_distinct = count_distinct(x)
    wanted = [k + more for more in _MORE]
    tried = [one for one in wanted if one <= n_distinct]
    random = np.random.default_rng(seed)
    runs = [
        fit_kmeans(x, one, int(random.integers(2**31)), config).labels_
        for one in tried
        for _ in range(_RUNS)
    ]
    labels = fit_kmeans(spectral_coordinates(runs, k), k, seed, config).labels_
    notes = [missing_clusters(labels, k, "consensus")]
    if left_out := ", ".join(map(str, wanted[len(tried) :])):
        notes.append(
            f"consensus: without K-Means at k = {left_out}, more than the {n_distinct} distinct "
            "songs"
        )
    return Clustering(labels, note="; ".join(filter(None, notes)))


def spectral_coordinates(clusterings: Sequence[np.ndarray], k: int) -> np.ndarray:
    """The first k eigenvectors of the random walk between songs that clusterings put together.

    The similarity of two songs, and of a song with itself, is the share of the clusterings in
    which they are together. That matrix is the product of the songs' memberships with themselves,
    so the eigenvectors are singular vectors of these, and no table of all pairs is held.
    scikit-learn's SpectralClustering drops the similarity of a song with itself, and so puts songs
    that are always alone into the clusters of others.

    Args:
        clusterings: cluster numbers from 0, `[songs]` each, without noise.
        k: number of coordinates, at most the number of songs.

    Returns:
        `[songs, k]`.

    References:
        von Luxburg, A Tutorial on Spectral Clustering, 2007, section 4: the random walk Laplacian.
    """
    members = np.concatenate([np.eye(one.max() + 1)[one] for one in clusterings], axis=1)
    scale = np.sqrt(members @ members.sum(axis=0))[:, None]
    # One thread gives the same bytes on every run.
    with threadpool_limits(limits=1):
        vectors, _, _ = np.linalg.svd(members / scale, full_matrices=False)
    return vectors[:, :k] / scale
