"""One parquet file in the 4MuLA schema: checks and metadata columns."""

from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from musicvae_jax.config import FACTOR_PREFIX
from musicvae_jax.errors import InputError
from musicvae_jax.songs.table import OTHER_COLUMNS, TAGS_COLUMN

ID_COLUMN = "music_id"
MEL_COLUMN = "melspectrogram"
# Text columns of the 4MuLA schema, and their names in the rest of the package.
TEXT_NAMES = {
    ID_COLUMN: "music_id",
    "music_name": "title",
    "music_lyrics": "lyrics",
    "main_genre": "genre",
    "music_lang": "language",
    "art_id": "artist_id",
    "art_name": "artist_name",
    # Not of the schema, but kept when a folder of audio is written as a file.
    "language_source": "language_source",
}


class SongFile(NamedTuple):
    """A song file without its mel spectrograms.

    Attributes:
        path: the parquet file.
        columns: its metadata columns under their names in the file, one row per file row; text and
            ids are Arrow strings, tags lists of them.
        group_rows: number of rows of each row group.
    """

    path: Path
    columns: pa.Table
    group_rows: tuple[int, ...]


def read_file(path: Path) -> SongFile:
    """Opens a file and reads its metadata columns.

    Raises:
        InputError: there is no such file, it is not a parquet file, a required column is missing
            or a column has the wrong type.
    """
    with open_file(path) as file:
        schema = file.schema_arrow
        _check_schema(path, schema)
        wanted = [name for name in schema.names if _is_metadata(name)]
        columns = pa.table({name: _read_column(file, path, name) for name in wanted})
        about = file.metadata
        group_rows = tuple(about.row_group(i).num_rows for i in range(about.num_row_groups))
    return SongFile(path, columns, group_rows)


def open_file(path: Path) -> pq.ParquetFile:
    """Opens a parquet file.

    Raises:
        InputError: it does not exist, cannot be read or is not a parquet file.
    """
    expected = "expected a parquet file in the 4MuLA schema"
    try:
        if not path.exists():
            raise InputError(f"{path}: no such file; {expected}, or a folder of audio files")
        if not path.is_file():
            raise InputError(f"{path}: is not a file; {expected}")
        return pq.ParquetFile(path, memory_map=True)
    except pa.ArrowInvalid as error:
        raise InputError(
            f"{path}: not a complete parquet file ({first_line(error)}); {expected}"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({first_line(error)}); {expected}") from error


def _read_column(file: pq.ParquetFile, path: Path, name: str) -> pa.ChunkedArray:
    try:
        column = file.read(columns=[name])[name]
        if name in TEXT_NAMES:
            column = column.cast(pa.string())
        if name == TAGS_COLUMN:
            column = column.cast(pa.list_(pa.string()))
        # Otherwise text that is not UTF-8 would fail later, where the file's name is not known.
        column.validate(full=True)
        return column
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            f"{path}: column {name!r} cannot be read ({first_line(error)}); "
            "expected a complete parquet file with UTF-8 text"
        ) from error


def first_line(error: Exception) -> str:
    """The message of an Arrow error without its final full stop and its stack."""
    return str(error).strip().split("\n")[0].rstrip(". ")


def _is_metadata(name: str) -> bool:
    known = (*TEXT_NAMES, TAGS_COLUMN, *OTHER_COLUMNS)
    return name in known or name.startswith(FACTOR_PREFIX)


def _check_schema(path: Path, schema: pa.Schema) -> None:
    for name in schema.names:
        if schema.names.count(name) > 1:
            raise InputError(f"{path}: column {name!r} appears more than once; expected once")
    for name in (ID_COLUMN, MEL_COLUMN):
        if name not in schema.names:
            columns = ", ".join(schema.names) or "none"
            other = ", none of them numbers, as a table of features has" * (name == MEL_COLUMN)
            raise InputError(
                f"{path}: column {name!r} is missing; its columns are {columns}{other}"
            )
    if not _is_mel(schema.field(MEL_COLUMN).type):
        raise InputError(
            f"{path}: column {MEL_COLUMN!r} has type {schema.field(MEL_COLUMN).type}; "
            "expected list<list<float>> or list<list<double>>"
        )
    for name in TEXT_NAMES:
        if name in schema.names and not _is_text_like(schema.field(name).type):
            raise InputError(
                f"{path}: column {name!r} has type {schema.field(name).type}; expected string"
            )
    if TAGS_COLUMN in schema.names and not _is_tags(schema.field(TAGS_COLUMN).type):
        raise InputError(
            f"{path}: column {TAGS_COLUMN!r} has type {schema.field(TAGS_COLUMN).type}; "
            "expected list<string>"
        )


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind)


def _is_mel(kind: pa.DataType) -> bool:
    if not (_is_list(kind) and _is_list(kind.value_type)):
        return False
    value = kind.value_type.value_type
    return pa.types.is_float32(value) or pa.types.is_float64(value)


def _is_tags(kind: pa.DataType) -> bool:
    # pandas writes empty lists only as a list of nulls.
    return pa.types.is_null(kind) or (_is_list(kind) and _is_text(kind.value_type))


def _is_text_like(kind: pa.DataType) -> bool:
    # pandas writes whole-number ids as integers.
    return _is_text(kind) or pa.types.is_integer(kind)


def _is_text(kind: pa.DataType) -> bool:
    # pandas writes a column of nulls as type null.
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)
