"""Fixed-length windows of mel spectrograms, read from a memory-mapped store of all songs."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from musicvae_jax.cache import writing_cache
from musicvae_jax.config import FeatureConfig
from musicvae_jax.errors import InputError
from musicvae_jax.features.decibels import mel_db
from musicvae_jax.features.scaling import LEAST_SCALE_DB, Scaler
from musicvae_jax.prefetch import one_ahead
from musicvae_jax.songs import MEL_BANDS, Songs

# Part of the cache key: raise it whenever the bytes for the same input change.
_VERSION = 1
# Half precision is off by at most 0.03 dB down to -80 dB, far below what is heard.
_VALUE = np.dtype("<f2")
_COUNT = np.dtype("<i8")


class CropStore(NamedTuple):
    """The mel spectrograms of songs, one after the other, in a memory-mapped file.

    Attributes:
        frames: decibels in `[-db_range, 0]`, float16 `[total frames, 128]`. Only the pages that
            are looked at are read, and the system may drop them again.
        offsets: song i has the frames `offsets[i]` to `offsets[i + 1]`, int64 `[songs + 1]`.
        db_range: decibels between the loudest cell of a song and the floor.
    """

    frames: np.ndarray
    offsets: np.ndarray
    db_range: float


def open_crops(
    songs: Songs,
    config: FeatureConfig,
    rows: np.ndarray,
    on_rows: Callable[[int], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
) -> CropStore:
    """The store of a file's mel spectrograms, made in one streaming pass if it is not there.

    Args:
        songs: an opened song file.
        config: range in decibels and cache folder.
        rows: the file rows to keep, ascending, all usable (`SongFeatures.rows`); the store's
            song i is row `rows[i]`.
        on_rows: told the number of rows after each block of rows that was read.
        on_notice: told, in one line, of a damaged store that is made again.

    Raises:
        InputError: a row cannot be used, or the store cannot be written.
    """
    rows = np.asarray(rows, np.int64)
    path = _store_path(songs, config, rows)
    store = _open_store(path, len(rows), config.db_range, on_notice)
    if store is None:
        _write_store(path, songs, config.db_range, rows, on_rows)
        store = _open_store(path, len(rows), config.db_range, on_notice)
    if store is None:
        raise InputError(f"features.cache_dir: {path} does not keep what is written to it")
    return store


def random_crops(
    store: CropStore, index: np.ndarray, n_frames: int, position: np.ndarray
) -> np.ndarray:
    """One window of each of the named songs.

    A song shorter than a window is padded at its end with the floor, `-db_range`: silence.

    Args:
        store: an open store.
        index: songs, `[n]`; a song may be named more than once.
        n_frames: length of a window.
        position: places within the songs, `[n]`, in `[0, 1)`; uniform ones make every possible
            window of a song equally likely.

    Returns:
        Decibels, float32 `[n, 128, n_frames]`.
    """
    windows = half_crops(store, index, n_frames, position)
    return np.swapaxes(windows, -1, -2).astype(np.float32, order="C")


def fixed_crops(store: CropStore, index: np.ndarray, n_frames: int, n_crops: int) -> np.ndarray:
    """Evenly spaced windows of each of the named songs, always the same ones.

    They sit at the positions `(k + 1/2) / n_crops` of `random_crops`, so a single one is the
    middle of its song; songs shorter than a window are padded as there.

    Args:
        store: an open store.
        index: songs, `[n]`.
        n_frames: length of a window.
        n_crops: windows per song.

    Returns:
        Decibels, float32 `[n, n_crops, 128, n_frames]`.
    """
    index, position = fixed_places(index, n_crops)
    crops = random_crops(store, index.ravel(), n_frames, position.ravel())
    return crops.reshape(*index.shape, *crops.shape[1:])


def fixed_places(index: np.ndarray, n_crops: int) -> tuple[np.ndarray, np.ndarray]:
    """Songs and positions of `fixed_crops`, each `[n, n_crops]`."""
    position = (np.arange(n_crops) + 0.5) / n_crops
    return np.broadcast_arrays(np.asarray(index)[:, None], position)


def half_crops(
    store: CropStore, index: np.ndarray, n_frames: int, position: np.ndarray
) -> np.ndarray:
    """The windows of `random_crops` as they are stored: float16, time first, `[n, n_frames, 128]`.

    A quarter of the work for the processor that feeds an accelerator, which casts and transposes
    faster.
    """
    first, length = store.offsets[index], np.diff(store.offsets)[index]
    starts = first + np.floor(position * np.maximum(length - n_frames + 1, 1)).astype(np.int64)
    windows = np.full((len(starts), n_frames, MEL_BANDS), -store.db_range, _VALUE)
    for window, start, used in zip(windows, starts, np.minimum(length, n_frames), strict=True):
        window[:used] = store.frames[start : start + used]
    return windows


def fit_crop_scaler(store: CropStore, index: np.ndarray) -> Scaler:
    """Mean of each band and one deviation for all, over all frames of the named songs.

    One deviation keeps the loudness relations between bands: a band of its own scale would blow
    up the hiss of the highest bands to the size of the melody. It is at least 1 dB, for the
    reason given in `fit_scaler`.

    Args:
        store: an open store, read song by song.
        index: the training songs, `[n]`, at least one.

    Returns:
        In decibels, each float32 `[128]`; the scale is the same number in every band.
    """
    sums, squares, n_frames = np.zeros(MEL_BANDS), np.zeros(MEL_BANDS), 0
    for song in index:
        frames = store.frames[store.offsets[song] : store.offsets[song + 1]].astype(np.float32)
        sums += frames.sum(axis=0, dtype=np.float64)
        squares += np.square(frames).sum(axis=0, dtype=np.float64)
        n_frames += len(frames)
    mean = sums / n_frames
    # Rounding may leave a constant band a hair below zero.
    variance = np.maximum(squares / n_frames - mean**2, 0.0).mean()
    scale = np.full(MEL_BANDS, max(np.sqrt(variance), LEAST_SCALE_DB), np.float32)
    return Scaler(mean.astype(np.float32), scale)


def _store_path(songs: Songs, config: FeatureConfig, rows: np.ndarray) -> Path:
    key = json.dumps([_VERSION, songs.fingerprint, config.db_range, rows.tolist()])
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    return config.cache_dir / f"mel-crops-{digest}.f16"


def _open_store(
    path: Path, n_songs: int, db_range: float, on_notice: Callable[[str], None] | None
) -> CropStore | None:
    """The file is the frames, then the number of frames of each song."""
    if not path.exists():
        return None
    try:
        n_bytes = path.stat().st_size - n_songs * _COUNT.itemsize
        with path.open("rb") as file:
            file.seek(max(n_bytes, 0))
            lengths = np.frombuffer(file.read(), _COUNT)
        n_frames = int(lengths.sum())
        whole = n_bytes == n_frames * MEL_BANDS * _VALUE.itemsize
        if not whole or len(lengths) != n_songs or lengths.min(initial=1) < 1:
            raise ValueError("its size does not fit its songs")
        frames = np.memmap(path, _VALUE, "r", shape=(n_frames, MEL_BANDS))
        return CropStore(frames, np.concatenate([[0], np.cumsum(lengths)]), db_range)
    except (OSError, ValueError) as error:
        if on_notice:
            on_notice(f"crop store {path} is damaged ({error}); making it again")
        return None


def _write_store(
    path: Path,
    songs: Songs,
    db_range: float,
    rows: np.ndarray,
    on_rows: Callable[[int], None] | None,
) -> None:
    with writing_cache(path) as aside, aside.open("wb") as file:
        _write_mels(file, songs, db_range, rows, on_rows)


def _write_mels(
    file: BinaryIO,
    songs: Songs,
    db_range: float,
    rows: np.ndarray,
    on_rows: Callable[[int], None] | None,
) -> None:
    wanted, lengths = set(rows.tolist()), {}
    for block in one_ahead(songs.mel_blocks()):
        for row, mel in zip(block.rows, block.mels, strict=True):
            if row in wanted:
                file.write(mel_db(mel, db_range).T.astype(_VALUE, order="C"))
                lengths[row] = mel.shape[1]
        if on_rows:
            on_rows(len(block.rows) + len(block.rejected))
    if lost := wanted - set(lengths):
        raise InputError(f"{songs.path}: row {min(lost)} cannot be used; expected a usable row")
    file.write(np.array([lengths[row] for row in rows.tolist()], _COUNT))
