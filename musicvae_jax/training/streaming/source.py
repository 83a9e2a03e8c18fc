"""What a streamed training reads from."""

from typing import Any, NamedTuple, Protocol

import jax
import numpy as np
from jax.tree_util import Partial

# Of examples as they are read; of each member in training two chunks exist at a time, one in use
# and one being read.
CHUNK_BYTES = 32 * 2**20


class Visits(NamedTuple):
    """Examples in the order in which they are read, each part `[n]`.

    Attributes:
        ids: what an example's noise is folded from.
        songs: where it is in the source.
        positions: of a window in its song, in `[0, 1)`; None where an example is a whole song.
    """

    ids: np.ndarray
    songs: np.ndarray
    positions: np.ndarray | None = None


class Source(Protocol):
    """Examples on the host, in memory or memory-mapped, of the songs of a split.

    Attributes:
        train: songs to train on, `[n]`, at least one.
        heldout: songs held out, likewise.
        always_streams: whether the examples never are on the devices all at once.
    """

    train: np.ndarray
    heldout: np.ndarray
    always_streams: bool

    @property
    def n_examples(self) -> int:
        """Of an epoch."""

    @property
    def example_bytes(self) -> int:
        """Of an example as it is read."""

    @property
    def n_at_once(self) -> int:
        """Examples to encode side by side."""

    @property
    def to_examples(self) -> Partial:
        """Makes `Examples` of what was read, on the devices."""

    def epoch(self, key: jax.Array) -> Visits:
        """An epoch's examples in random order."""

    def fixed(self, songs: np.ndarray) -> Visits:
        """The examples of songs that the history looks at, equally many of each, in order."""

    def encoding(self, songs: np.ndarray) -> Visits:
        """The examples whose posterior means a song's latents average, in order."""

    def read(self, visits: Visits) -> Any:
        """A tree of arrays `[n, ...]`."""
