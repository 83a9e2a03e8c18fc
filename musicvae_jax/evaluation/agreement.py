"""Whether clusterings repeat under other seeds and with other songs."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_mutual_info_score

from musicvae_jax.clustering import NOISE
from musicvae_jax.config import ClusterConfig
from musicvae_jax.evaluation.resampling import Cluster, cluster_subsets, kmeans_of

# Pairs of subsets over all seeds where they choose k: the mean is then about as certain as the
# tolerance of `clustering.stable_k`.
_PAIRS_FOR_K = 12


class Agreement(NamedTuple):
    """AMI between clusterings, each pair once; at most 1, 0 by chance, higher is more stable.

    Attributes:
        mean: over pairs; NaN without a pair.
        minimum: of the pair that agrees least.
    """

    mean: float
    minimum: float


def seed_agreement(clusterings: Sequence[np.ndarray]) -> Agreement:
    """Agreement of clusterings of the same songs, such as those of several seeds.

    Args:
        clusterings: cluster numbers, `[songs]` each; noise is one more cluster.

    References:
        Vinh, Epps and Bailey, Information Theoretic Measures for Clusterings Comparison, 2010.
    """
    return _agreement(
        [adjusted_mutual_info_score(one, other) for one, other in combinations(clusterings, 2)]
    )


def resampled_agreement(
    x: np.ndarray, k: int, cluster: Cluster, n_pairs: int, seed: int, share: float = 0.8
) -> Agreement:
    """Agreement of clusterings of two random subsets of the songs, on the songs in both.

    NaN where a subset has fewer than two songs per cluster: clusters are then single songs.

    Args:
        x: points, `[songs, dimensions]`.
        k: number of clusters.
        cluster: clusters the points of a subset, with a seed of its own.
        n_pairs: number of pairs of subsets, at least 1.
        seed: of the subsets and of the seeds.
        share: of the songs in each subset, above 1/2, so that two always share some, and below 1.

    Raises:
        ValueError: the share is not in that range.

    References:
        Ben-Hur, Elisseeff and Guyon, A Stability Based Method for Discovering Structure in
        Clustered Data, 2002; with AMI in the place of their uncorrected similarities.
    """
    if not 0.5 < share < 1:
        raise ValueError(f"share is {share}, expected above 0.5 and below 1")
    clusters, taken = cluster_subsets(x, k, cluster, 2 * n_pairs, seed, share)
    pairs = zip(clusters[::2], clusters[1::2], taken[::2] & taken[1::2], strict=True)
    return _agreement(
        [adjusted_mutual_info_score(one[shared], other[shared]) for one, other, shared in pairs]
    )


def kmeans_agreement(
    x: np.ndarray, k: int, config: ClusterConfig, n_pairs: int, seed: int
) -> Agreement:
    """`resampled_agreement` of K-Means with the restarts of a run."""
    return resampled_agreement(x, k, kmeans_of(config), n_pairs, seed)


def kmeans_stability(
    x: np.ndarray, k: int, config: ClusterConfig, seed: int, n_seeds: int
) -> float:
    """Mean `kmeans_agreement` of twelve pairs of subsets, divided among the seeds."""
    return kmeans_agreement(x, k, config, pairs_per_seed(_PAIRS_FOR_K, n_seeds), seed).mean


def pairs_per_seed(n_pairs: int, n_seeds: int) -> int:
    """Pairs of subsets for each of several seeds that share `n_pairs`, at least one."""
    return -(-n_pairs // n_seeds)


def average_linkage_consensus(clusterings: Sequence[np.ndarray], k: int) -> np.ndarray:
    """One clustering of several: songs belong together that are together in most of them.

    Average linkage of the share of clusterings in which two songs are apart. Noise is together
    with nothing, but still ends up in a cluster. The `consensus_ami_*` of stability.csv are of
    this. The clusterer `consensus` is another: spectral, of K-Means clusterings of its own.

    Args:
        clusterings: cluster numbers, `[songs]` each, at least one; their k may differ. Memory
            grows with the square of the number of songs: 16 bytes for each pair.
        k: number of clusters, at least 1 and at most the number of songs.

    Returns:
        Cluster numbers from 0, `[songs]`.

    References:
        Fred and Jain, Combining Multiple Clusterings Using Evidence Accumulation, 2005.
    """
    n_songs = len(clusterings[0])
    if k == 1 or n_songs == 1:
        return np.zeros(n_songs, int)
    alone = -1 - np.arange(n_songs)
    codes = np.stack([np.where(one == NOISE, alone, one) for one in clusterings], axis=1)
    linkage = AgglomerativeClustering(int(k), metric="hamming", linkage="average")
    return linkage.fit(codes).labels_


def _agreement(scores: Sequence[float]) -> Agreement:
    if not scores:
        return Agreement(np.nan, np.nan)
    return Agreement(float(np.mean(scores)), float(np.min(scores)))
