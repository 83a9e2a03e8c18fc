"""The split into training and held-out songs."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.errors import InputError


class Split(NamedTuple):
    """Sorted indices of the songs on each side. Every song is on one side; neither is empty."""

    train: np.ndarray
    heldout: np.ndarray


def split_songs(artists: pd.Series, heldout_fraction: float, seed: int) -> Split:
    """Splits songs so that each artist is on one side only.

    Otherwise the held-out loss would measure how well the model remembers artists. Artists are
    held out in random order as long as they fit into the held-out share, rounded to whole songs
    and at least one; so an artist with more songs than that is never held out. The one exception:
    if no artist fits, the one with the fewest songs is held out. A song without an artist counts as
    an artist of its own. If all songs are by one artist, songs are split one by one.

    Args:
        artists: one label per song, null where unknown, shape `[songs]`.
        heldout_fraction: share of the songs to hold out, above 0 and at most 0.5.
        seed: at least 0.

    Raises:
        InputError: fewer than two songs.
    """
    n_songs = len(artists)
    if n_songs < 2:
        raise InputError(f"got {n_songs} usable song(s), expected at least 2 to hold one out")
    groups = _groups(artists)
    capacity = max(1, round(heldout_fraction * n_songs))
    sizes = np.bincount(groups)
    taken = []
    for group in np.random.default_rng(seed).permutation(len(sizes)):
        if sizes[group] <= capacity:
            taken.append(group)
            capacity -= sizes[group]
    if not taken:
        taken = [np.argmin(sizes)]
    is_heldout = np.isin(groups, taken)
    return Split(np.flatnonzero(~is_heldout), np.flatnonzero(is_heldout))


def _groups(artists: pd.Series) -> np.ndarray:
    codes, names = pd.factorize(artists)
    unknown = codes == -1
    codes[unknown] = len(names) + np.arange(unknown.sum())
    if codes.max() == 0:
        return np.arange(len(codes))
    return codes
