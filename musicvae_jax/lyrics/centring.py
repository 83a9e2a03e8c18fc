"""Vectors less the mean of their language, so that what is left tells languages apart less."""

from typing import NamedTuple

import numpy as np
import pandas as pd

_LEAST_SONGS = 5


class Centres(NamedTuple):
    """Mean vectors of training songs.

    Attributes:
        languages: those with a mean of their own, sorted.
        means: float32 `[languages + 1, dims]`; the last row is for all other songs.
    """

    languages: tuple[str, ...]
    means: np.ndarray


def fit_centres(values: np.ndarray, languages: np.ndarray) -> Centres:
    """The mean of each language with at least 5 songs, and one for the rest.

    The rest is pooled: songs whose language is null or has fewer than 5 songs. Where even the
    pool has fewer than 5, its centre is the mean of all songs, since a song less its own mean
    would have nothing left.

    Args:
        values: training songs, float32 `[songs, dims]`, at least one.
        languages: one per song, null where unknown, object `[songs]`.
    """
    counts = pd.Series(languages, dtype=object).value_counts()
    own = tuple(sorted(counts.index[counts >= _LEAST_SONGS]))
    codes = _codes(own, languages)
    pooled = values[codes == len(own)]
    rest = pooled if len(pooled) >= _LEAST_SONGS else values
    means = [values[codes == code].mean(axis=0, dtype=np.float64) for code in range(len(own))]
    means.append(rest.mean(axis=0, dtype=np.float64))
    return Centres(own, np.array(means, np.float32))


def subtract_centres(
    centres: Centres | None, values: np.ndarray, languages: np.ndarray
) -> np.ndarray:
    """Vectors `[songs, dims]` less their language's mean; unchanged without centres."""
    if centres is None:
        return values
    return values - centres.means[_codes(centres.languages, languages)]


def _codes(own: tuple[str, ...], languages: np.ndarray) -> np.ndarray:
    codes = pd.Index(own, dtype=object).get_indexer(pd.Index(languages, dtype=object))
    return np.where(codes >= 0, codes, len(own))
