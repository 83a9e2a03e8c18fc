"""The choice of k from curves of K-Means over k."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from musicvae_jax.clustering.knee import knee
from musicvae_jax.clustering.partitions import fit_kmeans
from musicvae_jax.clustering.result import count_distinct
from musicvae_jax.clustering.silhouette import mean_silhouettes
from musicvae_jax.config import K_RULES, ClusterConfig, KRule, load_function
from musicvae_jax.errors import InputError

# In AMI; a mean over a dozen pairs of subsets is no more precise.
_STABLE_ENOUGH = 0.02


class KCurves(NamedTuple):
    """How well K-Means fits one set of points over a range of k.

    Attributes:
        k: numbers of clusters tried, `[tries]`, rising.
        inertia: within-cluster sum of squares, `[tries]`; look for its elbow.
        silhouette: mean silhouette, `[tries]`, in `[-1, 1]`, higher is better.
        stability: mean AMI between clusterings of subsets of the songs, `[tries]`, at most 1,
            higher is better; NaN where it was not computed. `k_curves` does not compute it.
        pac: share of ambiguous pairs of songs over clusterings of subsets, `[tries]`, in `[0, 1]`,
            lower is better; NaN likewise.
    """

    k: np.ndarray
    inertia: np.ndarray
    silhouette: np.ndarray
    stability: np.ndarray | float = np.nan
    pac: np.ndarray | float = np.nan


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
        InputError: the number is not above the fixed k, or the first k tried.
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
    """`config.k`, or the k that the rule `config.choose_k` picks from the mean over seeds.

    One k for all seeds: scores at different k do not compare, and the best k of a single seed is
    often noise.

    Args:
        curves: one per seed, over the same k; with the curve of the rule's name.
        config: its `k` is returned if it is set.

    Raises:
        InputError: there are too few songs for the curve of the rule.
    """
    rule = load_function(f"clustering.{K_RULES[config.choose_k].choose}")
    return config.k or rule(curves)


def silhouette_k(curves: Sequence[KCurves]) -> int:
    """The k with the best silhouette, averaged over curves of the same k."""
    silhouette = np.mean([curve.silhouette for curve in curves], axis=0)
    return int(curves[0].k[np.argmax(silhouette)])


def stable_k(curves: Sequence[KCurves], tolerance: float = _STABLE_ENOUGH) -> int:
    """The largest k whose stability is nearly the best, averaged over curves of the same k.

    Lange et al. divide by the stability of random labels, which falls with k; AMI is adjusted for
    chance and needs no such division. A stable k need not be the number of clusters: well
    separated groups of clusters are as stable as the clusters, and points without any clusters
    can be cut in two in the same place each time.

    Args:
        curves: with their stability.
        tolerance: in AMI, at least 0, below the best. A little above 0 prefers the finer of two
            stable cuts.

    Raises:
        InputError: no k has a stability.

    References:
        Lange, Roth, Braun and Buhmann, Stability-Based Validation of Clustering Solutions, 2004.
    """
    stability = _mean_curve(curves, "stability")
    return int(curves[0].k[stability >= np.nanmax(stability) - tolerance].max())


def unambiguous_k(curves: Sequence[KCurves]) -> int:
    """The k with the lowest PAC, averaged over curves of the same k; the largest of equals.

    The more clusters, the more pairs of songs are always apart, so that the PAC falls with k where
    there are no clusters too: the lowest PAC at the largest k means little.

    Args:
        curves: with their PAC.

    Raises:
        InputError: no k has a PAC.

    References:
        Senbabaoglu, Michailidis and Li, Critical Limitations of Consensus Clustering in Class
        Discovery, 2014.
    """
    pac = _mean_curve(curves, "pac")
    return int(curves[0].k[pac == np.nanmin(pac)].max())


def elbow_k(curves: Sequence[KCurves]) -> int:
    """The k at the elbow of the inertia, averaged over curves of the same k; see `knee`.

    It is the first k where there is no elbow, and otherwise never the first or the last. A smooth
    curve bends too, about a third of the way from the first k to the last, so that an elbow does
    not show that there are clusters.

    References:
        Thorndike, Who Belongs in the Family?, 1953: the elbow.
        Schubert, Stop Using the Elbow Criterion for k-Means and How to Choose the Number of
        Clusters Instead, 2023: why it shows no clusters.
    """
    inertia = np.mean([curve.inertia for curve in curves], axis=0)
    return int(curves[0].k[knee(curves[0].k, inertia)])


def _mean_curve(curves: Sequence[KCurves], rule: KRule) -> np.ndarray:
    """The curve of a rule's name, averaged over seeds, `[tries]`."""
    k = curves[0].k
    mean = np.broadcast_to(np.mean([getattr(one, rule) for one in curves], axis=0), k.shape)
    if np.isnan(mean).all():
        raise InputError(
            f"cluster.choose_k: got {rule!r} and too few songs to tell it of {k[0]} or more "
            "clusters, expected 'elbow', 'silhouette' or a cluster.k"
        )
    return mean
