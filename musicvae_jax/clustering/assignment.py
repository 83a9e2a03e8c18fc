"""Puts new points into known clusters: the nearest centre, how sure that is, and neighbours."""

from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from musicvae_jax.errors import InputError

# Relative difference of distances that are equal: a song encoded again, in another batch, has the
# same point up to single precision, and must count as being as far from a centre as before.
_ROUNDING = 1e-5


class KnownClusters(NamedTuple):
    """Points in clusters that have centres, which new points can join.

    Attributes:
        points: `[songs, dimensions]`.
        labels: cluster numbers, `[songs]`, from 0.
        centres: `[clusters, dimensions]`, at least two.
    """

    points: np.ndarray
    labels: np.ndarray
    centres: np.ndarray


class Assignment(NamedTuple):
    """New points in known clusters.

    Attributes:
        labels: number of the cluster with the nearest centre, `[points]`; the lowest of equals.
        distances: Euclidean distance to that centre, `[points]`, at least 0.
        typicality: share of the cluster's known songs that lie at least as far from its centre,
            `[points]`, in `[0, 1]`: 1 for a point nearer to it than all of them, 0 for one farther
            away; NaN for a cluster without songs. Distances that single precision may have made
            different count as equal.
        second: number of the cluster with the second nearest centre, `[points]`.
        ratio: the distance divided by that to the second nearest centre, `[points]`, in `[0, 1]`; 1
            for a point halfway between two clusters.
    """

    labels: np.ndarray
    distances: np.ndarray
    typicality: np.ndarray
    second: np.ndarray
    ratio: np.ndarray


def assign_points(points: np.ndarray, known: KnownClusters) -> Assignment:
    """Puts each point into the cluster with the nearest centre.

    Args:
        points: `[points, dimensions]`.
        known: the clusters.

    Raises:
        InputError: the points have another number of dimensions than the clusters.

    Example:
        >>> x = np.array([[0.0], [1.0], [3.0], [10.0]])
        >>> known = KnownClusters(x, np.array([0, 0, 0, 1]), np.array([[1.0], [10.0]]))
        >>> found = assign_points(np.array([[2.5]]), known)
        >>> found.labels, found.distances, found.second, found.ratio
        (array([0]), array([1.5]), array([1]), array([0.2]))
        >>> found.typicality
        array([0.33333333])

    References:
        Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005: the typicality is
        a p-value without the new point among the known ones.
    """
    n_dimensions = known.centres.shape[1]
    if points.shape[1] != n_dimensions:
        raise InputError(
            f"points: got {points.shape[1]} dimensions, expected {n_dimensions}, as the clusters "
            "have"
        )
    table = np.stack([_distances(points, centre) for centre in known.centres], axis=1)
    first, second = np.argsort(table, axis=1, kind="stable")[:, :2].T
    rows = np.arange(len(points))
    distances, others = table[rows, first], table[rows, second]
    # Centres coincide where points do: then it is as near to both.
    ratio = np.divide(distances, others, out=np.ones(len(points)), where=others > 0)
    return Assignment(first, distances, _typicality(distances, first, known), second, ratio)


def nearest_points(
    points: np.ndarray, known: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """The known points that are nearest to each point.

    Args:
        points: `[points, dimensions]`.
        known: `[songs, dimensions]`.
        count: how many to find, at least 1; fewer if there are fewer.

    Returns:
        Their places among the known points, `[points, count]`, nearest first and the lower of equal
        ones first; and their Euclidean distances, `[points, count]`.

    Example:
        >>> nearest_points(np.array([[2.0]]), np.array([[5.0], [1.0], [3.0]]), 2)
        (array([[1, 2]]), array([[1., 1.]]))
    """
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=min(count, len(known)), algorithm="brute").fit(known)
    # Several threads find equal points in the order they finish.
    with threadpool_limits(limits=1, user_api="openmp"):
        found = search.kneighbors(np.asarray(points, known.dtype), return_distance=False)
    # The search rounds: a point would not be at distance 0 of itself.
    distances = np.stack([_distances(points, known[column]) for column in found.T], axis=1)
    order = np.lexsort((found, distances))
    return (
        np.take_along_axis(found, order, axis=1),
        np.take_along_axis(distances, order, axis=1),
    )


def _distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    # Single precision would decide differently close to the middle between two centres.
    return np.linalg.norm(np.asarray(x, np.float64) - np.asarray(y, np.float64), axis=1)


def _typicality(distances: np.ndarray, labels: np.ndarray, known: KnownClusters) -> np.ndarray:
    found = np.full(len(distances), np.nan)
    for cluster in np.unique(labels):
        own, of_points = known.points[known.labels == cluster], labels == cluster
        if len(own):
            spread = np.sort(_distances(own, known.centres[cluster]))
            nearer = np.searchsorted(spread, distances[of_points] * (1 - _ROUNDING))
            found[of_points] = 1 - nearer / len(own)
    return found
