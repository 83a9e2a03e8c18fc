"""The choice of k by the silhouette of K-Means, with the elbow of its inertia beside it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from musicvae_jax.clustering.knee import knee
from musicvae_jax.clustering.partitions import fit_kmeans
from musicvae_jax.clustering.result import count_distinct
from musicvae_jax.clustering.silhouette import mean_silhouettes
from musicvae_jax.config import ClusterConfig
from musicvae_jax.errors import InputError


class KCurves(NamedTuple):
    """What K-Means does to one set of points over a range of k.

    Attributes:
        k: numbers of clusters tried, `[tries]`, rising.
        inertia: within-cluster sum of squares, `[tries]`; look for its elbow.
        silhouette: mean silhouette, `[tries]`, in `[-1, 1]`, higher is better.
    """

    k: np.ndarray
    inertia: np.ndarray
    silhouette: np.ndarray


def k_curves(x: np.ndarray, config: ClusterConfig, seed: int) -> KCurves:
    """Runs K-Means over `config.k_min .. config.k_max` on points `[songs, dimensions]`.

    A fixed `config.k` is tried too. The range is cut at one less than the number of distinct
    points, above which the silhouette is undefined. Above `config.exact_songs` songs the
    silhouettes are estimated, all on the same sample.

    Raises:
        InputError: too few songs, see `check_enough_songs`.
    """
    n_distinct = check_enough_songs(x, config)
    wanted = {*range(config.k_min, config.k_max + 1), config.k or config.k_min}
    tried = np.array(sorted(k for k in wanted if k < n_distinct))
    fits = [fit_kmeans(x, k, seed, config) for k in tried]
    silhouettes = mean_silhouettes(x, [fit.labels_ for fit in fits], config.exact_songs)
    return KCurves(
        k=tried,
        inertia=np.array([fit.inertia_ for fit in fits]),
        silhouette=np.array([one.mean for one in silhouettes]),
    )


def check_enough_songs(x: np.ndarray, config: ClusterConfig) -> int:
    """The number of distinct points among `[songs, dimensions]`.

    Raises:
        InputError: it is not above the k that is fixed, or tried first.
    """
    needed, field = (config.k, "cluster.k") if config.k else (config.k_min, "cluster.k_min")
    n_distinct = count_distinct(x)
    if n_distinct <= needed:
        alike = f", {n_distinct} of them distinct" if n_distinct < len(x) else ""
        raise InputError(
            f"got {len(x)} songs{alike}, expected more than {field}, which is {needed}"
        )
    return n_distinct


def choose_k(curves: Sequence[KCurves], config: ClusterConfig) -> int:
    """`config.k`, or the k with the best silhouette, averaged over seeds.

    One k for all seeds: scores at different k do not compare, and the best k of a single seed is
    often noise.

    Args:
        curves: one per seed, over the same k.
        config: whose `k`, if it has one, is the answer.
    """
    return config.k or silhouette_k(curves)


def silhouette_k(curves: Sequence[KCurves]) -> int:
    """The k with the best silhouette, averaged over curves of the same k."""
    silhouette = np.mean([curve.silhouette for curve in curves], axis=0)
    return int(curves[0].k[np.argmax(silhouette)])


def elbow_k(curves: Sequence[KCurves]) -> int:
    """The k at the elbow of the inertia, averaged over curves of the same k; see `knee`.

    It depends on the range of k, and is the first k where there is no elbow.
    """
    inertia = np.mean([curve.inertia for curve in curves], axis=0)
    return int(curves[0].k[knee(curves[0].k, inertia)])
