"""K-Means (scikit-learn) and the choice of k by silhouette, with the elbow curve beside it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

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


def kmeans(x: np.ndarray, k: int, seed: int, restarts: int) -> np.ndarray:
    """Cluster numbers `[songs]`, 0 .. k - 1, of at least k points `[songs, dimensions]`."""
    return _fit(x, k, seed, restarts).labels_


def k_curves(x: np.ndarray, config: ClusterConfig, seed: int) -> KCurves:
    """Runs K-Means over `config.k_min .. config.k_max` on points `[songs, dimensions]`.

    A fixed `config.k` is tried too. The range is cut at one less than the number of distinct
    points, above which the silhouette is undefined.

    Raises:
        InputError: too few songs, see `check_enough_songs`.
    """
    n_distinct = check_enough_songs(x, config)
    wanted = {*range(config.k_min, config.k_max + 1), config.k or config.k_min}
    tried = np.array(sorted(k for k in wanted if k < n_distinct))
    fits = [_fit(x, k, seed, config.restarts) for k in tried]
    return KCurves(
        k=tried,
        inertia=np.array([fit.inertia_ for fit in fits]),
        silhouette=np.array([silhouette_score(x, fit.labels_) for fit in fits]),
    )


def check_enough_songs(x: np.ndarray, config: ClusterConfig) -> int:
    """The number of distinct points among `[songs, dimensions]`.

    Raises:
        InputError: it is not above the k that is fixed, or tried first.
    """
    needed, field = (config.k, "cluster.k") if config.k else (config.k_min, "cluster.k_min")
    n_distinct = len({point.tobytes() for point in x})
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
    if config.k:
        return config.k
    silhouette = np.mean([curve.silhouette for curve in curves], axis=0)
    return int(curves[0].k[np.argmax(silhouette)])


def _fit(x: np.ndarray, k: int, seed: int, restarts: int) -> KMeans:
    # With several OpenMP threads scikit-learn adds partial sums in the order they finish, and
    # the last digits with them; at these sizes one thread is as fast.
    with threadpool_limits(limits=1, user_api="openmp"):
        return KMeans(int(k), n_init=restarts, random_state=seed).fit(x)
