"""The mean silhouette: of all songs, or of a sample of them with its standard error."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from musicvae_jax.clustering.sampling import sample_songs

# Under a standard error of 0.005 for any silhouettes that spread by less than 0.2.
_SAMPLED = 2000
# One sample for each number of songs, so that scores that are compared are of the same songs.
_SEED = 0
_MEMORY_MIB = 64


class Silhouette(NamedTuple):
    """The mean silhouette of songs, in `[-1, 1]`, higher is better.

    Attributes:
        mean: over all songs, or over the sampled ones.
        standard_error: of the sample mean as an estimate of the mean over all songs; NaN where
            all songs were scored.
    """

    mean: float
    standard_error: float


def mean_silhouettes(
    x: np.ndarray, labellings: Sequence[np.ndarray], exact_songs: int
) -> list[Silhouette]:
    """One per labelling `[songs]` of points `[songs, dimensions]`, each of 2 or more clusters.

    Above `exact_songs` songs it is estimated from a sample, the same for every labelling. Each
    sampled song is compared with all songs, not with the sample: the silhouettes are then those
    that all songs have, and a simple random sample of them has a known standard error.

    References:
        Rousseeuw, Silhouettes: a Graphical Aid to the Interpretation and Validation of Cluster
        Analysis, 1987.
        Cochran, Sampling Techniques, 1977, theorem 2.2: the standard error, with the correction
        for a finite population.
    """
    n_songs = len(x)
    if n_songs <= exact_songs:
        return [Silhouette(mean, np.nan) for mean in _exact_means(x, labellings)]
    places = sample_songs(n_songs, sampled_silhouettes(exact_songs), _SEED)
    n_sampled = len(places)
    return [
        Silhouette(
            float(values.mean()),
            float(values.std(ddof=1) * np.sqrt((1 - n_sampled / n_songs) / n_sampled)),
        )
        for values in _silhouettes(x, labellings, places)
    ]


def sampled_silhouettes(exact_songs: int) -> int:
    """The number of songs in the sample when there are more than `exact_songs`."""
    return min(_SAMPLED, exact_songs)


def _exact_means(x: np.ndarray, labellings: Sequence[np.ndarray]) -> list[float]:
    """The mean silhouette of all songs, for each labelling."""
    from sklearn.metrics import pairwise_distances, silhouette_score

    metric = "euclidean"
    if len(labellings) > 1 and 8 * len(x) ** 2 <= _MEMORY_MIB * 2**20:
        # Most of the time goes into distances, which all labellings share.
        x, metric = pairwise_distances(x), "precomputed"
    return [float(silhouette_score(x, one, metric=metric)) for one in labellings]


def _silhouettes(
    x: np.ndarray, labellings: Sequence[np.ndarray], places: np.ndarray
) -> list[np.ndarray]:
    """The silhouettes of the songs at `places`, one array `[places]` per labelling."""
    from scipy.sparse import csr_array, hstack
    from sklearn.metrics import pairwise_distances_chunked

    codes = [np.unique(labels, return_inverse=True)[1] for labels in labellings]
    n_songs = len(x)
    # The distances, which take the time, are made once for all labellings. Sparse, as DBSCAN may
    # find thousands of clusters.
    ones, songs = np.ones(n_songs, x.dtype), np.arange(n_songs)
    members = hstack([csr_array((ones, (songs, code))) for code in codes], format="csr")
    sums = np.concatenate(
        list(
            pairwise_distances_chunked(
                x[places],
                x,
                reduce_func=lambda distances, _: distances @ members,
                working_memory=_MEMORY_MIB,
            )
        )
    )
    ends = np.cumsum([code.max() + 1 for code in codes])
    by_labelling = np.split(sums, ends[:-1], axis=1)
    return [
        _from_sums(own_sums, code, places)
        for own_sums, code in zip(by_labelling, codes, strict=True)
    ]


def _from_sums(sums: np.ndarray, code: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Silhouettes from each song's summed distances to every cluster, `[places, clusters]`."""
    sizes, own, rows = np.bincount(code), code[places], np.arange(len(places))
    inside = sums[rows, own] / np.maximum(sizes[own] - 1, 1)
    means = sums / sizes
    means[rows, own] = np.inf
    outside = means.min(axis=1)
    larger = np.maximum(inside, outside)
    # By definition 0 in a cluster of one song; 0 too where all nearby songs are equal.
    is_defined = (sizes[own] > 1) & (larger > 0)
    return np.where(is_defined, outside - inside, 0) / np.where(is_defined, larger, 1)
