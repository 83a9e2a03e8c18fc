"""Mel spectrograms of audio files in the cache, by content.

Where there is none for a reason that lies in the content, the cache has the reason instead. Worker
processes import this module, so it must not import JAX.
"""

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musicvae_jax.config import DataConfig
from musicvae_jax.runtime.cache import writing_cache
from musicvae_jax.songs.audio.streams import decoder_version
from musicvae_jax.songs.mels import MEL_BANDS

# Raise it whenever the numbers or the reasons for the same file change.
_VERSION = 2
_FOLDER = "audio-mels"
_FAULT = ".txt"
# They resample, and make mel spectrograms.
_LIBRARIES = ("soxr", "librosa")


class Signature(NamedTuple):
    """A file and its state when it was looked at.

    Attributes:
        path: of the file.
        size_bytes: its size.
        mtime_ns: time of the last change of its content, which programs can set to any time.
        ctime_ns: time of the last change of the content or of what the system knows about the file,
            which they cannot set.
    """

    path: Path
    size_bytes: int
    mtime_ns: int
    ctime_ns: int

    def check(self) -> None:
        """Raises OSError if the file was changed since."""
        if signature(self.path) != self:
            raise OSError("the file was changed while it was read")


def signature(path: Path) -> Signature:
    """The state of a file; raises OSError if it is absent."""
    about = path.stat()
    return Signature(path, about.st_size, about.st_mtime_ns, about.st_ctime_ns)


def audio_folder(cache_dir: Path) -> Path:
    """The folder for everything of this reader."""
    return cache_dir / _FOLDER


def mel_key(digest: str, path: Path, data: DataConfig) -> str:
    """Identifies the mel spectrogram of a file, wherever the file is.

    Args:
        digest: SHA-256 of its bytes.
        path: on whose suffix the decoder depends.
        data: the excerpt.
    """
    seconds = None if data.excerpt == "full" else data.seconds
    libraries = [decoder_version(path), *(f"{name} {version(name)}" for name in _LIBRARIES)]
    key = json.dumps([_VERSION, digest, data.excerpt, seconds, libraries])
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def mel_path(cache_dir: Path, key: str) -> Path:
    """The file of a mel spectrogram; a folder never holds too many."""
    return audio_folder(cache_dir) / key[:2] / f"{key}.npy"


def write_mel(path: Path, mel: np.ndarray) -> None:
    """Writes a mel spectrogram, float32 `[128, frames]`."""
    with writing_cache(path) as aside:
        np.save(aside, mel, allow_pickle=False)


def write_fault(path: Path, fault: str) -> None:
    """Writes why there is no mel spectrogram, beside where it would be."""
    with writing_cache(path.with_suffix(_FAULT)) as aside:
        aside.write_text(fault, encoding="utf-8")


def open_mel(path: Path) -> np.ndarray:
    """Maps a mel spectrogram, float32 `[128, frames]`.

    Raises:
        OSError, ValueError: it is not there, or damaged.
    """
    mel = np.load(path, mmap_mode="r", allow_pickle=False)
    if mel.dtype != np.float32 or mel.ndim != 2 or len(mel) != MEL_BANDS or mel.shape[1] == 0:
        raise ValueError(f"it holds {mel.dtype} {list(mel.shape)}")
    return mel


def find_fault(path: Path) -> str:
    """Why there is no mel spectrogram, if that is known; else ""."""
    try:
        return path.with_suffix(_FAULT).read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return ""


def digest_of(values: Sequence[object]) -> str:
    """SHA-256 of values that can be written as JSON, hexadecimal."""
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
