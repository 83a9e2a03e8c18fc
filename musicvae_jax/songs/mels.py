"""Mel spectrograms part by part, whatever kind of file they are in."""

from collections.abc import Hashable, Iterator
from typing import NamedTuple, Protocol

import numpy as np

MEL_BANDS = 128


class MelBlock(NamedTuple):
    """Consecutive rows of a part, with usable and unusable mels apart.

    Attributes:
        rows: rows with a usable mel, counted from 0 within the part.
        mels: the mel of each of these rows, power, float32 `[128, frames]`.
        faults: every other row and what is wrong with its mel.
    """

    rows: list[int]
    mels: list[np.ndarray]
    faults: list[tuple[int, str]]

    @property
    def n_rows(self) -> int:
        return len(self.rows) + len(self.faults)


class Part(Protocol):
    """Consecutive songs of one source: the unit that is read and cached.

    Worker processes get parts, so they are small and can be pickled.

    Attributes:
        first_row: the part's first row, counted in `Songs.table`.
        n_rows: number of rows, at least 1.
    """

    @property
    def first_row(self) -> int: ...

    @property
    def n_rows(self) -> int: ...

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files that the part is from, in order."""
        ...

    def origin(self, row: int) -> tuple[str, int]:
        """The name of a row's file and the row's place in it; rows are counted from 0."""
        ...

    @property
    def key(self) -> tuple[Hashable, ...]:
        """Identifies the content, wherever the files are; can be written as JSON."""
        ...

    def mel_blocks(self) -> Iterator[MelBlock]:
        """Streams the mel spectrograms, in order; a thread reads ahead while a block is in use.

        Includes rows with an unusable id, because a duplicate may be in another part.

        Raises:
            InputError: a file cannot be read any more.
        """
        ...


def power_fault(mel: np.ndarray) -> str:
    """Why a mel `[128, frames]` is no usable power; "" if it is.

    Example:
        >>> power_fault(np.zeros((128, 9), np.float32))
        'melspectrogram is silent: every value is 0'
    """
    lowest, highest = mel.min(), mel.max()
    if np.isnan(lowest):
        return "melspectrogram has NaN"
    if np.isinf(highest):
        return "melspectrogram has infinite power"
    if lowest < 0:
        return f"melspectrogram has negative power ({lowest:.3g}); expected power, not decibels"
    if highest == 0:
        return "melspectrogram is silent: every value is 0"
    return ""
