"""How many pairs of songs are neither mostly together nor mostly apart in resampled clusterings."""

import numpy as np
from sklearn.utils import gen_batches

from musicvae_jax.config import ClusterConfig
from musicvae_jax.evaluation.resampling import Resampled, cluster_subsets, kmeans_of

_SUBSETS, _SHARE = 50, 0.8
# Songs whose pairs are counted at a time, so that no table of all pairs is held.
_BLOCK = 512


def ambiguous_pairs(resampled: Resampled) -> float:
    """Share of pairs of songs, together in more than 10 and fewer than 90 % of the clusterings.

    A pair counts over the subsets that hold both songs, and not at all if none does.

    Args:
        resampled: of `cluster_subsets`, without noise in the subsets.

    Returns:
        PAC in [0, 1], 0 where all clusterings agree on nearly every pair; NaN without a pair.

    Example:
        >>> clusters = np.array([[0, 0, 1], [0, 1, 1]])
        >>> round(ambiguous_pairs(Resampled(clusters, clusters >= 0)), 3)
        0.667

    References:
        Senbabaoglu, Michailidis and Li, Critical Limitations of Consensus Clustering in Class
        Discovery, 2014: the proportion of ambiguous clustering.
        Monti, Tamayo, Mesirov and Golub, Consensus Clustering, 2003: the subsets.
    """
    drawn, members = resampled.taken.T.astype(np.float32), _members(resampled)
    n_ambiguous = n_pairs = 0
    for block in gen_batches(len(drawn), _BLOCK):
        # Counts, which float32 holds exactly, so that limits are met exactly too.
        both, together = drawn[block] @ drawn.T, members[block] @ members.T
        n_ambiguous += np.sum((10 * together > both) & (10 * together < 9 * both))
        n_pairs += np.sum(both > 0)
    # A song is no pair with itself. All other pairs are counted twice.
    n_pairs -= resampled.taken.any(axis=0).sum()
    return float(n_ambiguous / n_pairs) if n_pairs else np.nan


def kmeans_pac(
    x: np.ndarray,
    k: int,
    config: ClusterConfig,
    seed: int,
    n_seeds: int,  # noqa: ARG001 - each seed has points, and so pairs, of its own
) -> float:
    """`ambiguous_pairs` of K-Means with the restarts of a run, of 50 subsets of 80 % of the songs.

    NaN where a subset has fewer than two songs per cluster.

    Args:
        x: points, `[songs, dimensions]`.
        k: number of clusters.
        config: its restarts are used.
        seed: of the subsets and of K-Means.
        n_seeds: has no effect.
    """
    return ambiguous_pairs(cluster_subsets(x, k, kmeans_of(config), _SUBSETS, seed, _SHARE))


def _members(resampled: Resampled) -> np.ndarray:
    """1 where a song is in a cluster of a subset, else 0, `[songs, subsets * clusters]`."""
    clusters, taken = resampled
    n_subsets, n_songs = clusters.shape
    members = np.zeros((n_songs, n_subsets, clusters.max(initial=0) + 1), np.float32)
    subsets, songs = np.nonzero(taken)
    members[songs, subsets, clusters[taken]] = 1
    return members.reshape(n_songs, -1)
