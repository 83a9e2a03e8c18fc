"""Tags of songs, several a song, as vectors: fitted on training songs, applied to any."""

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.errors import InputError
from musicvae_jax.features.scaling import Scaler, standardise
from musicvae_jax.representations import TextVectors

# A tag of fewer songs, or of all but fewer, hardly tells songs apart.
_LEAST_SONGS = 5


class TagTransform(NamedTuple):
    """Everything fitted on the training songs with tags.

    Attributes:
        vocabulary: the tags, sorted, one a dimension.
        scaler: the share of songs that have each tag, and one scale for all tags.
    """

    vocabulary: tuple[str, ...]
    scaler: Scaler


def fit_tags(tags: pd.Series, train: np.ndarray) -> TagTransform:
    """Chooses the tags of the training songs, and their scale.

    A tag needs at least five training songs that have it and five that have tags without it. All
    tags have one scale, chosen so that their total variance is their number: with a scale each, the
    few songs of a rare tag would be far from all others.

    Args:
        tags: a tuple of tags for each song, none twice; null if there are none.
        train: places of the training songs, int `[training songs]`.

    Raises:
        InputError: no song has tags, or no tag is frequent enough.
    """
    n_songs, n_null = len(tags), int(tags.isna().sum())
    if n_null == n_songs:
        raise InputError(
            f"tags: musicnn_tags is null or empty in {n_null} of {n_songs} songs; expected tags, "
            "or an experiment without them"
        )
    known = tags.iloc[train].dropna()
    counts = Counter(chain.from_iterable(known))
    most = len(known) - _LEAST_SONGS
    vocabulary = tuple(sorted(tag for tag, n in counts.items() if _LEAST_SONGS <= n <= most))
    if not vocabulary:
        raise InputError(
            f"tags: {len(known)} of {len(train)} training songs have tags (musicnn_tags is null or "
            f"empty in {n_null} of all {n_songs} songs), expected a tag that {_LEAST_SONGS} of "
            f"them have and {_LEAST_SONGS} have not"
        )
    share = multi_hot(known, vocabulary).mean(axis=0, dtype=np.float64)
    scale = np.sqrt(np.mean(share * (1 - share)))
    return TagTransform(
        vocabulary, Scaler(share.astype(np.float32), np.full(len(share), scale, np.float32))
    )


def apply_tags(fitted: TagTransform, tags: pd.Series) -> TextVectors:
    """Vectors of songs from their tags; tags outside the vocabulary are ignored.

    Args:
        fitted: by `fit_tags`.
        tags: a tuple of tags for each song; null if there are none.
    """
    known = tags.notna().to_numpy()
    values = np.zeros((len(tags), len(fitted.vocabulary)), np.float32)
    values[known] = standardise(multi_hot(tags[known], fitted.vocabulary), fitted.scaler)
    return TextVectors(values, known)


def multi_hot(tags: Collection[Sequence[str]], vocabulary: Sequence[str]) -> np.ndarray:
    """Tags as float32 `[songs, vocabulary]`: 1 where a song has the tag, else 0.

    Args:
        tags: of each song.
        vocabulary: the tag of each column. Other tags are ignored.

    Example:
        >>> multi_hot([("loud", "guitar"), ("flute",)], ("guitar", "loud"))
        array([[1., 1.],
               [0., 0.]], dtype=float32)
    """
    places = {tag: place for place, tag in enumerate(vocabulary)}
    encoded = np.zeros((len(tags), len(vocabulary)), np.float32)
    for row, of_song in enumerate(tags):
        encoded[row, [places[tag] for tag in of_song if tag in places]] = 1.0
    return encoded
