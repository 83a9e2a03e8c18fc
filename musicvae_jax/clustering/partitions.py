"""K-Means and Ward's agglomerative clustering: every song in one of k clusters."""

import warnings
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from musicvae_jax.clustering.result import (
    Clustering,
    missing_clusters,
    no_clusters,
    too_few_distinct,
)
from musicvae_jax.config import ClusterConfig

if TYPE_CHECKING:
    from sklearn.cluster import KMeans


def kmeans(x: np.ndarray, k: int, seed: int, config: ClusterConfig) -> Clustering:
    """The best of `config.restarts` K-Means of points `[songs, dimensions]`.

    With fewer than k distinct points all songs are noise and the note says so.
    """
    from sklearn.exceptions import ConvergenceWarning

    if note := too_few_distinct(x, k, "kmeans"):
        return no_clusters(len(x), note)
    with warnings.catch_warnings():
        # Its one cause, points that coincide after rounding, goes into the note.
        warnings.simplefilter("ignore", ConvergenceWarning)
        labels = fit_kmeans(x, k, seed, config.restarts).labels_
    return Clustering(labels, note=missing_clusters(labels, k, "kmeans"))


def agglomerative(
    x: np.ndarray,
    k: int,
    seed: int,  # noqa: ARG001 - nothing is drawn; all clusterers share one signature
    config: ClusterConfig,  # noqa: ARG001
) -> Clustering:
    """Ward's hierarchy of points `[songs, dimensions]`, cut at k clusters.

    Memory grows with the square of the number of songs. With fewer than k distinct points all
    songs are noise and the note says so.
    """
    from sklearn.cluster import AgglomerativeClustering

    if note := too_few_distinct(x, k, "agglomerative"):
        return no_clusters(len(x), note)
    return Clustering(AgglomerativeClustering(int(k), linkage="ward").fit(x).labels_)


def fit_kmeans(x: np.ndarray, k: int, seed: int, restarts: int) -> "KMeans":
    """The fitted estimator for points `[songs, dimensions]`, at least k of them."""
    from sklearn.cluster import KMeans

    # With several OpenMP threads scikit-learn adds partial sums in the order they finish, and
    # the last digits with them; at these sizes one thread is as fast.
    with threadpool_limits(limits=1, user_api="openmp"):
        return KMeans(int(k), n_init=restarts, random_state=seed).fit(x)
