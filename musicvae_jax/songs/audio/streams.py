"""Audio files as streams of mono samples; no more than a block is in memory.

Worker processes import this module, so it must not import JAX.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import av
    import soundfile

# What libsndfile reads, and what FFmpeg is needed for.
_LIBSNDFILE = (".wav", ".flac", ".ogg", ".opus", ".mp3")
_FFMPEG = (".m4a", ".aac", ".wma")
SUFFIXES = (*_LIBSNDFILE, *_FFMPEG)
_EXTRA = "audio-av"
# Samples of all channels in a block, a second or so: the place of a fault is known to a block.
_BLOCK_SAMPLES = 1 << 16
# Bytes of samples: what the header says, and what the file has.
_CUT_WAV = re.compile(r"^data : (\d+) \(should be (\d+)\)$", re.MULTILINE)
# Programs that write a WAV file to a pipe say that it has 2 or 4 GiB, or some bytes less.
_UNKNOWN_BYTES = (1 << 31) - (1 << 16)


class AudioError(Exception):
    """Why a file cannot be used; the message is for `Rejection.reason`."""


class Stream(NamedTuple):
    """An open audio file.

    Attributes:
        rate_hz: sampling rate.
        n_samples: length of each channel, as the file says.
        read: yields the samples from a place on, mean of the channels, float32 `[some]`, until the
            file ends. Raises `AudioError` where it is damaged.
    """

    rate_hz: int
    n_samples: int
    read: Callable[[int], Iterator[np.ndarray]]


def missing_extra(path: Path) -> str:
    """Why a file cannot be decoded with the packages that are installed; "" if it can."""
    if path.suffix.lower() in _FFMPEG and find_spec("av") is None:
        return f"{path.suffix.lower()} files need PyAV: pip install 'musicvae_jax[{_EXTRA}]'"
    return ""


def decoder_version(path: Path) -> str:
    """The library that decodes a file, with its version, on which the samples may depend."""
    if path.suffix.lower() in _FFMPEG:
        import av

        return f"PyAV {av.__version__}"
    import soundfile

    return f"libsndfile {soundfile.__libsndfile_version__}"


@contextmanager
def open_stream(path: Path) -> Iterator[Stream]:
    """Opens an audio file; its content decides on the format, not its name.

    Raises:
        AudioError: it holds no audio that can be read.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        if not file.read(1):
            raise AudioError("the file is empty")
    is_ffmpeg = path.suffix.lower() in _FFMPEG
    with (_open_ffmpeg if is_ffmpeg else _open_libsndfile)(path) as stream:
        yield stream


@contextmanager
def _open_libsndfile(path: Path) -> Iterator[Stream]:
    import soundfile

    try:
        # As bytes, since soundfile refuses names that are not UTF-8.
        file = soundfile.SoundFile(os.fsencode(path))
    except soundfile.SoundFileError as error:
        # The library's own message is wrong where it tried one decoder after the other.
        raise AudioError("holds no audio that libsndfile can read") from error
    with file:
        n_samples = _intended_samples(file)
        yield Stream(file.samplerate, n_samples, lambda start: _read_libsndfile(file, start))


def _intended_samples(file: "soundfile.SoundFile") -> int:
    """The length of each channel as the header says, which for a WAV file that is cut is longer.

    Of other formats libsndfile gives that length; of a WAV file it gives what is there, and only
    its log has the other.
    """
    cut = _CUT_WAV.search(file.extra_info)
    if not cut or int(cut[1]) >= _UNKNOWN_BYTES:
        return file.frames
    return file.frames * int(cut[1]) // max(1, int(cut[2]))


def _read_libsndfile(file: "soundfile.SoundFile", start: int) -> Iterator[np.ndarray]:
    import soundfile

    place = 0
    size = max(1, _BLOCK_SAMPLES // file.channels)
    try:
        if file.seekable():
            place = file.seek(min(start, file.frames))
        while len(block := file.read(size, dtype="float32", always_2d=True)):
            if place + len(block) > start:
                yield _mono(block[max(0, start - place) :], 1)
            place += len(block)
    except soundfile.SoundFileError as error:
        reason = getattr(error, "error_string", "").removeprefix("Error : ").rstrip(".")
        named = f" (libsndfile: {reason})" if reason else ""
        raise AudioError(f"is damaged after {_clock(place, file.samplerate)}{named}") from error


@contextmanager
def _open_ffmpeg(path: Path) -> Iterator[Stream]:
    import av

    try:
        n_samples = 0
        with path.open("rb") as file, av.open(file) as container:
            rate_hz = _audio_of(container).rate or 0
            # Estimates in headers are wrong for .aac: add up the packets, which are not decoded.
            for packet in container.demux(_audio_of(container)):
                if packet.duration:
                    n_samples += round(packet.duration * packet.time_base * rate_hz)
        yield Stream(rate_hz, n_samples, lambda start: _read_ffmpeg(path, rate_hz, start))
    # PyAV decodes a file's metadata as UTF-8.
    except (av.FFmpegError, UnicodeDecodeError) as error:
        raise AudioError(
            f"holds no audio that FFmpeg can read ({_ffmpeg_reason(error)})"
        ) from error


def _read_ffmpeg(path: Path, rate_hz: int, start: int) -> Iterator[np.ndarray]:
    import av

    place = 0
    try:
        # As a file, since PyAV refuses names that are not UTF-8.
        with path.open("rb") as file, av.open(file) as container:
            resampler = av.AudioResampler(format="fltp")
            for frame in container.decode(_audio_of(container)):
                for same in resampler.resample(frame):
                    # Seeking lands on a packet that is not always the right one. Reading on is
                    # sure, and decodes minutes in a second.
                    block = _mono(same.to_ndarray(), 0)
                    if place + len(block) > start:
                        yield block[max(0, start - place) :]
                    place += len(block)
    except (av.FFmpegError, ValueError) as error:
        raise AudioError(
            f"is damaged after {_clock(place, rate_hz)} (FFmpeg: {_ffmpeg_reason(error)})"
        ) from error


def _audio_of(container: "av.container.InputContainer") -> "av.AudioStream":
    if not container.streams.audio:
        raise AudioError("holds no audio")
    return container.streams.audio[0]


def _mono(block: np.ndarray, channel_axis: int) -> np.ndarray:
    # Opposite infinities give NaN, which is found later.
    with np.errstate(invalid="ignore", over="ignore"):
        return block.mean(axis=channel_axis)


def _clock(place: int, rate_hz: int) -> str:
    return f"{place / rate_hz:.1f} s"


def _ffmpeg_reason(error: Exception) -> str:
    # Without the name of the file, or of the function that failed.
    return getattr(error, "strerror", None) or str(error).strip().split("\n")[0].rstrip(".")
