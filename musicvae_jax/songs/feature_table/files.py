"""Tables of features in files, batch by batch."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from musicvae_jax.errors import InputError
from musicvae_jax.songs.feature_table.columns import no_feature
from musicvae_jax.songs.feature_table.header import Header, check_unique, read_header
from musicvae_jax.songs.parquet.file import MEL_COLUMN, first_line, open_file

TEXT_SUFFIXES = (".csv", ".tsv")
_BLOCK_BYTES = 16_000_000
_ROWS_PER_BATCH = 4096


def is_feature_table(path: Path) -> bool:
    """Whether a path, which may not exist, is a table of features.

    That is a .csv or .tsv file, or a parquet file with numbers that may be features and without
    mel spectrograms.
    """
    if path.suffix.lower() in TEXT_SUFFIXES:
        return True
    if path.suffix.lower() != ".parquet" or not path.is_file():
        return False
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError):
        # The reader of 4MuLA files will say what is wrong with it.
        return False
    return MEL_COLUMN not in schema.names and any(
        is_number(field.type) and not no_feature(field.name) for field in schema
    )


def is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


class TableFile(NamedTuple):
    """An opened table.

    Attributes:
        schema: its columns; in a text file all are text.
        batches: its rows, read as they are needed.
        note: what is unusual about the file, in words, or "".
    """

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    note: str


def open_table(path: Path) -> TableFile:
    """Opens a table.

    Raises:
        InputError: the file cannot be read or is damaged, or has two columns of one name; also
            while batches are read.
    """
    if path.suffix.lower() in TEXT_SUFFIXES:
        header = read_header(path)
        schema = pa.schema([(name, pa.string()) for name in header.names])
        return TableFile(schema, _of_text(path, header), header.note)
    with open_file(path) as file:
        schema = file.schema_arrow
    check_unique(path, schema.names)
    return TableFile(schema, _of_parquet(path), "")


def _of_text(path: Path, header: Header) -> Iterator[pa.RecordBatch]:
    names = list(header.names)
    # Lyrics have line breaks. One thread, so that errors know their row.
    read = pa.csv.ReadOptions(
        use_threads=False,
        block_size=_BLOCK_BYTES,
        skip_rows=header.n_lines,
        column_names=names,
    )
    uneven: list[pa.csv.InvalidRow] = []

    def stop(row: pa.csv.InvalidRow) -> str:
        uneven.append(row)
        return "error"

    parse = pa.csv.ParseOptions(
        delimiter=header.delimiter, newlines_in_values=True, invalid_row_handler=stop
    )
    convert = pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    try:
        with pa.csv.open_csv(path, read, parse, convert) as batches:
            yield from batches
    except pa.ArrowInvalid as error:
        if "Empty CSV file" in str(error):
            # There are no songs, which the caller reports.
            return
        expected = f"expected UTF-8 text with {len(names)} cells in each row, as in the header"
        if uneven:
            row, n_cells = uneven[0].number - header.n_lines - 1, uneven[0].actual_columns
            raise InputError(f"{path}: row {row} has {n_cells} cells; {expected}") from error
        fault = (
            "not UTF-8 text" if "UTF8" in str(error) else f"cannot be read ({first_line(error)})"
        )
        raise InputError(f"{path}: {fault}; {expected}") from error


def _of_parquet(path: Path) -> Iterator[pa.RecordBatch]:
    try:
        with open_file(path) as file:
            yield from file.iter_batches(batch_size=_ROWS_PER_BATCH)
    except (pa.ArrowInvalid, pa.ArrowIOError) as error:
        raise InputError(
            f"{path}: cannot be read ({first_line(error)}); expected a complete parquet file"
        ) from error
