"""Whether a label is found by its sound or through its artists, who each have one."""

from typing import NamedTuple

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances

from musicvae_jax.evaluation.contingency import count_tables, in_chunks, integer_codes
from musicvae_jax.evaluation.external import score_draws


def one_per_artist_scores(
    labels: np.ndarray, clusters: np.ndarray, artists: np.ndarray, n_draws: int, seed: int
) -> dict[str, float]:
    """Every metric with a null, of one song per artist, averaged over draws of the songs.

    A clustering that only recognises artists scores high on a label that goes with artists. With
    one song of each there is no artist to recognise. The clusters are those of all songs.

    Args:
        labels: one label per song, `[songs]`, none null.
        clusters: cluster numbers, `[songs]`.
        artists: one artist per song, `[songs]`, none null.
        n_draws: number of draws, at least 1.
        seed: of the draws.

    Returns:
        Each of `metrics_with_nulls`, such as "ami", to its mean, higher is better; ranges as in
        `external_scores`. Metrics that are not adjusted for chance, such as NMI and purity, are
        higher for fewer songs, so only ARI and AMI compare with those of all songs.

    Raises:
        ValueError: no songs, or a null.

    References:
        Pampalk, Flexer and Widmer, Improvements of Audio-Based Music Similarity and Genre
        Classification, 2005: the artist filter.
    """
    codes, n_classes = integer_codes(labels, "labels")
    of_clusters, n_clusters = integer_codes(clusters, "clusters")
    of_artists, n_artists = integer_codes(artists, "artists")
    shape, n_cells = (n_classes, n_clusters), n_classes * n_clusters
    # Cells of all songs, artist after artist.
    cells = (codes * n_clusters + of_clusters)[np.argsort(of_artists, kind="stable")]
    n_songs = np.bincount(of_artists)
    first = np.cumsum(n_songs) - n_songs
    random = np.random.default_rng(seed)

    def tables(n: int) -> np.ndarray:
        taken = first + random.integers(n_songs, size=(n, n_artists))
        return count_tables(cells[taken], n_cells).reshape(n, *shape)

    drawn = score_draws(tables, n_draws, max(n_artists, n_cells))
    return {name: float(scores.mean()) for name, scores in drawn.items()}


class Retrieval(NamedTuple):
    """How well a song's neighbours have its label.

    Attributes:
        precision_at_1: share of songs whose nearest neighbour has their label, in [0, 1], higher
            is better.
        average_precision: mean over songs of the precision at each neighbour with the label, in
            (0, 1], higher is better.
        chance: precision_at_1 of random neighbours.
    """

    precision_at_1: float
    average_precision: float
    chance: float


class ArtistEffect(NamedTuple):
    """Retrieval with and without songs by the same artist, for the same queries.

    Attributes:
        any_artist: neighbours are all other songs.
        other_artists: neighbours are songs by other artists, the artist filter. How far it falls
            below any_artist, each less its chance, is what the artists contributed.
        n_queries: songs whose label some song by another artist has. The scores are NaN where
            there are none.
    """

    any_artist: Retrieval
    other_artists: Retrieval
    n_queries: int


def artist_effect(
    x: np.ndarray, labels: np.ndarray, artists: np.ndarray, seed: int
) -> ArtistEffect:
    """Retrieval of a label by Euclidean distance, with and without the artist filter.

    Time grows with the square of the number of songs, memory does not.

    Args:
        x: points, `[songs, dimensions]`.
        labels: one label per song, `[songs]`, none null.
        artists: one artist per song, `[songs]`, none null.
        seed: of the order among equal distances, which the order of songs, often by artist, must
            not decide.

    Raises:
        ValueError: no songs, or a null.

    References:
        Pampalk, Flexer and Widmer, Improvements of Audio-Based Music Similarity and Genre
        Classification, 2005: the filter.
        Flexer and Schnitzer, Effects of Album and Artist Filters in Audio Similarity Computed for
        Very Large Music Databases, 2010: how much it lowers the scores.
        Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, eq. 8.8.
    """
    order = np.random.default_rng(seed).permutation(len(x))
    points = np.asarray(x, np.float64)[order]
    codes = integer_codes(labels, "labels")[0][order]
    of_artists = integer_codes(artists, "artists")[0][order]
    parts, start = [], 0
    for n in in_chunks(len(x), len(x)):
        parts.append(_retrieve(points, codes, of_artists, np.arange(start, start + n)))
        start += n
    found = np.concatenate(parts, axis=1)
    n_queries = found.shape[1]
    if n_queries == 0:
        nothing = Retrieval(np.nan, np.nan, np.nan)
        return ArtistEffect(nothing, nothing, 0)
    anyone, others = (Retrieval(*map(float, of_songs.mean(axis=0))) for of_songs in found)
    return ArtistEffect(anyone, others, n_queries)


def _retrieve(
    points: np.ndarray, labels: np.ndarray, artists: np.ndarray, asked: np.ndarray
) -> np.ndarray:
    """Measures of a few songs, `[any artist and others, queries, measures]`."""
    distances = euclidean_distances(points[asked], points, squared=True)
    distances[np.arange(len(asked)), asked] = np.inf
    # A song itself comes last.
    ranked = np.argsort(distances, axis=1, kind="stable")[:, :-1]
    relevant = labels[ranked] == labels[asked, None]
    by_others = artists[ranked] != artists[asked, None]
    is_query = (relevant & by_others).any(axis=1)
    relevant, by_others = relevant[is_query], by_others[is_query]
    return np.stack([_measures(relevant, np.ones_like(relevant)), _measures(relevant, by_others)])


def _measures(relevant: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """`Retrieval` of each query, `[queries, 3]`, from neighbours in order, `[queries, songs]`."""
    hits = relevant & allowed
    ranks, n_hits = np.cumsum(allowed, axis=1), np.cumsum(hits, axis=1)
    precision = n_hits / np.maximum(ranks, 1)
    return np.stack(
        [
            (hits & (ranks == 1)).any(axis=1),
            np.sum(precision * hits, axis=1) / hits.sum(axis=1),
            hits.sum(axis=1) / allowed.sum(axis=1),
        ],
        axis=1,
    )
