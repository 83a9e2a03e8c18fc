"""Streams the mel spectrograms of a parquet file and checks that they are usable."""

from collections.abc import Iterator
from contextlib import closing
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from musicvae_jax.errors import InputError
from musicvae_jax.runtime.prefetch import one_ahead
from musicvae_jax.songs.mels import MEL_BANDS, MelBlock, power_fault
from musicvae_jax.songs.parquet.file import MEL_COLUMN, first_line, open_file

# 8 songs of 30 s take 10 MB of float64, and three blocks are held at a time. Arrow decodes as fast
# in blocks of 4.
_ROWS_PER_BLOCK = 8
# At full size they take two seconds: far more than the overhead of a part, and little to lose if
# the process is killed.
_ROWS_PER_PART = 250


class ParquetPart(NamedTuple):
    """A file, or consecutive row groups of it, see `songs.mels.Part`.

    Attributes:
        path: the parquet file.
        file: its name in rejections.
        fingerprint: of the whole file.
        groups: the first row group of the part, and the one after its last.
        file_row: the part's first row, counted within the file.
        first_row: the part's first row, counted in `Songs.table`.
        n_rows: number of rows, at least 1.
    """

    path: Path
    file: str
    fingerprint: str
    groups: tuple[int, int]
    file_row: int
    first_row: int
    n_rows: int

    @property
    def files(self) -> tuple[str, ...]:
        """The one file."""
        return (self.file,)

    def origin(self, row: int) -> tuple[str, int]:
        """The file, and a row of the part counted within it."""
        return self.file, self.file_row + row

    @property
    def key(self) -> tuple[str, int, int]:
        """Identifies the content, wherever the file is."""
        return (self.fingerprint, *self.groups)

    def mel_blocks(self) -> Iterator[MelBlock]:
        """Streams the mel spectrograms, in order; a thread decodes ahead while a block is in use.

        Includes rows with an unusable id, because a duplicate may be in another part.

        Raises:
            InputError: the file ends early or is damaged.
        """
        first = 0
        # Only decoding is done ahead: it takes the most time, so nothing else may hold it up.
        with closing(one_ahead(_mel_columns(self.path, range(*self.groups)))) as columns:
            for column in columns:
                yield _mel_block(column, first)
                first += len(column)


def file_parts(
    path: Path, file: str, fingerprint: str, group_rows: tuple[int, ...], first_row: int
) -> list[ParquetPart]:
    """The parts of a file, in order: row groups joined up to at least 250 rows each.

    A file with fewer rows is one part.

    Args:
        path: the file.
        file: its name in rejections.
        fingerprint: of the file.
        group_rows: number of rows of each of its row groups.
        first_row: the file's first row, counted in `Songs.table`.
    """
    starts = [0, *accumulate(group_rows)]
    parts, first = [], 0
    for end in range(1, len(starts)):
        n_rows, n_left = starts[end] - starts[first], starts[-1] - starts[end]
        # A remainder too small for a part of its own joins the part before it.
        if n_rows and (n_left == 0 or min(n_rows, n_left) >= _ROWS_PER_PART):
            start = starts[first]
            parts.append(
                ParquetPart(path, file, fingerprint, (first, end), start, first_row + start, n_rows)
            )
            first = end
    return parts


def _mel_columns(path: Path, groups: range) -> Iterator[pa.ListArray]:
    with open_file(path) as file:
        try:
            for batch in file.iter_batches(
                batch_size=_ROWS_PER_BLOCK, columns=[MEL_COLUMN], row_groups=groups
            ):
                yield batch.column(0)
        except (pa.ArrowInvalid, pa.ArrowIOError) as error:
            raise InputError(
                f"{path}: column {MEL_COLUMN!r} cannot be read ({first_line(error)}); "
                "expected a complete parquet file"
            ) from error


def _mel_block(column: pa.ListArray, first: int) -> MelBlock:
    """The mels of rows of a part, of which the first is counted within the part."""
    block = MelBlock([], [], [])
    for place in range(len(column)):
        mel, reason = _usable_mel(column, place)
        if reason:
            block.faults.append((first + place, reason))
        else:
            block.rows.append(first + place)
            block.mels.append(mel)
    return block


def _usable_mel(column: pa.ListArray, place: int) -> tuple[np.ndarray, str]:
    """The mel at a place in a block, and why it cannot be used ("" if it can)."""
    nothing = np.empty((MEL_BANDS, 0), np.float32)
    if not column[place].is_valid:
        return nothing, "melspectrogram is null"
    bands = column.values
    first, last = (column.offsets[place + i].as_py() for i in (0, 1))
    if last - first != MEL_BANDS:
        return nothing, f"melspectrogram has {last - first} bands, expected {MEL_BANDS}"
    # Views of Arrow's buffers: no Python list of the values ever exists.
    offsets = bands.offsets[first : last + 1].to_numpy()
    frames = np.diff(offsets)
    if bands[first:last].null_count:
        return nothing, "melspectrogram has a null band"
    if frames.min() != frames.max():
        return nothing, f"melspectrogram bands differ in length ({frames.min()}-{frames.max()})"
    if frames[0] == 0:
        return nothing, "melspectrogram has no frames"
    values = bands.values[offsets[0] : offsets[-1]]
    if values.null_count:
        return nothing, "melspectrogram has null values"
    with np.errstate(over="ignore"):
        mel = values.to_numpy().astype(np.float32, copy=False).reshape(MEL_BANDS, frames[0])
    return mel, power_fault(mel)
