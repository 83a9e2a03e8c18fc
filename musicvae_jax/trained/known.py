"""The songs that a run clustered: what new songs are compared with, without their files."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from musicvae_jax.clustering import KnownClusters


class KnownSongs(NamedTuple):
    """Clustered songs, in the order of their files.

    Attributes:
        songs: music_id of each, `[songs]`.
        titles: `[songs]`; None where unknown.
        artists: names of the artists, `[songs]`; None where unknown.
        clusters: their points and clusters under the first seed, by name of the representation.
    """

    songs: np.ndarray
    titles: np.ndarray
    artists: np.ndarray
    clusters: Mapping[str, KnownClusters]
