"""DBSCAN with its radius from the data."""

import numpy as np

from musicvae_jax.clustering.knee import knee
from musicvae_jax.clustering.result import NOISE, Clustering, no_clusters
from musicvae_jax.config import ClusterConfig

# Distances to neighbours are compared squared, so a song exactly at eps could fall out by rounding.
_ROUNDING = 1 + 1e-9


def dbscan(
    x: np.ndarray,
    k: int,  # noqa: ARG001 - found, not given; all clusterers share one signature
    seed: int,  # noqa: ARG001 - nothing is drawn
    config: ClusterConfig,
) -> Clustering:
    """DBSCAN of points `[songs, dimensions]`, eps from the knee of the sorted neighbour distances.

    The distance is to the `config.min_samples`-th neighbour, a song being its own first. With
    fewer songs than that all are noise. The note tells of that, of an eps of 0 (so many songs are
    equal that only equal ones cluster), and of fewer than two clusters.

    References:
        Ester, Kriegel, Sander and Xu, A Density-Based Algorithm for Discovering Clusters in Large
        Spatial Databases with Noise, 1996, section 4.2: eps from the sorted k-distance graph.
    """
    from sklearn.cluster import DBSCAN
    from sklearn.neighbors import NearestNeighbors

    n_songs, needed = len(x), config.min_samples
    if n_songs < needed:
        note = f"dbscan: {n_songs} songs are too few for min_samples {needed}"
        return no_clusters(n_songs, note)
    # A tree takes differences; the brute-force default for many dimensions multiplies out, which
    # puts equal points a little apart.
    points = np.asarray(x, np.float64)
    neighbours = NearestNeighbors(n_neighbors=needed, algorithm="ball_tree").fit(points)
    distances = np.sort(neighbours.kneighbors(points)[0][:, -1])
    eps = float(distances[knee(np.arange(n_songs), distances)])
    radius = max(eps * _ROUNDING, np.finfo(np.float64).tiny)
    labels = DBSCAN(eps=radius, min_samples=needed, algorithm="ball_tree").fit(points).labels_
    return Clustering(labels, eps, _note(labels, eps))


def _note(labels: np.ndarray, eps: float) -> str:
    notes = []
    n_clusters = len(np.unique(labels[labels != NOISE]))
    if eps == 0:
        notes.append("eps is 0, so only equal songs are together")
    if n_clusters < 2:
        notes.append("only noise" if n_clusters == 0 else "one cluster")
    return "dbscan: " + "; ".join(notes) if notes else ""
