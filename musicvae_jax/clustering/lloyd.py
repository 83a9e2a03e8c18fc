"""Lloyd's algorithm for K-Means over blocks of points, for more songs than fit in memory twice."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from musicvae_jax.clustering.sampling import song_blocks

# The limits of scikit-learn's KMeans.
_TOLERANCE = 1e-4
_MOST_ITERATIONS = 300


class BlockwiseFit(NamedTuple):
    """K-Means with the attributes of scikit-learn's estimator.

    Attributes:
        labels_: cluster numbers, `[songs]`.
        cluster_centers_: `[clusters, dimensions]`; every song belongs to the nearest.
        inertia_: sum of squared distances to it.
    """

    labels_: np.ndarray
    cluster_centers_: np.ndarray
    inertia_: float


def lloyd(x: np.ndarray, centres: np.ndarray) -> BlockwiseFit:
    """Moves centres to the means of the songs nearest to them until they rest.

    Needs memory for a block of songs beside the points, of which scikit-learn's KMeans makes a
    copy. It ends as that does: when no song changes its cluster, or the centres' squared moves add
    up to less than 1e-4 of the mean variance of a dimension. A centre that has lost all its songs
    takes the song that is farthest from its own, as there.

    Args:
        x: points, `[songs, dimensions]`, perhaps memory-mapped.
        centres: to start from, `[clusters, dimensions]`.

    Example:
        >>> x = np.array([[0.0], [1.0], [10.0], [12.0]])
        >>> fit = lloyd(x, np.array([[0.0], [1.0]]))
        >>> fit.labels_.tolist(), fit.cluster_centers_.ravel(), fit.inertia_
        ([0, 0, 1, 1], array([ 0.5, 11. ]), 2.5)

    References:
        Lloyd, Least Squares Quantization in PCM, 1982.
    """
    mean = _mean(x)
    least_move = _TOLERANCE * _mean_variance(x, mean)
    labels, centres = np.full(len(x), -1), centres - mean
    for _ in range(_MOST_ITERATIONS):
        found, sums, sizes = _assigned(x, mean, centres)
        is_at_rest = np.array_equal(found, labels)
        labels, before = found, centres
        if not sizes.all():
            _fill_empty(x, mean, centres, labels, sums, sizes)
        means = sums / np.maximum(sizes, 1)[:, None]
        centres = np.where(sizes[:, None] > 0, means, before).astype(x.dtype)
        if is_at_rest or np.sum((centres - before) ** 2, dtype=np.float64) <= least_move:
            break
    if not is_at_rest:
        labels, _, _ = _assigned(x, mean, centres)
    return BlockwiseFit(labels, centres + mean, _inertia(x, mean, centres, labels))


def _assigned(
    x: np.ndarray, mean: np.ndarray, centres: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each song's nearest centre; the sum of the songs of each centre, and their number."""
    from scipy.sparse import csr_array

    labels, sums = np.empty(len(x), np.int32), np.zeros(centres.shape)
    half_squares = np.sum(centres**2, axis=1) / 2
    for rows, points in _centred(x, mean):
        found = np.argmin(half_squares - points @ centres.T, axis=1)
        songs = np.arange(len(found))
        members = csr_array(
            (np.ones(len(found), x.dtype), (found, songs)), (len(centres), len(songs))
        )
        sums += members @ points
        labels[rows] = found
    return labels, sums, np.bincount(labels, minlength=len(centres))


def _fill_empty(
    x: np.ndarray,
    mean: np.ndarray,
    centres: np.ndarray,
    labels: np.ndarray,
    sums: np.ndarray,
    sizes: np.ndarray,
) -> None:
    """Moves the songs farthest from their centres to those without songs, in sums and sizes."""
    empty, distances = np.flatnonzero(sizes == 0), _squared_distances(x, mean, centres, labels)
    for cluster, song in zip(empty, np.argsort(-distances, kind="stable"), strict=False):
        if distances[song] > 0 and sizes[labels[song]] > 1:
            sums[labels[song]] -= x[song] - mean
            sizes[labels[song]] -= 1
            sums[cluster], sizes[cluster] = x[song] - mean, 1


def _inertia(x: np.ndarray, mean: np.ndarray, centres: np.ndarray, labels: np.ndarray) -> float:
    return float(_squared_distances(x, mean, centres, labels).sum(dtype=np.float64))


def _squared_distances(
    x: np.ndarray, mean: np.ndarray, centres: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Of each song to its centre, `[songs]`."""
    blocks = _centred(x, mean)
    return np.concatenate(
        [np.sum((points - centres[labels[rows]]) ** 2, axis=1) for rows, points in blocks]
    )


def _mean(x: np.ndarray) -> np.ndarray:
    sums = (x[rows].sum(axis=0, dtype=np.float64) for rows in song_blocks(len(x)))
    return (sum(sums) / len(x)).astype(x.dtype)


def _mean_variance(x: np.ndarray, mean: np.ndarray) -> float:
    squares = (float(np.sum(points**2, dtype=np.float64)) for _, points in _centred(x, mean))
    return sum(squares) / x.size


def _centred(x: np.ndarray, mean: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Blocks of points less their mean, so that products of them keep their digits."""
    for rows in song_blocks(len(x)):
        yield rows, x[rows] - mean
