"""Songs from a parquet file in the 4MuLA schema.

Metadata is read at once; mel spectrograms are streamed in blocks, so that memory does not grow
with the number of songs. Rows that cannot be used are never dropped silently: each becomes a
`Rejection` with its row, id and reason.
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from musicvae_jax.errors import InputError

MEL_BANDS = 128
_ID = "music_id"
_MEL = "melspectrogram"
# Text columns of the 4MuLA schema under the names that the rest of the package uses.
_TEXT_COLUMNS = {
    "music_name": "title",
    "music_lyrics": "lyrics",
    "main_genre": "genre",
    "music_lang": "language",
    "art_id": "artist_id",
    "art_name": "artist_name",
}
# The rest of the schema, kept as it is under its own names.
_OTHER_COLUMNS = ("art_rank", "related_genre", "related_art", "related_music", "musicnn_tags")
_FACTOR_PREFIX = "factor_"
# 16 songs of 30 s are 10 MB of float32: large enough for Arrow, small enough for any machine.
_ROWS_PER_BLOCK = 16


class Rejection(NamedTuple):
    """A row that cannot be used: its 0-based place in the file, its id (or ""), and why."""

    row: int
    music_id: str
    reason: str


class MelBlock(NamedTuple):
    """A run of consecutive rows: the usable songs' rows and mels, and the other rows.

    `mels[i]` is the power mel spectrogram of file row `rows[i]`, float32 `[128, frames]`.
    """

    rows: list[int]
    mels: list[np.ndarray]
    rejected: list[Rejection]


class Songs(NamedTuple):
    """An opened song file.

    Attributes:
        path: the parquet file.
        fingerprint: SHA-256 of the file's bytes, hexadecimal.
        table: one row per file row, in file order, with the columns music_id, title, lyrics,
            genre, language, artist_id, artist_name, artist (id, or name where the id is null);
            art_rank, related_genre, related_art, related_music and musicnn_tags as they are in
            the file; and every factor_* column. Absent values are null.
    """

    path: Path
    fingerprint: str
    table: pd.DataFrame

    def mel_blocks(self) -> Iterator[MelBlock]:
        """Streams the mel spectrograms of the whole file, in file order.

        Rows that cannot be used come back in `MelBlock.rejected`: the mel spectrogram is at
        fault, or the id is null or that of a usable row before.

        Raises:
            InputError: the file ends early or is damaged.
        """
        ids = self.table["music_id"]
        first_row: dict[str, int] = {}
        next_row = 0
        for column in _mel_columns(self.path):
            block = MelBlock([], [], [])
            for place in range(len(column)):
                row = next_row + place
                mel, reason = _usable_mel(column, place)
                reason = _id_fault(ids[row], first_row) or reason
                if reason:
                    block.rejected.append(Rejection(row, ids[row] or "", reason))
                else:
                    first_row[ids[row]] = row
                    block.rows.append(row)
                    block.mels.append(mel)
            next_row += len(column)
            yield block


def load_songs(path: Path) -> Songs:
    """Opens a parquet file in the 4MuLA schema.

    Required columns: music_id (text or whole numbers) and melspectrogram (128 lists of float32
    or float64 power per song). All other columns are optional; an absent one is null.

    Raises:
        InputError: there is no such file, it is not a parquet file, a required column is missing
            or a column has the wrong type.
    """
    path = Path(path)
    with _open(path) as file:
        schema = file.schema_arrow
        _check_schema(path, schema)
        wanted = [name for name in schema.names if _is_metadata(name)]
        columns = {name: _read_column(file, path, name) for name in wanted}
        n_rows = file.metadata.num_rows
    about = path.stat()
    fingerprint = _fingerprint(path.absolute(), about.st_size, about.st_mtime_ns)
    return Songs(path, fingerprint, _metadata_frame(columns, n_rows))


@cache
def _fingerprint(
    path: Path,
    size: int,  # noqa: ARG001 - with the time of the last change, what the cache goes by
    mtime_ns: int,  # noqa: ARG001
) -> str:
    """SHA-256 of a file; a suite opens the same one many times, and 2 GB take 2 seconds."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _open(path: Path) -> pq.ParquetFile:
    expected = "expected a parquet file in the 4MuLA schema"
    try:
        if not path.exists():
            raise InputError(f"{path}: no such file; {expected}")
        if not path.is_file():
            raise InputError(f"{path}: is not a file; {expected}")
        return pq.ParquetFile(path, memory_map=True)
    except pa.ArrowInvalid as error:
        raise InputError(
            f"{path}: not a whole parquet file ({_first_line(error)}); {expected}"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({_first_line(error)}); {expected}") from error


def _read_column(file: pq.ParquetFile, path: Path, name: str) -> pd.Series:
    """A metadata column; text as `str` or None, the rest as pandas has it."""
    is_text = name == _ID or name in _TEXT_COLUMNS
    try:
        column = file.read(columns=[name])[name]
        return _text(column) if is_text else column.to_pandas()
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: column {name!r} cannot be read ({_first_line(error)}); "
            "expected a whole parquet file with UTF-8 text"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0].rstrip(". ")


