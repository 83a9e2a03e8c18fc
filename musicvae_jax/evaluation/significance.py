"""The evidence for the scores of a clustering against each kind of label."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.evaluation.artists import one_per_artist_scores
from musicvae_jax.evaluation.bootstrap import external_intervals, has_enough_groups
from musicvae_jax.evaluation.external import metrics_with_nulls
from musicvae_jax.evaluation.nulls import Null, group_permutation_nulls, permutation_nulls

ARTIST = "artist"
# One song each of fewer artists scores near 1 whatever the clusters.
_LEAST_ARTISTS = 4
# The smallest p-value is .001, and the ends of intervals move by a hundredth from seed to seed.
_N_DRAWS = 1000


class Significance(NamedTuple):
    """One score of one clustering against one kind of label; NaN where a number is not defined.

    Attributes:
        label: kind of label ("genre").
        score: one of `metrics_with_nulls`, such as "ami"; higher is better.
        n_songs: songs that have the label.
        value: the score of these songs.
        low: lower end of its 95 % interval over artists, see `external_intervals`. NaN for
            artists themselves, since with other artists there are other labels, and where there
            are fewer than four artists per label on average.
        high: upper end.
        null_mean: mean score of labels shuffled over songs, see `permutation_nulls`.
        null_high: their 95th percentile.
        p_value: of the score among them, in (0, 1].
        p_value_artists: when labels are shuffled over whole artists, see
            `group_permutation_nulls`; songs that are not in their artist's most frequent label are
            left out. NaN for artists themselves.
        n_artist_songs: songs that were not left out of it.
        one_per_artist: the score of one song per artist, averaged over draws, see
            `one_per_artist_scores`. NaN for artists, and with fewer than four of them.
    """

    label: str
    score: str
    n_songs: int
    value: float
    low: float
    high: float
    null_mean: float
    null_high: float
    p_value: float
    p_value_artists: float
    n_artist_songs: int
    one_per_artist: float


def significance(
    clusters: np.ndarray, labels: Mapping[str, pd.Series], seed: int
) -> list[Significance]:
    """Nulls, intervals and scores with one song per artist, for every kind of label.

    A song whose artist is not known counts as having an artist of its own.

    Args:
        clusters: cluster numbers, `[songs]`.
        labels: kind ("genre") to one label per song, null where unknown; "artist" must be there.
        seed: of shuffles and draws.

    Returns:
        Kinds in their order, each with all `metrics_with_nulls`; a kind with fewer than two
        distinct labels, or whose songs are in one cluster, is left out.
    """
    artists = known_artists(labels[ARTIST])
    found = []
    for kind, values in labels.items():
        known = values.notna().to_numpy()
        codes = pd.factorize(values[known])[0]
        if len(np.unique(codes)) >= 2 and len(np.unique(clusters[known])) >= 2:
            found += _of_kind(kind, codes, clusters[known], artists[known], seed)
    return found


def known_artists(artists: pd.Series) -> np.ndarray:
    """A number for each song's artist, `[songs]`: songs by unknown ones have different numbers."""
    codes, distinct = pd.factorize(artists)
    unknown = np.flatnonzero(codes < 0)
    codes[unknown] = len(distinct) + np.arange(len(unknown))
    return codes


def _of_kind(
    label: str, codes: np.ndarray, clusters: np.ndarray, artists: np.ndarray, seed: int
) -> list[Significance]:
    nulls = permutation_nulls(codes, clusters, _N_DRAWS, seed)
    nowhere = dict.fromkeys(metrics_with_nulls(), np.nan)
    lows, highs, alone = nowhere, nowhere, nowhere
    by_artists: dict[str, Null] = {}
    n_artist_songs = 0
    if label != ARTIST and has_enough_groups(codes, artists):
        intervals = external_intervals(codes, clusters, artists, _N_DRAWS, seed)
        lows = {name: interval.low for name, interval in intervals.items()}
        highs = {name: interval.high for name, interval in intervals.items()}
    if label != ARTIST and len(np.unique(artists)) >= _LEAST_ARTISTS:
        alone = one_per_artist_scores(codes, clusters, artists, _N_DRAWS, seed)
    if label != ARTIST:
        usual = codes == _most_frequent(codes, artists)
        if len(np.unique(codes[usual])) >= 2:
            n_artist_songs = int(usual.sum())
            by_artists = group_permutation_nulls(
                codes[usual], clusters[usual], artists[usual], _N_DRAWS, seed
            )
    return [
        Significance(
            label=label,
            score=name,
            n_songs=len(codes),
            value=null.score,
            low=lows[name],
            high=highs[name],
            null_mean=null.mean,
            null_high=null.high,
            p_value=null.p_value,
            p_value_artists=by_artists[name].p_value if by_artists else np.nan,
            n_artist_songs=n_artist_songs,
            one_per_artist=alone[name],
        )
        for name, null in nulls.items()
    ]


def _most_frequent(codes: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The most frequent code of each song's group, `[songs]`; of equal ones the first."""
    counts = np.zeros((groups.max() + 1, codes.max() + 1), int)
    np.add.at(counts, (groups, codes), 1)
    return counts.argmax(axis=1)[groups]
