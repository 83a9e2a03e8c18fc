"""Small pictures of mel spectrograms, for looking at; cached by part like the features.

Worker processes import this module, so it must not import JAX.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musicvae_jax.config import FeatureConfig
from musicvae_jax.runtime.cache import DAMAGED_NPZ, writing_cache
from musicvae_jax.songs import Part, Songs

# Enough to tell a drone from a march, at 2 KB a song.
N_BANDS, N_COLUMNS = 32, 64
# Part of the cache key: raise it whenever the bytes for the same input change.
_VERSION = 1


class Thumbnails(NamedTuple):
    """Pictures of the songs that have a mel spectrogram.

    Attributes:
        places: which songs, int64 `[pictures]`, ascending.
        pictures: uint8 `[pictures, 32, 64]`, lowest band first: 0 for the bottom of the range in
            decibels, 255 for the level of the song's loudest cell.
    """

    places: np.ndarray
    pictures: np.ndarray


def mel_thumbnail(db: np.ndarray, db_range: float) -> np.ndarray:
    """The mean level in 32 x 64 rectangles of a mel spectrogram.

    Args:
        db: decibels, `[128, frames]` in `[-db_range, 0]`; with fewer than 64 frames, some columns
            repeat one.
        db_range: above 0.

    Returns:
        uint8 `[32, 64]`; 0 at -db_range, 255 at 0 dB.

    Example:
        >>> quiet_then_loud = np.repeat([[-80.0, 0.0]], 128, axis=0)
        >>> mel_thumbnail(quiet_then_loud, 80.0)[0, [0, 31, 32, 63]]
        array([  0,   0, 255, 255], dtype=uint8)
    """
    n_frames = db.shape[1]
    edges = np.arange(N_COLUMNS + 1) * n_frames // N_COLUMNS
    bands = db.reshape(N_BANDS, -1, n_frames).mean(axis=1, dtype=np.float64)
    # Where an edge repeats, reduceat takes the one frame there.
    sums = np.add.reduceat(bands, edges[:-1], axis=1)
    means = sums / np.maximum(np.diff(edges), 1)
    return np.round(255 * (1 + means / db_range)).astype(np.uint8)


def thumbnails_path(part: Part, config: FeatureConfig) -> Path:
    """The cache file of a part's pictures."""
    key = json.dumps([_VERSION, part.key, config.db_range])
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    return config.cache_dir / f"mel-thumbnails-{digest}.npz"


def has_thumbnails(
    part: Part, config: FeatureConfig, on_notice: Callable[[str], None] | None
) -> bool:
    """Whether the cache holds a part's pictures, intact."""
    return _read(part, config, on_notice) is not None


def write_thumbnails(path: Path, rows: list[int], pictures: np.ndarray) -> None:
    """Writes a part's cache file.

    Args:
        path: see `thumbnails_path`.
        rows: rows with a usable mel, counted within the part, ascending.
        pictures: of these rows, uint8 `[rows, 32, 64]`.

    Raises:
        InputError: the folder cannot be written.
    """
    with writing_cache(path) as aside:
        np.savez(aside, rows=np.array(rows, np.int64), pictures=pictures)


def read_thumbnails(songs: Songs, config: FeatureConfig, rows: np.ndarray) -> Thumbnails:
    """Pictures of some songs, which `build_features` made; none of songs without a mel.

    Args:
        songs: opened songs.
        config: range in decibels and cache folder.
        rows: the songs' rows in `Songs.table`, ascending, int64 `[songs]`.
    """
    places, pictures = [], []
    for part in songs.parts:
        first, last = np.searchsorted(rows, [part.first_row, part.first_row + part.n_rows])
        found = _read(part, config, None) if last > first else None
        if found is None:
            continue
        in_part, of_part = found
        wanted = rows[first:last] - part.first_row
        is_there = np.isin(wanted, in_part)
        places.append(first + np.flatnonzero(is_there))
        pictures.append(of_part[np.searchsorted(in_part, wanted[is_there])])
    if not places:
        return Thumbnails(np.empty(0, np.int64), np.empty((0, N_BANDS, N_COLUMNS), np.uint8))
    return Thumbnails(np.concatenate(places), np.concatenate(pictures))


def _read(
    part: Part, config: FeatureConfig, on_notice: Callable[[str], None] | None
) -> tuple[np.ndarray, np.ndarray] | None:
    path = thumbnails_path(part, config)
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            rows, pictures = arrays["rows"], arrays["pictures"]
        if pictures.shape != (len(rows), N_BANDS, N_COLUMNS) or pictures.dtype != np.uint8:
            raise ValueError("inconsistent arrays")
        return rows, pictures
    except DAMAGED_NPZ as error:
        if on_notice:
            on_notice(f"cache of pictures {path} is damaged ({error}); making it again")
        return None
