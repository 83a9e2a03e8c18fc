"""K-Means and Ward's agglomerative clustering: every song in one of k clusters."""

import warnings
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from musicvae_jax.clustering.lloyd import BlockwiseFit, lloyd
from musicvae_jax.clustering.result import (
    Clustering,
    missing_clusters,
    no_clusters,
    too_few_distinct,
)
from musicvae_jax.clustering.sampling import BLOCK, sample_songs, sample_text
from musicvae_jax.config import ClusterConfig

if TYPE_CHECKING:
    from sklearn.cluster import KMeans

# Ward's hierarchy of this many takes a tenth of a second at most, in up to 512 dimensions.
_CENTROIDS = 1000


def kmeans(x: np.ndarray, k: int, seed: int, config: ClusterConfig) -> Clustering:
    """The best of `config.restarts` runs of K-Means on points `[songs, dimensions]`.

    With fewer than k distinct points all songs are noise and the note says so. Above
    `config.exact_songs` songs it is one run on all of them, which starts from the best of
    `config.restarts` runs on a sample of that size.

    References:
        Bradley and Fayyad, Refining Initial Points for K-Means Clustering, 1998: the start.
    """
    if note := too_few_distinct(x, k, "kmeans"):
        return no_clusters(len(x), note)
    fit = fit_kmeans(x, k, seed, config)
    labels = fit.labels_
    note, sample = missing_clusters(labels, k, "kmeans"), sample_text(config.exact_songs)
    approximation = f"all songs, from the best of {sample}" if len(x) > config.exact_songs else ""
    return Clustering(labels, note=note, approximation=approximation, centres=fit.cluster_centers_)


def agglomerative(
    x: np.ndarray,
    k: int,
    seed: int,
    config: ClusterConfig,
) -> Clustering:
    """Ward's hierarchy of points `[songs, dimensions]`, cut at k clusters.

    With fewer than k distinct points all songs are noise and the note says so. Up to
    `config.exact_songs` songs, memory grows with the square of their number and nothing is drawn.
    Above, the hierarchy is built from the centroids of a mini-batch K-Means with many clusters.
    Each centroid counts once, and songs go where their centroid goes.

    References:
        Sculley, Web-Scale K-Means Clustering, 2010: the mini-batches.
    """
    from sklearn.cluster import AgglomerativeClustering, MiniBatchKMeans

    if note := too_few_distinct(x, k, "agglomerative"):
        return no_clusters(len(x), note)
    ward = AgglomerativeClustering(int(k), linkage="ward")
    if len(x) <= config.exact_songs:
        return Clustering(ward.fit(x).labels_)
    n_centroids = max(int(k), min(_CENTROIDS, config.exact_songs))
    many = MiniBatchKMeans(n_centroids, batch_size=BLOCK, n_init=1, random_state=seed)
    with threadpool_limits(limits=1, user_api="openmp"):
        fit = many.fit(x)
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


def fit_kmeans(x: np.ndarray, k: int, seed: int, config: ClusterConfig) -> "KMeans | BlockwiseFit":
    """The fitted estimator for points `[songs, dimensions]`, at least k of them distinct."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    # With several OpenMP threads scikit-learn adds partial sums in the order they finish, and
    # the last digits with them; at these sizes one thread is as fast.
    with threadpool_limits(limits=1, user_api="openmp"), warnings.catch_warnings():
        # Its one cause, points that coincide after rounding or in the sample, shows in the labels.
        warnings.simplefilter("ignore", ConvergenceWarning)
        kmeans = KMeans(int(k), n_init=config.restarts, random_state=seed)
        if len(x) <= config.exact_songs:
            return kmeans.fit(x)
        start = kmeans.fit(x[sample_songs(len(x), config.exact_songs, seed)]).cluster_centers_
        # Mini-batches take as long and end up to 10 percent higher in inertia.
        return lloyd(x, start)
