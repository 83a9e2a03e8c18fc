"""Subtracts the mean vector of each language, so that vectors reveal less of the language."""

from typing import NamedTuple

import numpy as np
import pandas as pd

_LEAST_SONGS = 5


class Centres(NamedTuple):
    """Mean vectors of training songs.

    Attributes:
        languages: the languages with a mean of their own, sorted.
        means: float32 `[languages + 1, dims]`; the last row is for all other songs.
    """

    languages: tuple[str, ...]
    means: np.ndarray


def fit_centres(values: np.ndarray, languages: np.ndarray) -> Centres:
    """The mean of each language with at least 5 songs, and one mean for the rest.

    The rest are the songs whose language is null or has fewer than 5 songs. If they too are fewer
    than 5, their centre is the mean of all songs: a song minus its own mean would be zero.

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
    """Vectors `[songs, dims]` minus their language's mean; unchanged without centres."""
    if centres is None:
        return values
    return values - centres.means[_codes(centres.languages, languages)]


def _codes(own: tuple[str, ...], languages: np.ndarray) -> np.ndarray:
    codes = pd.Index(own, dtype=object).get_indexer(pd.Index(languages, dtype=object))
    return np.where(codes >= 0, codes, len(own))
