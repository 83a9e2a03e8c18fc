"""Windows of mel spectrograms as the source of a streamed training."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from musicvae_jax.config import CropConfig
from musicvae_jax.features import Scaler, standardise
from musicvae_jax.features.crops import CropStore, fixed_places, half_crops
from musicvae_jax.features.melstore import VALUE
from musicvae_jax.songs import MEL_BANDS
from musicvae_jax.training import Examples
from musicvae_jax.training.streaming.source import Visits

# Fixed crops of a song on which the history is computed after every epoch.
HISTORY_CROPS = 2
# Crops that are encoded at a time.
_ENCODED_AT_ONCE = 128


class CropSource(NamedTuple):
    """Where crops come from: a store, the songs on each side of the split, the scaler.

    An epoch visits `crops.per_song` random windows, of `crops.frames` frames, of each training
    song. The history uses a few fixed windows of each song: `heldout` averages over them, and
    `active_units` counts over the mean latents of each song.
    """

    store: CropStore
    train: np.ndarray
    heldout: np.ndarray
    scaler: Scaler
    crops: CropConfig

    @property
    def n_examples(self) -> int:
        return len(self.train) * self.crops.per_song

    @property
    def example_bytes(self) -> int:
        return self.crops.frames * MEL_BANDS * VALUE.itemsize

    @property
    def n_at_once(self) -> int:
        return _ENCODED_AT_ONCE

    @property
    def to_examples(self) -> Partial:
        return Partial(_standardised_examples, self.scaler)

    def epoch(self, key: jax.Array) -> Visits:
        per_song = self.crops.per_song
        # Crop i of song s has the same id in every epoch.
        ids = (self.train[:, None] * per_song + np.arange(per_song)).ravel()
        order, positions = map(np.asarray, _visits(key, ids))
        return Visits(order, order // per_song, positions)

    def fixed(self, songs: np.ndarray) -> Visits:
        return _fixed(songs, HISTORY_CROPS)

    def encoding(self, songs: np.ndarray) -> Visits:
        return _fixed(songs, self.crops.encoded)

    def read(self, visits: Visits) -> np.ndarray:
        """Windows in half precision, decibels, `[n, frames, 128]`."""
        if visits.positions is None:
            raise ValueError("visits: got no positions, expected that of each crop")
        return half_crops(self.store, visits.songs, self.crops.frames, visits.positions)


def middle(songs: np.ndarray) -> Visits:
    """The middle crop of each song."""
    return _fixed(songs, 1)


def _standardised_examples(scaler: Scaler, windows: jax.Array) -> Examples:
    # In the store, time comes first.
    return Examples(jnp.swapaxes(standardise(windows.astype(jnp.float32), scaler), -1, -2))


def _fixed(songs: np.ndarray, n_crops: int) -> Visits:
    places, positions = (part.ravel() for part in fixed_places(songs, n_crops))
    return Visits(np.arange(len(places)), places, positions)


@jax.jit
def _visits(key: jax.Array, ids: jax.Array) -> tuple[jax.Array, jax.Array]:
    """An epoch's crops in random order, and the place of each in its song."""
    order_key, place_key = jax.random.split(key)
    order = jax.random.permutation(order_key, ids)
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(place_key, order)
    return order, jax.vmap(lambda key: jax.random.uniform(key, dtype=jnp.float32))(keys)
