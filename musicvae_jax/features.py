"""Songs as arrays: mel statistics, one-hot labels, standardisation, and their cache on disk."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.config import FeatureConfig, to_json
from musicvae_jax.errors import InputError
from musicvae_jax.files import replacing
from musicvae_jax.songs import MEL_BANDS, Rejection, Songs

STATISTICS = ("mean", "std", "min", "max")
N_STATISTICS = len(STATISTICS) * MEL_BANDS
_LEAST_SCALE_DB = 1.0
# What reading a damaged .npz file has been seen to raise.
_DAMAGE = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
)
# Part of the cache key: raise it whenever the numbers for the same input change.
_VERSION = 2


class SongFeatures(NamedTuple):
    """Features of the usable songs of a file, in file order.

    Attributes:
        table: `Songs.table` reduced to the usable rows, with a fresh index `0 .. songs - 1`.
        values: float32 `[songs, 512]`, dB, see `mel_statistics`.
        config: the settings they were extracted with.
        rejected: every row of the file that is not in the table, in file order.
        from_cache: whether the mel spectrograms were left unread.
    """

    table: pd.DataFrame
    values: np.ndarray
    config: FeatureConfig
    rejected: list[Rejection]
    from_cache: bool


class Scaler(NamedTuple):
    """What standardisation subtracts and divides by, each float32 `[features]`, in dB."""

    mean: np.ndarray
    scale: np.ndarray


def mel_db(mel: np.ndarray, db_range: float) -> np.ndarray:
    """Power in decibels relative to the spectrogram's loudest cell.

    Args:
        mel: power, `[bands, frames]`, at least 0, somewhere above 0.
        db_range: decibels below the maximum at which values are clipped, at most 300.

    Returns:
        float32 `[bands, frames]` in `[-db_range, 0]`.
    """
    # Clipping before the logarithm keeps zeros out of it.
    floor = np.float32(10.0 ** (-db_range / 10.0))
    return 10.0 * np.log10(np.maximum(mel / mel.max(), floor))


def mel_statistics(mel: np.ndarray, db_range: float) -> np.ndarray:
    """Mean, standard deviation, minimum and maximum over time of each mel band, in decibels.

    Args:
        mel: power mel spectrogram, `[128, frames]`, at least one frame.
        db_range: see `mel_db`.

    Returns:
        float32 `[512]`: 128 means, then 128 deviations, minima and maxima.
    """
    db = mel_db(mel, db_range)
    return np.concatenate([db.mean(axis=1), db.std(axis=1), db.min(axis=1), db.max(axis=1)])


def extract_features(
    songs: Songs,
    config: FeatureConfig,
    on_rows: Callable[[int], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
) -> SongFeatures:
    """Mel statistics of every usable song, from the cache where they are there.

    Args:
        songs: an opened song file.
        config: feature settings and cache folder.
        on_rows: told the number of rows after each block that was read.
        on_notice: told, in one line, of a damaged cache file that is made again.

    Raises:
        InputError: no usable song, or more than half of the file's rows unusable.
    """
    cache = _cache_path(songs, config)
    cached = _read_cache(cache, on_notice)
    if cached is None:
        rows, values, rejected = _extract(songs, config, on_rows)
        _write_cache(cache, rows, values, rejected)
    else:
        rows, values, rejected = cached
    _check_enough_usable(songs, rejected)
    table = songs.table.iloc[rows].reset_index(drop=True)
    return SongFeatures(table, values, config, rejected, from_cache=cached is not None)


def settings(config: FeatureConfig) -> dict:
    """The part of a config that changes the numbers: all but where they are kept."""
    return {name: value for name, value in to_json(config).items() if name != "cache_dir"}


def _extract(
    songs: Songs, config: FeatureConfig, on_rows: Callable[[int], None] | None
) -> tuple[np.ndarray, np.ndarray, list[Rejection]]:
    rows: list[int] = []
    statistics: list[np.ndarray] = []
    rejected: list[Rejection] = []
    for block in songs.mel_blocks():
        rows.extend(block.rows)
        statistics.extend(mel_statistics(mel, config.db_range) for mel in block.mels)
        rejected.extend(block.rejected)
        if on_rows:
            on_rows(len(block.rows) + len(block.rejected))
    values = np.array(statistics, np.float32).reshape(len(rows), N_STATISTICS)
    return np.array(rows, np.int64), values, sorted(rejected)


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


def _cache_path(songs: Songs, config: FeatureConfig) -> Path:
    key = json.dumps([_VERSION, songs.fingerprint, settings(config)], sort_keys=True)
    return config.cache_dir / f"mel-statistics-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"


def _read_cache(
    path: Path, on_notice: Callable[[str], None] | None
) -> tuple[np.ndarray, np.ndarray, list[Rejection]] | None:
    if not path.exists():
        return None
    try:
        # Opened here, since np.load leaves a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            rejected = [Rejection(*item) for item in json.loads(str(arrays["rejected"]))]
            rows, values = arrays["rows"], arrays["values"]
        if values.shape != (len(rows), N_STATISTICS) or not np.isfinite(values).all():
            raise ValueError("its numbers do not fit together")
        return rows, values, rejected
    except _DAMAGE as error:
        if on_notice:
            on_notice(f"feature cache {path} is damaged ({error}); extracting again")
        return None


def _write_cache(
    path: Path, rows: np.ndarray, values: np.ndarray, rejected: list[Rejection]
) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as aside:
            np.savez(aside, rows=rows, values=values, rejected=json.dumps(rejected))
    except OSError as error:
        raise InputError(
            f"features.cache_dir: cannot write to {path.parent} ({error}); "
            "expected a folder that can be written"
        ) from error


def fit_scaler(values: np.ndarray) -> Scaler:
    """Mean and standard deviation of each feature over songs, the latter at least 1 dB.

    Without the floor a band that is at the bottom of the range in nearly every training song
    would be divided by next to nothing, and the one held-out song that differs would be tens or
    thousands of deviations away. 1 dB is about the smallest difference in level that is heard.

    Args:
        values: `[songs, features]` in dB, the training songs only.
    """
    mean = values.mean(axis=0, dtype=np.float64)
    deviation = values.std(axis=0, dtype=np.float64)
    scale = np.maximum(deviation, _LEAST_SCALE_DB)
    return Scaler(mean.astype(np.float32), scale.astype(np.float32))


def standardise(values: np.ndarray, scaler: Scaler) -> np.ndarray:
    """Features `[songs, features]` less the scaler's mean, in units of its scale, float32."""
    return ((values - scaler.mean) / scaler.scale).astype(np.float32)


def vocabulary(labels: pd.Series) -> tuple[str, ...]:
    """The distinct labels, sorted, without null."""
    return tuple(sorted(labels.dropna().unique()))


def one_hot(labels: pd.Series, vocabulary: Sequence[str], field: str) -> np.ndarray:
    """Labels as float32 `[songs, vocabulary]`; a null label is a row of zeros.

    Args:
        labels: one per song, null where unknown.
        vocabulary: the labels that have a column, in column order.
        field: what the labels are ("genre"), for the error.

    Raises:
        InputError: a label is not in the vocabulary.
    """
    codes = pd.Index(vocabulary).get_indexer(labels)
    unknown = labels[(codes == -1) & labels.notna()]
    if len(unknown):
        raise InputError(
            f"{field} {unknown.iloc[0]!r} (song {unknown.index[0]}) was not among the training "
            f"labels; expected one of {', '.join(vocabulary)}"
        )
    encoded = np.zeros((len(labels), len(vocabulary)), np.float32)
    known = codes >= 0
    encoded[known, codes[known]] = 1.0
    return encoded
