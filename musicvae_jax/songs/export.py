"""Writes songs of any source to one parquet file in the 4MuLA schema."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from musicvae_jax.config import FACTOR_PREFIX
from musicvae_jax.errors import InputError
from musicvae_jax.songs.parquet.file import TEXT_NAMES
from musicvae_jax.songs.table import OTHER_COLUMNS, TAGS_COLUMN, Songs
from musicvae_jax.songs.writing import Song, write_songs

_SOURCE = "language_source"


def export_songs(songs: Songs, rows: np.ndarray, path: Path) -> int:
    """Writes songs, so that reading the file gives the same mel spectrograms and labels.

    Memory holds 64 songs at a time.

    Args:
        songs: opened songs with mel spectrograms.
        rows: usable rows of their table, ascending.
        path: the file to write; an old one is replaced once the new one is complete.

    Returns:
        The number of songs.

    Raises:
        InputError: the songs have no mel spectrograms.
        OSError: the file cannot be written.
    """
    if not songs.has_mels:
        raise InputError(
            f"{songs.path}: has features and no mel spectrograms, which the 4MuLA schema needs"
        )
    factors = [name for name in songs.table.columns if name.startswith(FACTOR_PREFIX)]
    types = {name: pa.array(songs.table[name], from_pandas=True).type for name in factors}
    return write_songs(path, _songs(songs, rows, factors), {_SOURCE: pa.string(), **types})


def _songs(songs: Songs, rows: np.ndarray, factors: list[str]) -> Iterator[Song]:
    wanted = set(rows.tolist())
    names = {name: column for column, name in TEXT_NAMES.items()}
    others = {name: name for name in (TAGS_COLUMN, *OTHER_COLUMNS, *factors)}
    table = songs.table.rename(columns=names)[[*names.values(), *others]]
    for part in songs.parts:
        for block in part.mel_blocks():
            for place, mel in zip(block.rows, block.mels, strict=True):
                row = part.first_row + place
                if row in wanted:
                    yield _cells(table.iloc[row]), mel


def _cells(row: pd.Series) -> Mapping[str, Any]:
    return {str(name): _cell(value) for name, value in row.items()}


def _cell(value: Any) -> Any:
    """A cell as Arrow takes it."""
    if isinstance(value, np.ndarray | tuple):
        return list(value)
    if isinstance(value, list) or not pd.isna(value):
        return value.item() if isinstance(value, np.generic) else value
    return None
