"""Which songs of any source can be used, and how long they are; reads every mel spectrogram."""

from typing import NamedTuple

import numpy as np

from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs.table import Rejection, Songs


class Usable(NamedTuple):
    """The songs that can be used.

    Attributes:
        rows: of the table, ascending, int64 `[songs]`.
        frames: length of the mel spectrogram of each, int64 `[songs]`; 0 for songs without.
        rejected: all other rows.
    """

    rows: np.ndarray
    frames: np.ndarray
    rejected: list[Rejection]


def find_usable(songs: Songs, terminal: Terminal) -> Usable:
    """Reads all songs.

    Raises:
        InputError: a file is damaged.
    """
    frames = np.zeros(len(songs.table), np.int64)
    faults = dict(songs.features.faults) if songs.features else {}
    with terminal.progress("reading songs", len(songs.table)) as advance:
        for part in songs.parts if songs.has_mels else ():
            for block in part.mel_blocks():
                faults |= {part.first_row + row: reason for row, reason in block.faults}
                for row, mel in zip(block.rows, block.mels, strict=True):
                    frames[part.first_row + row] = mel.shape[1]
                advance(block.n_rows)
    rows, rejected = songs.usable_rows(faults)
    return Usable(rows, frames[rows], rejected)
