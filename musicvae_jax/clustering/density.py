"""DBSCAN with its radius from the data."""

from typing import TYPE_CHECKING

import numpy as np

from musicvae_jax.clustering.knee import knee
from musicvae_jax.clustering.result import NOISE, Clustering, no_clusters
from musicvae_jax.clustering.sampling import sample_songs, sample_text, song_blocks
from musicvae_jax.config import ClusterConfig

if TYPE_CHECKING:
    from sklearn.cluster import DBSCAN

# Distances to neighbours are compared squared, so a song exactly at eps could fall out by rounding.
_ROUNDING = 1 + 1e-9


def dbscan(
    x: np.ndarray,
    k: int,  # noqa: ARG001 - found, not given; all clusterers share one signature
    seed: int,
    config: ClusterConfig,
) -> Clustering:
    """DBSCAN of points `[songs, dimensions]`, eps from the knee of the sorted neighbour distances.

    The distance is to the `config.min_samples`-th neighbour, where a song is its own first. With
    fewer songs than that, all are noise. The note reports this, an eps of 0 (so many songs are
    equal that only equal ones form clusters), and fewer than two clusters.

    Up to `config.exact_songs` songs, no sample is drawn. Above, eps and the clusters come from a
    sample of that size, whose songs lie farther apart than in the full set. Every other song joins
    the cluster of its nearest core song if that is within eps.

    References:
        Ester, Kriegel, Sander and Xu, A Density-Based Algorithm for Discovering Clusters in Large
        Spatial Databases with Noise, 1996, section 4.2: eps from the sorted k-distance graph.
    """
    from sklearn.cluster import DBSCAN
    from sklearn.neighbors import NearestNeighbors

    is_sampled = len(x) > config.exact_songs
    places = sample_songs(len(x), config.exact_songs, seed)
    n_songs, needed = len(places), config.min_samples
    if n_songs < needed:
        note = f"dbscan: {n_songs} songs are too few for min_samples {needed}"
        return no_clusters(len(x), note)
    # A tree takes differences; the brute-force default for many dimensions multiplies out, which
    # puts equal points a little apart.
    points = np.asarray(x[places] if is_sampled else x, np.float64)
    neighbours = NearestNeighbors(n_neighbors=needed, algorithm="ball_tree").fit(points)
    distances = np.sort(neighbours.kneighbors(points)[0][:, -1])
    eps = float(distances[knee(np.arange(n_songs), distances)])
    radius = max(eps * _ROUNDING, np.finfo(np.float64).tiny)
    fit = DBSCAN(eps=radius, min_samples=needed, algorithm="ball_tree").fit(points)
    labels = _joined(x, places, fit) if is_sampled else fit.labels_
    approximation = sample_text(n_songs) if is_sampled else ""
    return Clustering(labels, eps, _note(labels, eps), approximation)


def _joined(x: np.ndarray, places: np.ndarray, fit: "DBSCAN") -> np.ndarray:
    """Cluster numbers of all songs from those of the songs at `places`."""
    from sklearn.metrics import pairwise_distances_argmin

    labels = np.full(len(x), NOISE)
    cores, of_core = fit.components_, fit.labels_[fit.core_sample_indices_]
    for block in song_blocks(len(x)) if len(cores) else ():
        points = np.asarray(x[block], np.float64)
        nearest = pairwise_distances_argmin(points, cores)
        # The search multiplies out, so the distance itself is taken from differences.
        near = np.linalg.norm(points - cores[nearest], axis=1) <= fit.eps
        labels[block] = np.where(near, of_core[nearest], NOISE)
    labels[places] = fit.labels_
    return labels


def _note(labels: np.ndarray, eps: float) -> str:
    notes = []
    n_clusters = len(np.unique(labels[labels != NOISE]))
    if eps == 0:
        notes.append("eps is 0, so only equal songs are together")
    if n_clusters < 2:
        notes.append("only noise" if n_clusters == 0 else "one cluster")
    return "dbscan: " + "; ".join(notes) if notes else ""
