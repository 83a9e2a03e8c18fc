"""An excerpt of an audio file to the mel spectrogram of 4MuLA.

Worker processes import this module, so it must not import JAX.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np

from musicvae_jax.config.songs import MOST_EXCERPT_SECONDS, Excerpt
from musicvae_jax.songs.audio.store import Signature, write_fault, write_mel
from musicvae_jax.songs.audio.streams import AudioError, Stream, open_stream
from musicvae_jax.songs.mels import power_fault
from musicvae_jax.songs.power_mel import HOP_SAMPLES, SAMPLE_RATE_HZ, WINDOW_SAMPLES, power_mel

LEAST_SECONDS = 0.5
_RATES_HZ = (1_000, 768_000)
# -100 dB, a third of the last bit of 16.
_SILENCE = 1e-5
# Encoders' padding makes files a little shorter than their headers say.
_TOLERANCE_SECONDS = 0.1
# A minute and a half: any excerpt of the usual length is one piece.
_PIECE_SAMPLES = 1 << 21
# Frames at an end of a piece that see beyond it, and as many again, so that no piece is shorter
# than a window.
_MARGIN_FRAMES = WINDOW_SAMPLES // HOP_SAMPLES


class Task(NamedTuple):
    """A file to decode.

    Attributes:
        file: path and state of the file when its content was hashed.
        excerpt: which part of it.
        seconds: how much, unless it is "full".
        mel: path of the cache file to make.
    """

    file: Signature
    excerpt: Excerpt
    seconds: float
    mel: Path


class Seconds(NamedTuple):
    """How long decoding (with resampling) and mel spectrograms took."""

    decoding: float
    mels: float


class Watch:
    """Takes the time of its blocks, and of what is outside them since it was made."""

    def __init__(self) -> None:
        self._start = perf_counter()
        self.inside = 0.0

    @property
    def outside(self) -> float:
        return perf_counter() - self._start - self.inside

    def __enter__(self) -> None:
        self._entered = perf_counter()

    def __exit__(self, *_: object) -> None:
        self.inside += perf_counter() - self._entered


def decode_file(task: Task) -> Seconds:
    """Writes the mel spectrogram of a file, or why there is none, to the cache.

    Raises:
        OSError: the file cannot be read, or was changed since it was hashed.
    """
    _warm_up()
    watch = Watch()
    mel, fault = None, ""
    try:
        mel = song_mel(task, watch)
    except AudioError as error:
        fault = str(error)
    task.file.check()
    if mel is None:
        write_fault(task.mel, fault)
    else:
        write_mel(task.mel, mel)
    return Seconds(watch.outside, watch.inside)


@cache
def _warm_up() -> None:
    """Imports librosa, which takes longer than a song."""
    power_mel(np.zeros(WINDOW_SAMPLES, np.float32))


def song_mel(task: Task, watch: Watch | None = None) -> np.ndarray:
    """The power mel spectrogram of an excerpt, float32 `[128, frames]`.

    Raises:
        AudioError: the file has no usable audio there.
        OSError: the file cannot be read.
    """
    with open_stream(task.file.path) as stream:
        first, last = excerpt_range(stream, task.excerpt, task.seconds)
        audio = resampled(_usable(stream, first, last), stream.rate_hz)
        pieces = list(mel_pieces(audio, watch or Watch()))
    mel = np.ascontiguousarray(np.concatenate(pieces, axis=1))
    if fault := power_fault(mel):
        raise AudioError(fault)
    return mel


def excerpt_range(stream: Stream, excerpt: Excerpt, seconds: float) -> tuple[int, int]:
    """The first sample of an excerpt, and the one after its last.

    Raises:
        AudioError: the file is too short or too long, or its rate is none of audio's.

    Example:
        >>> excerpt_range(Stream(1000, 60_000, iter), "middle", 30.0)
        (15000, 45000)
    """
    low_hz, high_hz = _RATES_HZ
    if not low_hz <= stream.rate_hz <= high_hz:
        raise AudioError(
            f"has a sampling rate of {stream.rate_hz} Hz; expected {low_hz} to {high_hz}"
        )
    length = stream.n_samples / stream.rate_hz
    if length < LEAST_SECONDS:
        raise AudioError(f"has {max(0, length):.2f} s of audio; expected at least {LEAST_SECONDS}")
    if excerpt == "full":
        if length > MOST_EXCERPT_SECONDS:
            raise AudioError(
                f"is {length / 3600:.1f} h long; data.excerpt 'full' reads files of up to "
                f"{MOST_EXCERPT_SECONDS / 3600:.0f} h, 'middle' and 'start' any"
            )
        return 0, stream.n_samples
    size = min(stream.n_samples, round(seconds * stream.rate_hz))
    first = (stream.n_samples - size) // 2 if excerpt == "middle" else 0
    return first, first + size


def _usable(stream: Stream, first: int, last: int) -> Iterator[np.ndarray]:
    """The samples of an excerpt, block by block; raises `AudioError` if they cannot be used."""
    place, peak = first, np.float32(0)
    for block in stream.read(first):
        block = block[: last - place]
        bad = np.flatnonzero(~np.isfinite(block))
        if bad.size:
            at = (place + bad[0]) / stream.rate_hz
            raise AudioError(f"has NaN or infinity {at:.1f} s from the start")
        peak = max(peak, np.abs(block).max(initial=0))
        place += len(block)
        yield block
        if place == last:
            break
    if place < last - _TOLERANCE_SECONDS * stream.rate_hz:
        when = "after" if place > first else "before"
        raise AudioError(
            f"is cut short: it ends {when} {place / stream.rate_hz:.1f} s, but should have "
            f"{stream.n_samples / stream.rate_hz:.1f} s"
        )
    if peak < _SILENCE:
        of = f"{first / stream.rate_hz:.1f} to {last / stream.rate_hz:.1f} s"
        raise AudioError(f"is silent: no sample of the excerpt ({of}) is above -100 dB")


def resampled(blocks: Iterable[np.ndarray], rate_hz: int) -> Iterator[np.ndarray]:
    """Resamples a signal to 22,050 Hz, block by block.

    Args:
        blocks: mono, float32 `[some]` each.
        rate_hz: their sampling rate.
    """
    if rate_hz == SAMPLE_RATE_HZ:
        yield from blocks
        return
    import soxr

    stream = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32")
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block))
    yield stream.resample_chunk(np.empty(0, np.float32), last=True)


def mel_pieces(blocks: Iterable[np.ndarray], watch: Watch) -> Iterator[np.ndarray]:
    """The frames of `power_mel` of a whole signal, from one piece of it after the other.

    Args:
        blocks: mono at 22,050 Hz, float32 `[some]` each.
        watch: takes the time.

    Yields:
        Consecutive frames, `[128, some]`.
    """
    waiting: list[np.ndarray] = []
    n_known = 0
    for block in blocks:
        waiting.append(block)
        if sum(map(len, waiting)) < _PIECE_SAMPLES:
            continue
        audio = np.concatenate(waiting)
        end = (len(audio) - WINDOW_SAMPLES // 2) // HOP_SAMPLES + 1
        with watch:
            mel = power_mel(audio)
        yield mel[:, n_known:end]
        n_known = _MARGIN_FRAMES
        waiting = [audio[(end - n_known) * HOP_SAMPLES :]]
    with watch:
        mel = power_mel(np.concatenate(waiting))
    yield mel[:, n_known:]
