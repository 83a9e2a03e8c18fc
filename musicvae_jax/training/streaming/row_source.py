"""Rows of a table of features as the source of a streamed training."""

from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jax.tree_util import Partial

from musicvae_jax.training import Data, Examples
from musicvae_jax.training.streaming.source import CHUNK_BYTES, Visits


class RowSource(NamedTuple):
    """Examples of all songs, NumPy arrays, possibly memory-mapped, and the songs on each side.

    An epoch visits its songs in the order of `training.make_epochs`, with the same noise: the
    numbers differ only by rounding from those of a training with its data on the device.
    """

    examples: Examples
    train: np.ndarray
    heldout: np.ndarray

    @property
    def n_examples(self) -> int:
        return len(self.train)

    @property
    def example_bytes(self) -> int:
        return sum(part[:1].nbytes for part in jax.tree.leaves(self.examples))

    @property
    def n_bytes(self) -> int:
        """Size of the examples of both sides."""
        return (len(self.train) + len(self.heldout)) * self.example_bytes

    def data(self) -> Data:
        """All examples, for a training that does not stream."""
        return Data(*(self.read(self.fixed(side)) for side in (self.train, self.heldout)))

    @property
    def n_at_once(self) -> int:
        return max(CHUNK_BYTES // self.example_bytes, 1)

    @property
    def to_examples(self) -> Partial:
        return Partial(_as_they_are)

    def epoch(self, key: jax.Array) -> Visits:
        order = np.asarray(_order(key, len(self.train)))
        return Visits(order, self.train[order])

    def fixed(self, songs: np.ndarray) -> Visits:
        return Visits(np.arange(len(songs)), songs)

    def encoding(self, songs: np.ndarray) -> Visits:
        return self.fixed(songs)

    def read(self, visits: Visits) -> Examples:
        return jax.tree.map(lambda part: part[visits.songs], self.examples)


def _as_they_are(examples: Examples) -> Examples:
    return examples


@partial(jax.jit, static_argnums=1)
def _order(key: jax.Array, n: int) -> jax.Array:
    return jax.random.permutation(key, n)
