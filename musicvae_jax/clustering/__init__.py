"""Clusterers (scikit-learn) with one signature, and the choice of k.

scikit-learn is imported where it is used: importing it takes longer than the rest of a start.
"""

from collections.abc import Callable

import numpy as np

from musicvae_jax.clustering.assignment import (
    Assignment,
    KnownClusters,
    assign_points,
    nearest_points,
)
from musicvae_jax.clustering.choice import (
    KCurves,
    check_enough_songs,
    choose_k,
    elbow_k,
    k_curves,
    silhouette_k,
    stable_k,
    unambiguous_k,
)
from musicvae_jax.clustering.density import dbscan
from musicvae_jax.clustering.knee import knee
from musicvae_jax.clustering.mixtures import gmm_diag, gmm_full
from musicvae_jax.clustering.partitions import agglomerative, kmeans
from musicvae_jax.clustering.result import NOISE, Clustering
from musicvae_jax.clustering.sampling import sample_songs, sample_text
from musicvae_jax.clustering.silhouette import Silhouette, mean_silhouettes, sampled_silhouettes
from musicvae_jax.config import CLUSTERERS, ClusterConfig, Clusterer, load_function

ClustererFunction = Callable[[np.ndarray, int, int, ClusterConfig], Clustering]


def find_clusterer(method: Clusterer) -> ClustererFunction:
    """The function `(points, k, seed, config) -> Clustering` of a clusterer's name."""
    return load_function(f"clustering.{CLUSTERERS[method].function}")


__all__ = [
    "NOISE",
    "Assignment",
    "ClustererFunction",
    "Clustering",
    "KCurves",
    "KnownClusters",
    "Silhouette",
    "agglomerative",
    "assign_points",
    "check_enough_songs",
    "choose_k",
    "dbscan",
    "elbow_k",
    "find_clusterer",
    "gmm_diag",
    "gmm_full",
    "k_curves",
    "kmeans",
    "knee",
    "mean_silhouettes",
    "nearest_points",
    "sample_songs",
    "sample_text",
    "sampled_silhouettes",
    "silhouette_k",
    "stable_k",
    "unambiguous_k",
]
