"""Reads parquet files in the 4MuLA schema."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pyarrow as pa

from musicvae_jax.config import FACTOR_PREFIX, DataConfig
from musicvae_jax.errors import InputError
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs.audio.find import has_suffix
from musicvae_jax.songs.fingerprint import file_fingerprint, joined_fingerprint
from musicvae_jax.songs.parquet.file import (
    TEXT_NAMES,
    SongFile,
    first_line,
    read_file,
)
from musicvae_jax.songs.parquet.parts import ParquetPart, file_parts
from musicvae_jax.songs.paths import is_visible, sorted_by_name
from musicvae_jax.songs.table import OTHER_COLUMNS, TAGS_COLUMN, Songs, song_frame


def open_parquet(
    paths: Sequence[Path],
    data: DataConfig,
    cache_dir: Path,  # noqa: ARG001 - every reader gets it
    terminal: Terminal,
) -> Songs:
    """Opens one or more parquet files in the 4MuLA schema, see `songs.readers`.

    Required columns: music_id (text or whole numbers) and melspectrogram (128 lists of float32
    or float64 power per song). All other columns are optional; an absent one is null.

    Raises:
        InputError: there is no such file, a file is not a parquet file or lacks a required column,
            a column has the wrong type, or two files have incompatible types for a column.
    """
    paths = [file for path in paths for file in _files(path, terminal)]
    with ThreadPoolExecutor() as pool:
        files = list(pool.map(read_file, paths))
        columns = _stacked(files)
        # Only once all files have been read: an error in one need not wait for their bytes.
        fingerprints = list(pool.map(file_fingerprint, paths))
    whole = joined_fingerprint(fingerprints)
    return Songs(data.source, data, whole, _metadata_frame(columns), _parts(files, fingerprints))


def _files(path: Path, terminal: Terminal) -> list[Path]:
    """The path itself, or a folder's *.parquet; hidden files are skipped."""
    try:
        if not path.is_dir():
            return [path]
    except OSError:
        # For example, the name is too long: opening the file will say so.
        return [path]
    files = sorted_by_name(file for file in path.glob("*.parquet") if is_visible(file))
    if not files:
        raise InputError(
            f"{path}: no *.parquet file in this folder; expected one or more in the 4MuLA schema"
        )
    n_audio = sum(has_suffix(file) for file in path.rglob("*") if is_visible(file))
    if n_audio:
        terminal.notice(
            f"{path}: its *.parquet files are read, and the {n_audio} audio file(s) in it are not"
        )
    return files


def _parts(files: Sequence[SongFile], fingerprints: Sequence[str]) -> tuple[ParquetPart, ...]:
    # A glob may find files of the same name in different folders.
    root = os.path.commonpath([file.path.parent for file in files])
    parts, first_row = [], 0
    for file, fingerprint in zip(files, fingerprints, strict=True):
        name = file.path.relative_to(root).as_posix()
        parts += file_parts(file.path, name, fingerprint, file.group_rows, first_row)
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
    names = TEXT_NAMES | {TAGS_COLUMN: TAGS_COLUMN}
    found = {
        names[name]: columns[name].to_pylist() for name in columns.column_names if name in names
    }
    for name in columns.column_names:
        if name in OTHER_COLUMNS or name.startswith(FACTOR_PREFIX):
            found[name] = columns[name].to_pandas()
    return song_frame(found, len(columns))
