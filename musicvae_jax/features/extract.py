"""Audio features of every usable song of a file, one streaming pass, cached block by block."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.cache import DAMAGED_NPZ, writing_cache
from musicvae_jax.config import FeatureConfig, to_json
from musicvae_jax.errors import InputError
from musicvae_jax.features.decibels import mel_db
from musicvae_jax.features.mfcc import N_MFCC, mfcc_statistics
from musicvae_jax.features.rhythm import N_RHYTHM, rhythm_spectrum
from musicvae_jax.features.statistics import N_STATISTICS, mel_statistics
from musicvae_jax.prefetch import one_ahead
from musicvae_jax.songs import Rejection, Songs


class _Block(NamedTuple):
    """How a block of features is made: from decibels `[128, frames]`, float32 `[width]`.

    The version is part of the cache key: raise it whenever the numbers for the same input change.
    """

    compute: Callable[[np.ndarray], np.ndarray]
    width: int
    version: int


_BLOCKS = {
    "statistics": _Block(mel_statistics, N_STATISTICS, 2),
    "mfcc": _Block(mfcc_statistics, N_MFCC, 1),
    "rhythm": _Block(rhythm_spectrum, N_RHYTHM, 1),
}


class SongFeatures(NamedTuple):
    """Audio features of the usable songs of a file, in file order.

    Attributes:
        table: `Songs.table` reduced to the usable rows, with a fresh index `0 .. songs - 1`.
        rows: their places in the file, int64 `[songs]`.
        values: float32 `[songs, features]`, in decibels: the blocks of `config.audio` side by side.
        widths: number of features of each of these blocks.
        config: the settings they were extracted with.
        rejected: every row of the file that is not in the table, in file order.
        from_cache: whether the mel spectrograms were left unread.
    """

    table: pd.DataFrame
    rows: np.ndarray
    values: np.ndarray
    widths: tuple[int, ...]
    config: FeatureConfig
    rejected: list[Rejection]
    from_cache: bool


class _Cached(NamedTuple):
    """One block of features of a file, as it is kept in the cache."""

    rows: np.ndarray
    values: np.ndarray
    rejected: list[Rejection]


def extract_features(
    songs: Songs,
    config: FeatureConfig,
    on_rows: Callable[[int], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
) -> SongFeatures:
    """The wanted blocks of features of every usable song, from the cache where they are there.

    Args:
        songs: an opened song file.
        config: feature settings and cache folder.
        on_rows: told the number of rows after each block of rows that was read.
        on_notice: told, in one line, of a damaged cache file that is made again.

    Raises:
        InputError: no usable song, or more than half of the file's rows unusable.
    """
    paths = {name: _cache_path(songs, config, name) for name in config.audio}
    blocks = {name: _read_cache(path, name, on_notice) for name, path in paths.items()}
    missing = [name for name, block in blocks.items() if block is None]
    if missing:
        for name, block in _extract(songs, config, missing, on_rows).items():
            _write_cache(paths[name], block)
            blocks[name] = block
    # Which rows are usable depends on the file alone, so every block has the same.
    rows, _, rejected = blocks[config.audio[0]]
    _check_enough_usable(songs, rejected)
    return SongFeatures(
        table=songs.table.iloc[rows].reset_index(drop=True),
        rows=rows,
        values=np.concatenate([blocks[name].values for name in config.audio], axis=1),
        widths=tuple(_BLOCKS[name].width for name in config.audio),
        config=config,
        rejected=rejected,
        from_cache=not missing,
    )


def settings(config: FeatureConfig) -> dict:
    """The part of a config that changes the numbers: all but where they are kept."""
    return {name: value for name, value in to_json(config).items() if name != "cache_dir"}


def _extract(
    songs: Songs, config: FeatureConfig, names: list[str], on_rows: Callable[[int], None] | None
) -> dict[str, _Cached]:
    rows: list[int] = []
    rejected: list[Rejection] = []
    values: dict[str, list[np.ndarray]] = {name: [] for name in names}
    # Parquet is decoded in one thread while NumPy computes in another.
    for block in one_ahead(songs.mel_blocks()):
        rows.extend(block.rows)
        rejected.extend(block.rejected)
        for mel in block.mels:
            db = mel_db(mel, config.db_range)
            for name in names:
                values[name].append(_BLOCKS[name].compute(db))
        if on_rows:
            on_rows(len(block.rows) + len(block.rejected))
    usable, rejected = np.array(rows, np.int64), sorted(rejected)
    return {
        name: _Cached(
            usable,
            np.array(found, np.float32).reshape(len(usable), _BLOCKS[name].width),
            rejected,
        )
        for name, found in values.items()
    }


def _check_enough_usable(songs: Songs, rejected: list[Rejection]) -> None:
    n_rows = len(songs.table)
    if len(rejected) == n_rows:
        reason = f"; row {rejected[0].row}: {rejected[0].reason}" if rejected else ""
        raise InputError(f"{songs.path}: no usable song in {n_rows} rows{reason}")
    if 2 * len(rejected) > n_rows:
        first = rejected[0]
        raise InputError(
            f"{songs.path}: {len(rejected)} of {n_rows} rows cannot be used, expected at most "
            f"half; the first is row {first.row} ({first.music_id or 'no id'}): {first.reason}"
        )


def _cache_path(songs: Songs, config: FeatureConfig, name: str) -> Path:
    key = json.dumps([name, _BLOCKS[name].version, songs.fingerprint, config.db_range])
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    return config.cache_dir / f"mel-{name}-{digest}.npz"


def _read_cache(path: Path, name: str, on_notice: Callable[[str], None] | None) -> _Cached | None:
    if not path.exists():
        return None
    try:
        # Opened here, since np.load leaves a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            rejected = [Rejection(*item) for item in json.loads(str(arrays["rejected"]))]
            rows, values = arrays["rows"], arrays["values"]
        if values.shape != (len(rows), _BLOCKS[name].width) or not np.isfinite(values).all():
            raise ValueError("its numbers do not fit together")
        return _Cached(rows, values, rejected)
    except DAMAGED_NPZ as error:
        if on_notice:
            on_notice(f"feature cache {path} is damaged ({error}); extracting again")
        return None


def _write_cache(path: Path, block: _Cached) -> None:
    with writing_cache(path) as aside:
        np.savez(aside, rows=block.rows, values=block.values, rejected=json.dumps(block.rejected))
