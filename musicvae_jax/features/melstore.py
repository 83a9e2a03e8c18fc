"""Mel spectrograms in decibels on disk, one memory-mapped file per part of the songs.

Worker processes import this module, so it must not import JAX.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from musicvae_jax.config import FeatureConfig
from musicvae_jax.errors import InputError
from musicvae_jax.features.decibels import mel_db
from musicvae_jax.features.parts import EVERYTHING, OnRows, Share, make_parts
from musicvae_jax.runtime.cache import writing_cache
from musicvae_jax.songs import MEL_BANDS, Part, Songs

# Half precision is off by at most 0.03 dB down to -80 dB, which is inaudible.
VALUE = np.dtype("<f2")
_COUNT = np.dtype("<i8")
# Part of the cache key: raise it whenever the bytes for the same input change.
_VERSION = 2


class MelStore(NamedTuple):
    """The mel spectrograms of a part, one after the other.

    Attributes:
        frames: decibels, float16 `[total frames, 128]`.
        lengths: number of frames of each row of the part, int64 `[rows]`; 0 for an unusable mel.
    """

    frames: np.ndarray
    lengths: np.ndarray


class _PartTask(NamedTuple):
    """The path of a part's store, and its range in decibels."""

    path: Path
    db_range: float


def build_stores(
    songs: Songs,
    config: FeatureConfig,
    share: Share = EVERYTHING,
    on_rows: OnRows | None = None,
    on_notice: Callable[[str], None] | None = None,
    n_jobs: int | None = None,
    fresh: bool = False,
) -> int:
    """Makes the stores of a share of the parts, so that `open_crops` finds them.

    After a crash it continues with the parts that are still missing.

    Args:
        songs: opened song files.
        config: range in decibels and cache folder.
        share: which of the parts.
        on_rows: see `open_crops`.
        on_notice: see `open_crops`.
        n_jobs: see `open_crops`.
        fresh: make all of them again, whatever the cache holds.

    Returns:
        Number of parts that were made.
    """
    parts = share.of(songs.parts)
    calls = [
        (part, _PartTask(_store_path(part, config), config.db_range))
        for part in parts
        if fresh or _read_store(part, config, on_notice) is None
    ]
    make_parts(_make_store, parts, calls, n_jobs, on_rows)
    return len(calls)


def open_store(part: Part, config: FeatureConfig) -> MelStore:
    """Opens the store of a part, made before.

    Raises:
        InputError: the store is missing or damaged.
    """
    store = _read_store(part, config, None)
    if store is None:
        path = _store_path(part, config)
        raise InputError(f"features.cache_dir: {path} cannot be read back after writing it")
    return store


def _store_path(part: Part, config: FeatureConfig) -> Path:
    key = json.dumps([_VERSION, part.key, config.db_range])
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    return config.cache_dir / f"mel-crops-{digest}.f16"


def _read_store(
    part: Part, config: FeatureConfig, on_notice: Callable[[str], None] | None
) -> MelStore | None:
    """The file holds the frames, then the number of frames of each row."""
    path = _store_path(part, config)
    if not path.exists():
        return None
    try:
        n_bytes = path.stat().st_size - part.n_rows * _COUNT.itemsize
        with path.open("rb") as file:
            file.seek(max(n_bytes, 0))
            lengths = np.frombuffer(file.read(), _COUNT)
        n_frames = int(lengths.sum())
        whole = n_bytes == n_frames * MEL_BANDS * VALUE.itemsize
        if not whole or len(lengths) != part.n_rows or lengths.min() < 0:
            raise ValueError("its size does not match its songs")
        return MelStore(np.memmap(path, VALUE, "r", shape=(n_frames, MEL_BANDS)), lengths)
    except (OSError, ValueError) as error:
        if on_notice:
            on_notice(f"crop store {path} is damaged ({error}); making it again")
        return None


def _make_store(part: Part, task: _PartTask, on_rows: OnRows | None) -> None:
    with writing_cache(task.path) as aside, aside.open("wb") as file:
        _write_mels(file, part, task.db_range, on_rows)


def _write_mels(file: BinaryIO, part: Part, db_range: float, on_rows: OnRows | None) -> None:
    lengths = np.zeros(part.n_rows, _COUNT)
    for block in part.mel_blocks():
        for row, mel in zip(block.rows, block.mels, strict=True):
            file.write(mel_db(mel, db_range).T.astype(VALUE, order="C").data)
            lengths[row] = mel.shape[1]
        if on_rows:
            on_rows(block.n_rows)
    file.write(lengths.data)
