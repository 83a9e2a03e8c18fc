"""What the points of a representation tell about language, artist and genre, clusters aside."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.evaluation.artists import artist_effect
from musicvae_jax.evaluation.mixing import label_mixing, probe
from musicvae_jax.evaluation.significance import ARTIST, known_artists


class SpaceScores(NamedTuple):
    """Neighbourhoods and a linear probe; NaN where a number is not defined.

    Attributes:
        language_probe: balanced accuracy of a linear probe on artists it has not seen, in
            [0, 1], see `probe`; lower is better mixed.
        language_probe_chance: that of points that say nothing about language.
        language_mixing: how well languages mix among neighbours, in [0, 1], see `label_mixing`;
            higher is better mixed.
        artist_mixing: the same of artists; NaN where none has several songs.
        genre_precision: share of songs whose nearest neighbour has their genre, in [0, 1],
            higher is better, see `artist_effect`.
        genre_precision_others: the same with only songs by other artists as neighbours.
        genre_precision_any_chance: that of random neighbours.
        genre_precision_chance: that of random neighbours by others.
        genre_map: mean average precision of the genre over all neighbours.
        genre_map_others: over neighbours by other artists.
        n_songs: songs that were scored.
        n_language_probed: of these, songs in the probe: those whose language more than one artist
            has.
        n_genre_asked: of these, songs whose neighbours were scored for genre: those whose genre
            another artist has.
    """

    language_probe: float
    language_probe_chance: float
    language_mixing: float
    artist_mixing: float
    genre_precision: float
    genre_precision_others: float
    genre_precision_any_chance: float
    genre_precision_chance: float
    genre_map: float
    genre_map_others: float
    n_songs: int
    n_language_probed: int
    n_genre_asked: int


def space_scores(x: np.ndarray, labels: Mapping[str, pd.Series], seed: int) -> SpaceScores:
    """Scores of points, from their labels alone.

    A song whose artist is not known counts as having an artist of its own.

    Args:
        x: points, `[songs, dimensions]`.
        labels: "genre", "language" and "artist" to one label per song, null where unknown.
        seed: of the probe's folds and of the order among equal distances.
    """
    artists = known_artists(labels[ARTIST])
    language, genre = (labels[name].notna().to_numpy() for name in ("language", "genre"))
    probed = chance = mixing = artist_mixing = np.nan
    n_probed = n_asked = 0
    if labels["language"].nunique() >= 2:
        languages = labels["language"][language].to_numpy()
        found = probe(x[language], languages, artists[language], seed)
        probed, chance, n_probed = found
        mixing = label_mixing(x[language], languages).share
    if 2 <= len(np.unique(artists)) < len(x):
        artist_mixing = label_mixing(x, artists).share
    retrieval = (np.nan,) * 6
    if genre.any():
        effect = artist_effect(x[genre], labels["genre"][genre].to_numpy(), artists[genre], seed)
        anyone, others, n_asked = effect.any_artist, effect.other_artists, effect.n_queries
        retrieval = (
            anyone.precision_at_1,
            others.precision_at_1,
            anyone.chance,
            others.chance,
            anyone.average_precision,
            others.average_precision,
        )
    return SpaceScores(probed, chance, mixing, artist_mixing, *retrieval, len(x), n_probed, n_asked)
