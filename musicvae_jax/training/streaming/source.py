"""The protocol of sources, from which a streamed training reads."""

from typing import Any, NamedTuple, Protocol

import jax
import numpy as np
from jax.tree_util import Partial

# Size of a chunk of examples as read. Each member in training has two chunks at a time, one in use
# and one being read.
CHUNK_BYTES = 32 * 2**20


class Visits(NamedTuple):
    """Examples in the order in which they are read, each part `[n]`.

    Attributes:
        ids: the index from which an example's noise is folded.
        songs: the place of its song in the source.
        positions: of a window in its song, in `[0, 1)`; None if an example is a whole song.
    """

    ids: np.ndarray
    songs: np.ndarray
    positions: np.ndarray | None = None


class Source(Protocol):
    """Examples of the songs of a split, on the host, in memory or memory-mapped.

    Attributes:
        train: songs to train on, `[n]`, at least one.
        heldout: songs held out, `[n]`, at least one.
    """

    @property
    def train(self) -> np.ndarray: ...

    @property
    def heldout(self) -> np.ndarray: ...

    @property
    def n_examples(self) -> int:
        """Number of examples in an epoch."""

    @property
    def example_bytes(self) -> int:
        """Size of an example as read."""

    @property
    def n_at_once(self) -> int:
        """Number of examples to encode at a time."""

    @property
    def to_examples(self) -> Partial:
        """Converts the data read to `Examples`, on the devices."""

    def epoch(self, key: jax.Array) -> Visits:
        """An epoch's examples in random order."""

    def fixed(self, songs: np.ndarray) -> Visits:
        """The examples for the history, the same number for each song, in order."""

    def encoding(self, songs: np.ndarray) -> Visits:
        """The examples whose posterior means are averaged to a song's latents, in order."""

    def read(self, visits: Visits) -> Any:
        """Reads examples as a tree of arrays `[n, ...]`."""
