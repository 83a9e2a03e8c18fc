"""A card for each cluster: its songs, labels, and the words that set it apart."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse, stats
from sklearn.feature_extraction.text import CountVectorizer

from musicvae_jax.clustering import NOISE
from musicvae_jax.evaluation.significance import known_artists

_N_SHOWN, _N_WORDS = 5, 8
# Letters of any script; shorter words are articles and the like.
_WORD = r"[^\W\d_]{3,}"
_TESTED_ARTISTS, _MIN_SONGS, _MIN_ARTISTS = 3, 3, 2
_FALSE_DISCOVERIES = 0.05


class Card(NamedTuple):
    """One cluster.

    Attributes:
        cluster: its number.
        size: songs.
        labels: kind ("genre", "language", "artist") to its most frequent labels, each with the
            share of the cluster's songs that have it; songs without the label count too.
        exemplars: the songs nearest the cluster's mean, nearest first: music_id, title, artist.
        words: language to the words that are more frequent here than in other songs of that
            language, most characteristic first.
    """

    cluster: int
    size: int
    labels: dict[str, list[tuple[str, float]]]
    exemplars: list[tuple[str, str, str]]
    words: dict[str, list[str]]


def cluster_cards(songs: pd.DataFrame, clusters: np.ndarray, x: np.ndarray) -> list[Card]:
    """The cards of all clusters, in the order of their numbers; noise has none.

    Args:
        songs: one row per song with music_id, title, artist, artist_name, genre, language and
            lyrics; all but music_id may be null.
        clusters: cluster numbers, `[songs]`.
        x: points, `[songs, dimensions]`.
    """
    words = _words_by_cluster(songs, clusters)
    names = songs["artist_name"].fillna(songs["artist"])
    found = []
    for cluster in np.unique(clusters[clusters != NOISE]).tolist():
        rows = np.flatnonzero(clusters == cluster)
        kinds = {"genre": songs["genre"], "language": songs["language"], "artist": names}
        labels = {kind: _shares(values.iloc[rows]) for kind, values in kinds.items()}
        nearest = rows[exemplars(x[rows], _N_SHOWN)]
        described = [
            tuple("" if cell is None or cell != cell else str(cell) for cell in cells)
            for cells in zip(
                songs["music_id"].iloc[nearest],
                songs["title"].iloc[nearest],
                names.iloc[nearest],
                strict=True,
            )
        ]
        found.append(Card(cluster, len(rows), labels, described, words.get(cluster, {})))
    return found


def exemplars(x: np.ndarray, n: int) -> np.ndarray:
    """Places of the n points nearest the mean of points `[songs, dimensions]`, nearest first."""
    distances = np.linalg.norm(x - x.mean(axis=0, dtype=np.float64), axis=1)
    return np.argsort(distances, kind="stable")[:n]


def characteristic_words(
    texts: Sequence[str], inside: np.ndarray, artists: Sequence[object]
) -> list[str]:
    """Words that are in more of some texts than by chance, most characteristic first.

    The chance is that of drawing as many artists at random (Fisher's exact test, one-sided). A
    word counts once for an artist's texts inside, and once for those outside: ten songs by one
    artist are not ten observations. Words are kept at a false discovery rate of 5 % over all words
    of at least three letters that three artists use; of these, words are returned that are in at
    least three of the texts inside and by at least two artists. Where the texts themselves made
    the groups, this describes the groups and tests nothing.

    Args:
        texts: in one language.
        inside: which of them form the group, bool `[texts]`.
        artists: of each text; each null is an artist of its own.

    References:
        Benjamini and Hochberg, Controlling the False Discovery Rate, 1995.
    """
    vectorizer = CountVectorizer(binary=True, token_pattern=_WORD, dtype=np.int32)
    if not inside.any() or inside.all() or not any(map(vectorizer.build_analyzer(), texts)):
        return []
    counts = vectorizer.fit_transform(texts)
    songs_here = np.asarray(counts[inside].sum(axis=0)).ravel()
    # An artist's texts on one side are one observation.
    of_artist = 2 * known_artists(pd.Series(list(artists), dtype=object)) + inside
    observed, place = np.unique(of_artist, return_inverse=True)
    ones = np.ones(len(place), np.int32)
    has_word = (sparse.csr_array((ones, (place, np.arange(len(place))))) @ counts) > 0
    is_inside = observed % 2 == 1
    here, everywhere = (
        np.asarray(part.sum(axis=0)).ravel() for part in (has_word[is_inside], has_word)
    )
    # Which words are tested must not depend on where they are.
    tested = np.flatnonzero(everywhere >= _TESTED_ARTISTS)
    if len(tested) == 0:
        return []
    chance = stats.hypergeom.sf(
        here[tested] - 1, len(observed), everywhere[tested], is_inside.sum()
    )
    kept = stats.false_discovery_control(chance) <= _FALSE_DISCOVERIES
    kept &= (songs_here[tested] >= _MIN_SONGS) & (here[tested] >= _MIN_ARTISTS)
    best = np.argsort(chance, kind="stable")
    words = vectorizer.get_feature_names_out()
    return [str(words[tested[place]]) for place in best if kept[place]][:_N_WORDS]


def _shares(labels: pd.Series) -> list[tuple[str, float]]:
    counts = labels.value_counts()
    return [(str(name), n / len(labels)) for name, n in counts.head(_N_SHOWN).items()]


def _words_by_cluster(songs: pd.DataFrame, clusters: np.ndarray) -> dict[int, dict[str, list[str]]]:
    known = (songs["lyrics"].notna() & songs["language"].notna()).to_numpy()
    found: dict[int, dict[str, list[str]]] = {}
    for language, rows in songs[known].groupby("language", sort=True):
        of_songs = clusters[songs.index.get_indexer(rows.index)]
        for cluster in np.unique(of_songs[of_songs != NOISE]).tolist():
            artists = rows["artist"].to_numpy()
            words = characteristic_words(rows["lyrics"].tolist(), of_songs == cluster, artists)
            if words:
                found.setdefault(cluster, {})[str(language)] = words
    return found
