"""HDBSCAN: clusters of any density, and noise."""

import numpy as np

from musicvae_jax.clustering.result import NOISE, Clustering, no_clusters
from musicvae_jax.clustering.sampling import cluster_sample
from musicvae_jax.config import ClusterConfig


def hdbscan(
    x: np.ndarray,
    k: int,  # noqa: ARG001 - found, not given; all clusterers share one signature
    seed: int,
    config: ClusterConfig,
) -> Clustering:
    """HDBSCAN of points `[songs, dimensions]`; clusters have at least `config.min_samples` songs.

    Unlike DBSCAN it has no radius: it keeps the clusters that persist over the widest range of
    densities. With fewer songs than `config.min_samples` all are noise. The note says so where
    there are fewer than two clusters.

    Up to `config.exact_songs` songs nothing is drawn. Above, the clusters are those of a sample of
    that many, and each other song goes where its nearest sampled song is, noise included.

    References:
        Campello, Moulavi and Sander, Density-Based Clustering Based on Hierarchical Density
        Estimates, 2013.
    """
    return cluster_sample(
        x, config.exact_songs, seed, lambda points: _persistent(points, config.min_samples)
    )


def _persistent(x: np.ndarray, min_samples: int) -> Clustering:
    from sklearn.cluster import HDBSCAN

    if len(x) < min_samples:
        note = f"hdbscan: {len(x)} songs are too few for min_samples {min_samples}"
        return no_clusters(len(x), note)
    points = np.asarray(x, np.float64)
    labels = HDBSCAN(min_samples, min_samples=min_samples, copy=True).fit(points).labels_
    n_clusters = len(np.unique(labels[labels != NOISE]))
    note = ("hdbscan: only noise", "hdbscan: one cluster", "")[min(n_clusters, 2)]
    return Clustering(labels, note=note)
