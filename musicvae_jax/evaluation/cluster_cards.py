"""A card for each cluster: its songs, labels, and the words and tags that set it apart."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.clustering import NOISE
from musicvae_jax.evaluation.enrichment import Terms, characteristic_terms, tag_terms, word_terms

_N_SHOWN = 5


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
        tags: tags that are more frequent here than in other songs with tags, likewise.
    """

    cluster: int
    size: int
    labels: dict[str, list[tuple[str, float]]]
    exemplars: list[tuple[str, str, str]]
    words: dict[str, list[str]]
    tags: list[str]


def cluster_cards(songs: pd.DataFrame, clusters: np.ndarray, x: np.ndarray) -> list[Card]:
    """The cards of all clusters, in the order of their numbers; noise has none.

    Args:
        songs: one row per song with music_id, title, artist, artist_name, genre, language,
            lyrics and musicnn_tags; all but music_id may be null.
        clusters: cluster numbers, `[songs]`.
        x: points, `[songs, dimensions]`.
    """
    words, tags = _words_by_cluster(songs, clusters), _tags_by_cluster(songs, clusters)
    names = songs["artist_name"].fillna(songs["artist"])
    found = []
    for cluster in np.unique(clusters[clusters != NOISE]).tolist():
        rows = np.flatnonzero(clusters == cluster)
        kinds = {"genre": songs["genre"], "language": songs["language"], "artist": names}
        labels = {kind: _shares(values.iloc[rows]) for kind, values in kinds.items()}
        nearest = rows[exemplars(x[rows], _N_SHOWN)]
        described = [
            (_text(music_id), _text(title), _text(artist))
            for music_id, title, artist in zip(
                songs["music_id"].iloc[nearest],
                songs["title"].iloc[nearest],
                names.iloc[nearest],
                strict=True,
            )
        ]
        of_cluster = words.get(cluster, {}), tags.get(cluster, [])
        found.append(Card(cluster, len(rows), labels, described, *of_cluster))
    return found


def exemplars(x: np.ndarray, n: int) -> np.ndarray:
    """Places of the n points nearest the mean of points `[songs, dimensions]`, nearest first."""
    distances = np.linalg.norm(x - x.mean(axis=0, dtype=np.float64), axis=1)
    return np.argsort(distances, kind="stable")[:n]


def _text(cell: object) -> str:
    return "" if cell is None or cell != cell else str(cell)


def _shares(labels: pd.Series) -> list[tuple[str, float]]:
    counts = labels.value_counts()
    return [(str(name), n / len(labels)) for name, n in counts.head(_N_SHOWN).items()]


def _words_by_cluster(songs: pd.DataFrame, clusters: np.ndarray) -> dict[int, dict[str, list[str]]]:
    known = songs["lyrics"].notna() & songs["language"].notna()
    found: dict[int, dict[str, list[str]]] = {}
    for language, rows in songs[known].groupby("language", sort=True):
        of_songs = clusters[songs.index.get_indexer(rows.index)]
        words = _by_cluster(word_terms(rows["lyrics"].tolist()), of_songs, rows["artist"])
        for cluster, names in words.items():
            found.setdefault(cluster, {})[str(language)] = names
    return found


def _tags_by_cluster(songs: pd.DataFrame, clusters: np.ndarray) -> dict[int, list[str]]:
    known = songs["musicnn_tags"].notna().to_numpy()
    tagged = songs[known]
    return _by_cluster(
        tag_terms(tagged["musicnn_tags"].tolist()), clusters[known], tagged["artist"]
    )


def _by_cluster(terms: Terms, clusters: np.ndarray, artists: pd.Series) -> dict[int, list[str]]:
    """Clusters with characteristic terms, and these."""
    numbers = np.unique(clusters[clusters != NOISE]).tolist()
    of_songs = artists.tolist()
    found = {one: characteristic_terms(terms, clusters == one, of_songs) for one in numbers}
    return {cluster: names for cluster, names in found.items() if names}
