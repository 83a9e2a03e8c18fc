"""The split into training and held-out songs."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.errors import InputError


class Split(NamedTuple):
    """Indices of the songs on each side, sorted; together every song once, neither side empty."""

    train: np.ndarray
    heldout: np.ndarray


def split_songs(artists: pd.Series, heldout_fraction: float, seed: int) -> Split:
    """Splits songs so that an artist is on one side only.

    Otherwise a held-out loss would measure how well an artist is remembered. Artists are taken in
    random order as long as they fit into the held-out share, so it is filled but not exceeded; if
    the smallest artist is larger than the share, that artist alone is held out. Artists with more
    songs than the share are therefore never held out. A song without an
    artist counts as an artist of its own; where all songs have one and the same artist, songs are
    split one by one.

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
