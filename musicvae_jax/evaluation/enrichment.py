"""Terms that set a group of songs apart, such as words of their lyrics or tags."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse, stats
from sklearn.feature_extraction.text import CountVectorizer

from musicvae_jax.evaluation.significance import known_artists

# Letters of any script; shorter words are articles and the like.
_WORD = r"[^\W\d_]{3,}"
_TESTED_ARTISTS, _MIN_SONGS, _MIN_ARTISTS = 3, 3, 2
_FALSE_DISCOVERIES = 0.05
_N_SHOWN = 8
# Of a sum of shares.
_ROUNDING = 1e-9


class Terms(NamedTuple):
    """Which songs have which terms.

    Attributes:
        names: of the terms, `[terms]`.
        present: 1 where a song has a term, else 0, sparse int32 `[songs, terms]`.
    """

    names: Sequence[str]
    present: sparse.csr_array


def word_terms(texts: Sequence[str]) -> Terms:
    """The words of texts in one language, of at least three letters."""
    return _terms(texts, CountVectorizer(binary=True, token_pattern=_WORD, dtype=np.int32))


def tag_terms(tags: Sequence[Sequence[str]]) -> Terms:
    """The tags of songs, several a song."""
    return _terms(tags, CountVectorizer(binary=True, analyzer=list, dtype=np.int32))


def characteristic_terms(terms: Terms, inside: np.ndarray, artists: Sequence[object]) -> list[str]:
    """Terms that more songs of a group have than by chance, at most 8, most characteristic first.

    The chance is that of drawing as many artists at random (Fisher's exact test, one-sided). An
    artist's songs inside are one observation, and those outside another: ten songs by one artist
    are not ten. Each counts with the share of its songs that have the term, since of more songs
    it is likelier that any has it. Terms are kept at a false discovery rate of 5 % over all that
    three observations have; of these, terms are returned that at least three of the songs inside
    have, by at least two artists. Where the terms themselves made the groups, this describes the
    groups and tests nothing.

    Args:
        terms: of each song.
        inside: which songs form the group, bool `[songs]`.
        artists: of each song; each null is an artist of its own.

    Example:
        >>> terms = tag_terms([("flute",)] * 5 + [("drums",)] * 5)
        >>> characteristic_terms(terms, np.arange(10) < 5, np.arange(10))
        ['flute']

    References:
        Benjamini and Hochberg, Controlling the False Discovery Rate, 1995.
    """
    if not inside.any() or inside.all():
        return []
    songs_here = _column_sums(terms.present[inside])
    # An artist's songs on one side are one observation.
    of_artist = 2 * known_artists(pd.Series(list(artists), dtype=object)) + inside
    observed, place, n_songs = np.unique(of_artist, return_inverse=True, return_counts=True)
    share_of = sparse.csr_array((1 / n_songs[place], (place, np.arange(len(place)))))
    shares = share_of @ terms.present
    is_inside = observed % 2 == 1
    artists_here, having = _column_sums(shares[is_inside] > 0), _column_sums(shares > 0)
    # Which terms are tested must not depend on where they are.
    tested = np.flatnonzero(having >= _TESTED_ARTISTS)
    if len(tested) == 0:
        return []
    # The test is of whole numbers; these are rounded to the safe side.
    here = np.floor(_column_sums(shares[is_inside])[tested] + _ROUNDING)
    everywhere = np.ceil(_column_sums(shares)[tested] - _ROUNDING)
    chance = stats.hypergeom.sf(here - 1, len(observed), everywhere, is_inside.sum())
    kept = stats.false_discovery_control(chance) <= _FALSE_DISCOVERIES
    kept &= (songs_here[tested] >= _MIN_SONGS) & (artists_here[tested] >= _MIN_ARTISTS)
    best = np.argsort(chance, kind="stable")
    return [str(terms.names[tested[place]]) for place in best if kept[place]][:_N_SHOWN]


def _terms(documents: Sequence[Any], vectorizer: CountVectorizer) -> Terms:
    # The vectorizer refuses documents without any term.
    if not any(map(vectorizer.build_analyzer(), documents)):
        return Terms((), sparse.csr_array((len(documents), 0), dtype=np.int32))
    present = sparse.csr_array(vectorizer.fit_transform(documents))
    return Terms(vectorizer.get_feature_names_out(), present)


def _column_sums(matrix: sparse.csr_array) -> np.ndarray:
    return np.asarray(matrix.sum(axis=0)).ravel()
