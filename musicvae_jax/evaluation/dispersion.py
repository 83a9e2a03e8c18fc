"""Scores of clusters from their centroids, over blocks of points."""

from typing import NamedTuple

import numpy as np

from musicvae_jax.clustering.sampling import song_blocks


class DispersionScores(NamedTuple):
    """Calinski-Harabasz, at least 0, higher is better; Davies-Bouldin, at least 0, lower is."""

    calinski_harabasz: float
    davies_bouldin: float


def dispersion_scores(x: np.ndarray, clusters: np.ndarray) -> DispersionScores:
    """Both scores as scikit-learn defines them, with memory for a block of songs beside the points.

    scikit-learn copies all points to float64.

    Args:
        x: points, `[songs, dimensions]`, perhaps memory-mapped.
        clusters: cluster numbers, `[songs]`, two or more.

    Example:
        >>> dispersion_scores(np.array([[0.0], [2.0], [10.0], [12.0]]), np.array([0, 0, 1, 1]))
        DispersionScores(calinski_harabasz=50.0, davies_bouldin=0.2)

    References:
        Caliński and Harabasz, A Dendrite Method for Cluster Analysis, 1974; Davies and Bouldin, A
        Cluster Separation Measure, 1979.
    """
    _, codes, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    centroids = _sums(x, codes, len(sizes)) / sizes[:, None]
    distances = np.concatenate(
        [np.linalg.norm(x[rows] - centroids[codes[rows]], axis=1) for rows in song_blocks(len(x))]
    )
    inside = float(np.sum(distances**2))
    from_mean = centroids - np.average(centroids, axis=0, weights=sizes)
    between = float(np.sum(sizes * np.sum(from_mean**2, axis=1)))
    n_clusters = len(sizes)
    ratio = between * (len(x) - n_clusters) / (inside * (n_clusters - 1)) if inside else 1.0
    spread = np.bincount(codes, distances) / sizes
    return DispersionScores(ratio, _davies_bouldin(centroids, spread))


def _davies_bouldin(centroids: np.ndarray, spread: np.ndarray) -> float:
    from sklearn.metrics import pairwise_distances

    apart = pairwise_distances(centroids)
    if np.allclose(spread, 0) or np.allclose(apart, 0):
        return 0.0
    apart[apart == 0] = np.inf
    return float(np.max((spread[:, None] + spread) / apart, axis=1).mean())


def _sums(x: np.ndarray, codes: np.ndarray, n_clusters: int) -> np.ndarray:
    """The sum of each cluster's points in float64, `[clusters, dimensions]`."""
    from scipy.sparse import csr_array

    sums = np.zeros((n_clusters, x.shape[1]))
    for rows in song_blocks(len(x)):
        found = codes[rows]
        entries = (np.ones(len(found)), (found, np.arange(len(found))))
        sums += csr_array(entries, (n_clusters, len(found))) @ x[rows]
    return sums
