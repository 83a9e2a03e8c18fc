"""The songs of one or more parquet files as one table, and which of them can be used.

Metadata is read when the files are opened. Mel spectrograms are streamed part by part, so that
memory does not grow with the number of songs. No unusable row is dropped silently: each becomes a
`Rejection` with its file, row, id and reason.
"""

import hashlib
import os
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
import pandas as pd
import pyarrow as pa

from musicvae_jax.config import Label
from musicvae_jax.errors import InputError
from musicvae_jax.songs.mels import Part, file_parts
from musicvae_jax.songs.parquet import (
    FACTOR_PREFIX,
    ID_COLUMN,
    OTHER_COLUMNS,
    TAGS_COLUMN,
    TEXT_COLUMNS,
    SongFile,
    fingerprint,
    first_line,
    read_file,
)
from musicvae_jax.songs.paths import song_files

# Columns of the table that clusters are compared with.
LABELS: tuple[Label, ...] = get_args(Label)


class Rejection(NamedTuple):
    """A row that cannot be used: its file, its row there (from 0), its id (or ""), and why."""

    file: str
    row: int
    music_id: str
    reason: str


class Songs(NamedTuple):
    """Opened song files.

    Attributes:
        path: the parquet file, the folder or the glob.
        fingerprint: SHA-256 of the file's bytes, hexadecimal; for several files, SHA-256 of their
            digests in order.
        table: one row per file row, file after file, with the columns music_id, title, lyrics,
            genre, language, artist_id, artist_name, artist (id, or name where the id is null);
            musicnn_tags (a tuple of text, at least one, none twice); art_rank, related_genre,
            related_art and related_music as they are in the files; and every factor_* column.
            Absent values are null.
        parts: the units in which mel spectrograms are read, in the order of the table; none is
            empty.
    """

    path: Path
    fingerprint: str
    table: pd.DataFrame
    parts: tuple[Part, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files that have rows."""
        return tuple(dict.fromkeys(part.file for part in self.parts))

    def origin(self, row: int) -> tuple[str, int]:
        """The file that a row of the table is from, and its row there, from 0."""
        part = self.parts[bisect_right(self.parts, row, key=lambda part: part.first_row) - 1]
        return part.file, part.file_row + row - part.first_row

    def place(self, file: str, row: int) -> str:
        """A file's row in words: "row 7", or "row 7 of part-0.parquet" if there are more files."""
        return f"row {row}" if len(self.files) == 1 else f"row {row} of {file}"

    def usable_rows(self, mel_faults: Mapping[int, str]) -> tuple[np.ndarray, list[Rejection]]:
        """Decides which rows to use: for each id, the first with a usable mel.

        Args:
            mel_faults: row of the table to what is wrong with its mel, for unusable mels only.

        Returns:
            Usable rows of the table, ascending, int64 `[songs]`; and all others, in order.
        """
        used: dict[str, int] = {}
        rejected = []
        for row, music_id in enumerate(self.table["music_id"]):
            if music_id is None:
                reason = "music_id is null"
            elif music_id in used:
                reason = f"music_id is a duplicate of {self.place(*self.origin(used[music_id]))}"
            else:
                reason = mel_faults.get(row, "")
            if reason:
                rejected.append(Rejection(*self.origin(row), music_id or "", reason))
            else:
                used[music_id] = row
        return np.array(list(used.values()), np.int64), rejected


def load_songs(path: Path) -> Songs:
    """Opens one or more parquet files in the 4MuLA schema.

    Required columns: music_id (text or whole numbers) and melspectrogram (128 lists of float32
    or float64 power per song). All other columns are optional; an absent one is null.

    Args:
        path: a file; a folder, for all its *.parquet; or a glob such as `mels/part-*.parquet`.
            Several files are sorted by name, with numbers by value.

    Raises:
        InputError: there is no such file, a file is not a parquet file or lacks a required column,
            a column has the wrong type, or two files have incompatible types for a column.
    """
    path = Path(path)
    paths = song_files(path)
    with ThreadPoolExecutor() as pool:
        files = list(pool.map(read_file, paths))
        columns = _stacked(files)
        # Only once all files have been read: hashing takes a second per GB. Threads help, because
        # hashlib releases the interpreter's lock.
        digests = list(pool.map(fingerprint, paths))
    whole = digests[0] if len(digests) == 1 else _digest_of(digests)
    return Songs(path, whole, _metadata_frame(columns), _parts(files, digests))


def _digest_of(digests: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _parts(files: Sequence[SongFile], digests: Sequence[str]) -> tuple[Part, ...]:
    # A glob may find files of the same name in different folders.
    root = os.path.commonpath([file.path.parent for file in files])
    parts, first_row = [], 0
    for file, digest in zip(files, digests, strict=True):
        name = file.path.relative_to(root).as_posix()
        parts += file_parts(file.path, name, digest, file.group_rows, first_row)
        first_row += sum(file.group_rows)
    return tuple(parts)


def _stacked(files: Sequence[SongFile]) -> pa.Table:
    """The metadata of all files; a column that a file lacks is null there."""
    schema = files[0].columns.schema
    for file in files[1:]:
        try:
            schema = pa.unify_schemas([schema, file.columns.schema], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise InputError(
                f"{file.path}: does not match the files before it "
                f"({first_line(error)}); expected columns of the same types"
            ) from error
    tables = [file.columns for file in files]
    return pa.concat_tables(tables, promote_options="permissive")


def _metadata_frame(columns: pa.Table) -> pd.DataFrame:
    absent = pd.Series([None] * len(columns), dtype=object)
    frame = {ID_COLUMN: _text(columns[ID_COLUMN])}
    for source, target in TEXT_COLUMNS.items():
        frame[target] = _text(columns[source]) if source in columns.column_names else absent
    frame["artist"] = frame["artist_id"].fillna(frame["artist_name"])
    tags = columns[TAGS_COLUMN] if TAGS_COLUMN in columns.column_names else None
    frame[TAGS_COLUMN] = absent if tags is None else _tags(tags)
    factors = [name for name in columns.column_names if name.startswith(FACTOR_PREFIX)]
    for name in (*OTHER_COLUMNS, *factors):
        frame[name] = columns[name].to_pandas() if name in columns.column_names else absent
    for name in ("audio_path", "language_source"):
        frame[name] = absent
    return pd.DataFrame(frame)


def _text(column: pa.ChunkedArray) -> pd.Series:
    # Treat a blank cell as null.
    cells = [cell if cell and cell.strip() else None for cell in column.to_pylist()]
    return pd.Series(cells, dtype=object)


def _tags(column: pa.ChunkedArray) -> pd.Series:
    # A song with blank tags only has none, and one without tags is null.
    of_songs = ([tag.strip() for tag in cell or () if tag] for cell in column.to_pylist())
    cells = [tuple(dict.fromkeys(filter(None, tags))) or None for tags in of_songs]
    return pd.Series(cells, dtype=object)
