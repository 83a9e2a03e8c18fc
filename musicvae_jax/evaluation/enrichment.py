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

    The chance is that of drawing as many artists at random (Fisher's exact test, one-sided). A term
    counts once for an artist's songs inside, and once for those outside: ten songs by one artist
    are not ten observations. Terms are kept at a false discovery rate of 5 % over all that three
    artists use; of these, terms are returned that at least three of the songs inside have, by at
    least two artists. Where the terms themselves made the groups, this describes the groups and
    tests nothing.

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
    observed, place = np.unique(of_artist, return_inverse=True)
    ones = np.ones(len(place), np.int32)
    has_term = (sparse.csr_array((ones, (place, np.arange(len(place))))) @ terms.present) > 0
    is_inside = observed % 2 == 1
    here, everywhere = _column_sums(has_term[is_inside]), _column_sums(has_term)
    # Which terms are tested must not depend on where they are.
    tested = np.flatnonzero(everywhere >= _TESTED_ARTISTS)
    if len(tested) == 0:
        return []
    chance = stats.hypergeom.sf(
        here[tested] - 1, len(observed), everywhere[tested], is_inside.sum()
    )
    kept = stats.false_discovery_control(chance) <= _FALSE_DISCOVERIES
    kept &= (songs_here[tested] >= _MIN_SONGS) & (here[tested] >= _MIN_ARTISTS)
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
