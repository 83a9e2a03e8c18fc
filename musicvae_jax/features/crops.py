"""Fixed-length windows of mel spectrograms, read from the memory-mapped stores of the parts."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from musicvae_jax.config import FeatureConfig
from musicvae_jax.errors import InputError
from musicvae_jax.features.melstore import VALUE, build_stores, open_store
from musicvae_jax.features.parts import OnRows
from musicvae_jax.features.scaling import LEAST_SCALE_DB, Scaler
from musicvae_jax.songs import MEL_BANDS, Songs


class CropStore(NamedTuple):
    """The mel spectrograms of songs, in one memory-mapped file per part.

    Attributes:
        frames: decibels in `[-db_range, 0]` of each part, float16 `[frames of the part, 128]`. Only
            the pages in use are read, and the system may drop them again.
        parts: song i is in `frames[parts[i]]`, int64 `[songs]`.
        starts: each song's first frame there, int64 `[songs]`.
        lengths: each song's number of frames, at least 1, int64 `[songs]`.
        db_range: decibels between the loudest cell of a song and the floor.
    """

    frames: tuple[np.ndarray, ...]
    parts: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    db_range: float

    def song(self, index: int) -> np.ndarray:
        """All frames of a song, time first, float16 `[frames, 128]`."""
        start = self.starts[index]
        return self.frames[self.parts[index]][start : start + self.lengths[index]]


def open_crops(
    songs: Songs,
    config: FeatureConfig,
    rows: np.ndarray,
    on_rows: OnRows | None = None,
    on_notice: Callable[[str], None] | None = None,
    n_jobs: int | None = None,
) -> CropStore:
    """Opens the mel spectrograms of songs; makes missing stores in one streaming pass.

    Args:
        songs: opened song files.
        config: range in decibels and cache folder.
        rows: the rows of `Songs.table` to open, all with usable mels (`SongFeatures.rows`); song
            i is row `rows[i]`.
        on_rows: called with the number of rows done: first those in store, unless all are, then
            rows as they are read.
        on_notice: called with a line about each damaged store, which is then made again.
        n_jobs: number of processes; by default one per core if several parts are missing.

    Raises:
        InputError: a row cannot be used, a song file is damaged, or a store cannot be written.
    """
    rows = np.asarray(rows, np.int64)
    build_stores(songs, config, on_rows=on_rows, on_notice=on_notice, n_jobs=n_jobs)
    stores = [open_store(part, config) for part in songs.parts]
    places = np.searchsorted([part.first_row for part in songs.parts], rows, side="right") - 1
    # One entry per row of the table, since the parts follow one another.
    starts = np.concatenate([np.cumsum(store.lengths) - store.lengths for store in stores])[rows]
    lengths = np.concatenate([store.lengths for store in stores])[rows]
    if lost := rows[lengths == 0].tolist():
        place = songs.place(*songs.origin(lost[0]))
        raise InputError(f"{songs.path}: {place} cannot be used; expected a usable row")
    frames = tuple(store.frames for store in stores)
    return CropStore(frames, places, starts, lengths, config.db_range)


def random_crops(
    store: CropStore, index: np.ndarray, n_frames: int, position: np.ndarray
) -> np.ndarray:
    """One window of each given song.

    A song shorter than the window is padded at its end with the floor, `-db_range`: silence.

    Args:
        store: an open store.
        index: songs, `[n]`; a song may occur more than once.
        n_frames: length of a window.
        position: places within the songs, `[n]`, in `[0, 1)`; drawn uniformly, they make every
            window of a song equally likely.

    Returns:
        Decibels, float32 `[n, 128, n_frames]`.
    """
    windows = half_crops(store, index, n_frames, position)
    return np.swapaxes(windows, -1, -2).astype(np.float32, order="C")


def fixed_crops(store: CropStore, index: np.ndarray, n_frames: int, n_crops: int) -> np.ndarray:
    """Evenly spaced windows of each given song, always the same ones.

    They are at the positions `(k + 1/2) / n_crops` of `random_crops`, so a single window is the
    middle of its song. Songs shorter than a window are padded as there.

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
    index, position = np.broadcast_arrays(np.asarray(index)[:, None], position)
    return index, position


def half_crops(
    store: CropStore, index: np.ndarray, n_frames: int, position: np.ndarray
) -> np.ndarray:
    """The windows of `random_crops` as stored: float16, time first, `[n, n_frames, 128]`.

    This takes a quarter of the work; an accelerator casts and transposes faster.
    """
    length = store.lengths[index]
    n_places = np.maximum(length - n_frames + 1, 1)
    starts = store.starts[index] + np.floor(position * n_places).astype(np.int64)
    windows = np.full((len(starts), n_frames, MEL_BANDS), -store.db_range, VALUE)
    places = zip(store.parts[index], starts, np.minimum(length, n_frames), strict=True)
    for window, (part, start, used) in zip(windows, places, strict=True):
        window[:used] = store.frames[part][start : start + used]
    return windows


def fit_crop_scaler(store: CropStore, index: np.ndarray) -> Scaler:
    """Mean of each band and one standard deviation for all, over all frames of the given songs.

    A common scale keeps the loudness relations between bands: a scale for each band would blow up
    the hiss of the highest bands to the size of the melody. It is at least 1 dB, for the reason
    given in `fit_scaler`.

    Args:
        store: an open store, read song by song.
        index: the training songs, `[n]`, at least one.

    Returns:
        Mean and scale in decibels, each float32 `[128]`; the scale is the same in every band.
    """
    sums, squares, n_frames = np.zeros(MEL_BANDS), np.zeros(MEL_BANDS), 0
    for song in index:
        frames = store.song(song).astype(np.float32)
        sums += frames.sum(axis=0, dtype=np.float64)
        squares += np.square(frames).sum(axis=0, dtype=np.float64)
        n_frames += len(frames)
    mean = sums / n_frames
    # Rounding may leave a constant band slightly below zero.
    variance = np.maximum(squares / n_frames - mean**2, 0.0).mean()
    scale = np.full(MEL_BANDS, max(np.sqrt(variance), LEAST_SCALE_DB), np.float32)
    return Scaler(mean.astype(np.float32), scale)
