"""Clusterings of random subsets of the songs."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from musicvae_jax.clustering import NOISE
from musicvae_jax.clustering.partitions import fit_kmeans
from musicvae_jax.config import ClusterConfig

# (points, k, seed) to cluster numbers.
Cluster = Callable[[np.ndarray, int, int], np.ndarray]


def kmeans_of(config: ClusterConfig) -> Cluster:
    """K-Means with the restarts of a run."""

    def cluster(points: np.ndarray, k: int, seed: int) -> np.ndarray:
        return fit_kmeans(points, k, seed, config).labels_

    return cluster


class Resampled(NamedTuple):
    """Clusterings of subsets of the songs.

    Attributes:
        clusters: cluster numbers, `[subsets, songs]`; `NOISE` for songs outside a subset.
        taken: which songs are in each subset, bool `[subsets, songs]`.
    """

    clusters: np.ndarray
    taken: np.ndarray


def cluster_subsets(
    x: np.ndarray, k: int, cluster: Cluster, n_subsets: int, seed: int, share: float
) -> Resampled:
    """Draws subsets of the songs, each without repeats, and clusters each.

    There are no subsets where one would have fewer than two songs per cluster: clusters are then
    single songs.

    Args:
        x: points, `[songs, dimensions]`.
        k: number of clusters.
        cluster: clusters the points of a subset, with a seed of its own.
        n_subsets: number of subsets.
        seed: of the subsets and of the seeds.
        share: of the songs in each subset, above 0 and below 1.
    """
    random, n_songs = np.random.default_rng(seed), len(x)
    n_taken = int(np.ceil(share * n_songs))
    shape = (n_subsets if n_taken >= 2 * k else 0, n_songs)
    clusters, taken = np.full(shape, NOISE), np.zeros(shape, bool)
    for of_subset, is_taken in zip(clusters, taken, strict=True):
        places = np.sort(random.choice(n_songs, n_taken, replace=False))
        of_subset[places] = cluster(x[places], k, int(random.integers(2**31)))
        is_taken[places] = True
    return Resampled(clusters, taken)
