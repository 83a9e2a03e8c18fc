"""K-Means and Ward's agglomerative clustering: every song in one of k clusters."""

import warnings
from dataclasses import replace
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
    from sklearn.cluster import KMeans, MiniBatchKMeans

_BATCH = 4096
# Ward's hierarchy of so many takes a tenth of a second.
_CENTROIDS = 1000


def kmeans(x: np.ndarray, k: int, seed: int, config: ClusterConfig) -> Clustering:
    """The best of `config.restarts` K-Means of points `[songs, dimensions]`.

    With fewer than k distinct points all songs are noise and the note says so. Above
    `config.exact_songs` songs it is one K-Means in mini-batches, from the best of
    `config.restarts` initialisations.

    References:
        Sculley, Web-Scale K-Means Clustering, 2010: the mini-batches.
    """
    from sklearn.exceptions import ConvergenceWarning

    if note := too_few_distinct(x, k, "kmeans"):
        return no_clusters(len(x), note)
    with warnings.catch_warnings():
        # Its one cause, points that coincide after rounding, goes into the note.
        warnings.simplefilter("ignore", ConvergenceWarning)
        labels = fit_kmeans(x, k, seed, config).labels_
    approximation = f"mini-batches of {_BATCH:,} songs" if len(x) > config.exact_songs else ""
    return Clustering(
        labels, note=missing_clusters(labels, k, "kmeans"), approximation=approximation
    )


def agglomerative(
    x: np.ndarray,
    k: int,
    seed: int,
    config: ClusterConfig,
) -> Clustering:
    """Ward's hierarchy of points `[songs, dimensions]`, cut at k clusters.

    With fewer than k distinct points all songs are noise and the note says so. Memory grows with
    the square of the number of songs up to `config.exact_songs`, and nothing is drawn. Above, the
    hierarchy is that of the centroids of a mini-batch K-Means of many clusters, each of which
    counts once, and songs go where their centroid goes.
    """
    from sklearn.cluster import AgglomerativeClustering

    if note := too_few_distinct(x, k, "agglomerative"):
        return no_clusters(len(x), note)
    ward = AgglomerativeClustering(int(k), linkage="ward")
    if len(x) <= config.exact_songs:
        return Clustering(ward.fit(x).labels_)
    n_centroids = max(int(k), min(_CENTROIDS, config.exact_songs))
    # Where so many start makes no difference.
    fit = fit_kmeans(x, n_centroids, seed, replace(config, restarts=1))
    # Equal songs leave centroids without any.
    found, nearest = np.unique(fit.labels_, return_inverse=True)
    centroids = fit.cluster_centers_[found]
    of_centroid = ward.fit(centroids).labels_ if len(found) > k else np.arange(len(found))
    labels = of_centroid[nearest]
    return Clustering(
        labels,
        note=missing_clusters(labels, k, "agglomerative"),
        approximation=f"Ward of up to {n_centroids:,} centroids of mini-batch K-Means",
    )


def fit_kmeans(
    x: np.ndarray, k: int, seed: int, config: ClusterConfig
) -> "KMeans | MiniBatchKMeans":
    """The fitted estimator for points `[songs, dimensions]`, at least k of them."""
    from sklearn.cluster import KMeans, MiniBatchKMeans

    # With several OpenMP threads scikit-learn adds partial sums in the order they finish, and
    # the last digits with them; at these sizes one thread is as fast.
    with threadpool_limits(limits=1, user_api="openmp"):
        if len(x) <= config.exact_songs:
            return KMeans(int(k), n_init=config.restarts, random_state=seed).fit(x)
        few = {"n_init": config.restarts, "random_state": seed, "batch_size": _BATCH}
        return MiniBatchKMeans(int(k), **few).fit(x)