def _is_metadata(name: str) -> bool:
    known = (_ID, *_TEXT_COLUMNS, *_OTHER_COLUMNS)
    return name in known or name.startswith(_FACTOR_PREFIX)


def _check_schema(path: Path, schema: pa.Schema) -> None:
    for name in schema.names:
        if schema.names.count(name) > 1:
            raise InputError(f"{path}: column {name!r} is there more than once; expected once")
    for name in (_ID, _MEL):
        if name not in schema.names:
            columns = ", ".join(schema.names) or "none"
            raise InputError(f"{path}: column {name!r} is missing; its columns are {columns}")
    if not _is_mel(schema.field(_MEL).type):
        raise InputError(
            f"{path}: column {_MEL!r} has type {schema.field(_MEL).type}; "
            "expected list<list<float>> or list<list<double>>"
        )
    for name in (_ID, *_TEXT_COLUMNS):
        if name in schema.names and not _is_text_like(schema.field(name).type):
            raise InputError(
                f"{path}: column {name!r} has type {schema.field(name).type}; expected string"
            )


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind)


def _is_mel(kind: pa.DataType) -> bool:
    if not (_is_list(kind) and _is_list(kind.value_type)):
        return False
    value = kind.value_type.value_type
    return pa.types.is_float32(value) or pa.types.is_float64(value)


def _is_text_like(kind: pa.DataType) -> bool:
    # pandas writes a column of nulls as type null and whole-number ids as integers.
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_null(kind)
    )


def _metadata_frame(columns: dict[str, pd.Series], n_rows: int) -> pd.DataFrame:
    absent = pd.Series([None] * n_rows, dtype=object)
    frame = {_ID: columns[_ID]}
    for source, target in _TEXT_COLUMNS.items():
        frame[target] = columns.get(source, absent)
    frame["artist"] = frame["artist_id"].fillna(frame["artist_name"])
    for name in (*_OTHER_COLUMNS, *(c for c in columns if c.startswith(_FACTOR_PREFIX))):
        frame[name] = columns.get(name, absent)
    return pd.DataFrame(frame)


def _text(column: pa.ChunkedArray) -> pd.Series:
    cells = column.cast(pa.string()).to_pylist()
    # A blank cell says as little as a null one.
    return pd.Series([cell if cell and cell.strip() else None for cell in cells], dtype=object)


def _id_fault(music_id: str | None, first_row: dict[str, int]) -> str:
    if music_id is None:
        return "music_id is null"
    if music_id in first_row:
        return f"music_id is a duplicate of row {first_row[music_id]}"
    return ""


def _mel_columns(path: Path) -> Iterator[pa.ListArray]:
    with _open(path) as file:
        try:
            for batch in file.iter_batches(batch_size=_ROWS_PER_BLOCK, columns=[_MEL]):
                yield batch.column(0)
        except (pa.ArrowInvalid, pa.ArrowIOError) as error:
            raise InputError(
                f"{path}: column {_MEL!r} cannot be read ({_first_line(error)}); "
                "expected a whole parquet file"
            ) from error


def _usable_mel(column: pa.ListArray, place: int) -> tuple[np.ndarray, str]:
    """The mel at a place of a block, and why it cannot be used ("" if it can)."""
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
    return mel, _power_fault(mel)


def _power_fault(mel: np.ndarray) -> str:
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
