"""Turns song factors into audio: a small composer and a wavetable synthesiser, in NumPy only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from musicvae_jax.songs.power_mel import SAMPLE_RATE_HZ

VIBRATO_HZ = 5.5
RELEASE_SECONDS = 0.04
# Long enough that nearest-sample lookup stays below the quietest noise floor in use.
TABLE_SIZE = 8192
MAX_HARMONICS = 60
# One level, or one for each sample.
Level = TypeVar("Level", float, np.ndarray)
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}


class Metre(NamedTuple):
    steps_per_bar: int
    steps_per_beat: int


METRES = {"3/4": Metre(6, 2), "4/4": Metre(8, 2), "6/8": Metre(6, 3)}


class DrumPattern(NamedTuple):
    """One bar of hits ("x") per metre step."""

    kick: str
    snare: str
    hat: str


PATTERNS = {
    "waltz": DrumPattern("x.....", "..x.x.", "......"),
    "jig": DrumPattern("x..x..", "..x..x", "xxxxxx"),
    "sway": DrumPattern("x.....", "...x..", "x.xx.x"),
    "backbeat": DrumPattern("x...x...", "..x...x.", "xxxxxxxx"),
    "four_floor": DrumPattern("x.x.x.x.", "..x...x.", ".x.x.x.x"),
    "march": DrumPattern("x...x...", "x.xxx.xx", "........"),
    "clave": DrumPattern("x..xx..x", "..x..x..", "xxxxxxxx"),
    "pulse": DrumPattern("x.......", "....x...", "x...x..."),
}


@dataclass(frozen=True)
class SongFactors:
    """Everything that determines how a song sounds, apart from its random melody and noise.

    Levels and shares lie in [0, 1]. `tempo_bpm` counts quarter notes, dotted ones in 6/8.
    """

    duration_seconds: float
    tempo_bpm: float
    metre: str
    key: int
    mode: str
    progression: str
    brightness: float
    odd_share: float
    attack_seconds: float
    decay_seconds: float
    vibrato_cents: float
    percussion: float
    pattern: str
    arpeggio: bool
    density: float
    register: float
    bass: float
    loudness_db: float
    dynamics_db: float
    noise_db: float


class Note(NamedTuple):
    start_seconds: float
    duration_seconds: float
    midi: float
    level: float


class Envelope(Protocol):
    """How the notes of an instrument begin, die away and waver."""

    @property
    def attack_seconds(self) -> float:
        """Rise time of a note."""

    @property
    def decay_seconds(self) -> float:
        """Time in which a held note falls to 1/e."""

    @property
    def vibrato_cents(self) -> float:
        """Depth of the vibrato; 0 for none."""


def midi_to_hz(midi: float) -> float:
    return 440.0 * 2.0 ** ((midi - 69.0) / 12.0)


def synthesise(factors: SongFactors, rng: np.random.Generator) -> np.ndarray:
    """Returns the song as mono float32 audio of shape (samples,) at SAMPLE_RATE_HZ, within [-1, 1].

    `rng` decides the melody and the noise. Raises KeyError for an unknown metre, mode or pattern.
    """
    mix = np.zeros(round(factors.duration_seconds * SAMPLE_RATE_HZ), np.float32)
    tables: dict[float, np.ndarray] = {}
    for note in compose(factors, rng):
        frequency_hz = midi_to_hz(note.midi)
        if note.midi not in tables:
            tables[note.midi] = wavetable(frequency_hz, factors.brightness, factors.odd_share)
        samples = render_note(frequency_hz, note.duration_seconds, tables[note.midi], factors)
        add_at(mix, note.start_seconds, note.level * samples)
    _add_percussion(mix, factors, rng)
    mix *= _gain(np.linspace(0.0, factors.dynamics_db, mix.size, dtype=np.float32))
    mix /= np.abs(mix).max()
    mix += _gain(factors.noise_db) * rng.standard_normal(mix.size, dtype=np.float32)
    return np.clip(mix * np.float32(_gain(factors.loudness_db)), -1.0, 1.0)


def compose(factors: SongFactors, rng: np.random.Generator) -> list[Note]:
    """Returns the chords, bass and melody of the whole song, bar by bar."""
    metre = METRES[factors.metre]
    step_seconds = _step_seconds(factors)
    degrees = [int(degree) - 1 for degree in factors.progression.split("-")]
    notes: list[Note] = []
    position = 0
    for bar, start_seconds in enumerate(_bar_starts(factors)):
        root = degrees[bar % len(degrees)]
        notes += _accompaniment(factors, root, start_seconds)
        notes += _bass(factors, root, start_seconds)
        onsets = [0, *(1 + np.flatnonzero(rng.random(metre.steps_per_bar - 1) < factors.density))]
        for onset, end in zip(onsets, [*onsets[1:], metre.steps_per_bar], strict=True):
            position = _next_degree(position, root, onset == 0, rng)
            notes.append(
                Note(
                    start_seconds + onset * step_seconds,
                    (end - onset) * step_seconds,
                    _degree_to_midi(factors, position),
                    1.0,
                )
            )
    return notes


def wavetable(frequency_hz: float, brightness: float, odd_share: float) -> np.ndarray:
    """Returns one period, float32 of shape (TABLE_SIZE,) with unit RMS, without aliasing.

    `brightness` flattens the harmonic roll-off; `odd_share` = 1 removes the even harmonics.
    """
    n_harmonics = min(MAX_HARMONICS, max(1, int(0.45 * SAMPLE_RATE_HZ / frequency_hz)))
    harmonic = np.arange(1, n_harmonics + 1)
    amplitude = harmonic ** -(3.2 - 2.4 * brightness)
    amplitude[1::2] *= 1.0 - odd_share
    spectrum = np.zeros(TABLE_SIZE // 2 + 1, np.complex128)
    spectrum[harmonic] = -1j * amplitude
    table = np.fft.irfft(spectrum)
    return (table / np.sqrt(np.mean(table**2))).astype(np.float32)


def render_note(
    frequency_hz: float, duration_seconds: float, table: np.ndarray, envelope: Envelope
) -> np.ndarray:
    """Returns one note, float32 of shape (samples,), with the given envelope and vibrato.

    It is `RELEASE_SECONDS` longer than `duration_seconds`, at least 0.
    """
    n_samples = int((duration_seconds + RELEASE_SECONDS) * SAMPLE_RATE_HZ)
    seconds = np.arange(n_samples, dtype=np.float32) / np.float32(SAMPLE_RATE_HZ)
    period = seconds * np.float32(frequency_hz)
    if envelope.vibrato_cents:
        deviation_hz = frequency_hz * (2.0 ** (envelope.vibrato_cents / 1200.0) - 1.0)
        swing = np.sin(np.float32(2.0 * np.pi * VIBRATO_HZ) * seconds)
        period += np.float32(deviation_hz / (2.0 * np.pi * VIBRATO_HZ)) * (1.0 + swing)
    samples = table[(period * TABLE_SIZE).astype(np.int32) & (TABLE_SIZE - 1)]
    samples *= np.exp(seconds * np.float32(-1.0 / envelope.decay_seconds))
    _fade(samples[: int(envelope.attack_seconds * SAMPLE_RATE_HZ)])
    _fade(samples[: n_samples - int(RELEASE_SECONDS * SAMPLE_RATE_HZ) - 1 : -1])
    return samples


def _fade(samples: np.ndarray) -> None:
    samples *= np.linspace(0.0, 1.0, samples.size, endpoint=False, dtype=np.float32)


def _gain(decibel: Level) -> Level:
    return 10.0 ** (decibel / 20.0)


def add_at(mix: np.ndarray, start_seconds: float, samples: np.ndarray) -> None:
    """Adds samples to the mix from a time on, at least 0; what lies beyond its end is dropped."""
    start = int(start_seconds * SAMPLE_RATE_HZ)
    end = min(mix.size, start + samples.size)
    mix[start:end] += samples[: max(0, end - start)]


def _step_seconds(factors: SongFactors) -> float:
    return 60.0 / factors.tempo_bpm / METRES[factors.metre].steps_per_beat


def _bar_starts(factors: SongFactors) -> np.ndarray:
    bar_seconds = _step_seconds(factors) * METRES[factors.metre].steps_per_bar
    return np.arange(0.0, factors.duration_seconds, bar_seconds)


def _degree_to_midi(factors: SongFactors, degree: int) -> float:
    upper = round(factors.register) + 6
    tonic = upper - (upper - factors.key) % 12
    octave, step = divmod(degree, 7)
    return tonic + 12 * octave + SCALES[factors.mode][step]


def _accompaniment(factors: SongFactors, root: int, start_seconds: float) -> Iterator[Note]:
    metre = METRES[factors.metre]
    step_seconds = _step_seconds(factors)
    # An octave below the melody.
    chord = [_degree_to_midi(factors, root + third - 7) for third in (0, 2, 4)]
    if factors.arpeggio:
        for step in range(metre.steps_per_bar):
            yield Note(start_seconds + step * step_seconds, step_seconds, chord[step % 3], 0.6)
        return
    for midi in chord:
        yield Note(start_seconds, metre.steps_per_bar * step_seconds, midi, 0.35)


def _bass(factors: SongFactors, root: int, start_seconds: float) -> Iterator[Note]:
    metre = METRES[factors.metre]
    step_seconds = _step_seconds(factors)
    # The bass ignores the register, as a band's bass does.
    midi = 36 + (_degree_to_midi(factors, root) - 36) % 12
    half_bar = metre.steps_per_bar // 2
    for step in (0, half_bar):
        start = start_seconds + step * step_seconds
        yield Note(start, half_bar * step_seconds, midi, factors.bass)


def _next_degree(position: int, root: int, on_downbeat: bool, rng: np.random.Generator) -> int:
    moved = int(np.clip(position + rng.integers(-2, 3), -4, 7))
    if not on_downbeat:
        return moved
    chord = np.array([root + third + octave for third in (0, 2, 4) for octave in (-7, 0)])
    return int(chord[np.argmin(np.abs(chord - moved))])


def _add_percussion(mix: np.ndarray, factors: SongFactors, rng: np.random.Generator) -> None:
    pattern = PATTERNS[factors.pattern]
    step_seconds = _step_seconds(factors)
    for hits, sound in zip(pattern, (_kick(), _snare(rng), _hat(rng)), strict=True):
        scaled = (factors.percussion * sound).astype(np.float32)
        for bar_seconds in _bar_starts(factors):
            for step in (step for step, hit in enumerate(hits) if hit == "x"):
                add_at(mix, bar_seconds + step * step_seconds, scaled)


def _kick() -> np.ndarray:
    seconds = _seconds(0.2)
    cycles = 50.0 * seconds + 4.0 * (1.0 - np.exp(-30.0 * seconds))
    return 3.0 * np.sin(2.0 * np.pi * cycles) * np.exp(-16.0 * seconds)


def _snare(rng: np.random.Generator) -> np.ndarray:
    seconds = _seconds(0.15)
    return rng.standard_normal(seconds.size) * np.exp(-25.0 * seconds)


def _hat(rng: np.random.Generator) -> np.ndarray:
    seconds = _seconds(0.06)
    # The difference of white noise is high-passed noise.
    return 0.4 * np.diff(rng.standard_normal(seconds.size + 1)) * np.exp(-70.0 * seconds)


def _seconds(duration_seconds: float) -> np.ndarray:
    return np.arange(int(duration_seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
