"""HDBSCAN: clusters of any density, and noise."""

import numpy as np

from musicvae_jax.clustering.result import NOISE, Clustering, no_clusters
from musicvae_jax.clustering.sampling import BLOCK, sample_songs, sample_text
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
    from sklearn.cluster import HDBSCAN

    is_sampled = len(x) > config.exact_songs
    places = sample_songs(len(x), config.exact_songs, seed)
    if len(places) < config.min_samples:
        note = f"hdbscan: {len(places)} songs are too few for min_samples {config.min_samples}"
        return no_clusters(len(x), note)
    points = np.asarray(x[places] if is_sampled else x, np.float64)
    fit = HDBSCAN(config.min_samples, min_samples=config.min_samples, copy=True).fit(points)
    labels = _joined(x, points, fit.labels_) if is_sampled else fit.labels_
    n_clusters = len(np.unique(labels[labels != NOISE]))
    note = ("hdbscan: only noise", "hdbscan: one cluster", "")[min(n_clusters, 2)]
    return Clustering(
        labels, note=note, approximation=sample_text(len(places)) if is_sampled else ""
    )


def _joined(x: np.ndarray, points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Cluster numbers of all songs from those of the sampled points."""
    from sklearn.metrics import pairwise_distances_argmin
    from sklearn.utils import gen_batches

    blocks = (np.asarray(x[block], np.float64) for block in gen_batches(len(x), BLOCK))
    return np.concatenate([labels[pairwise_distances_argmin(block, points)] for block in blocks])
