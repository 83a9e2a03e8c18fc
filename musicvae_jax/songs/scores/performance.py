"""Notes to audio: an excerpt of a piece, synthesised."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from musicvae_jax.songs.power_mel import SAMPLE_RATE_HZ
from musicvae_jax.songs.scores.notes import ScoreNote, end_seconds
from musicvae_jax.songs.scores.timbres import TIMBRES
from musicvae_jax.songs.synthesis import add_at, midi_to_hz, render_note, wavetable

EXCERPT_SECONDS = 30.0
SHORTEST_SECONDS = 5.0
_PEAK = 0.9


def excerpt_of(notes: Sequence[ScoreNote]) -> tuple[list[ScoreNote], float]:
    """The middle 30 s of a piece, or all of it if it is shorter.

    Args:
        notes: of the whole piece.

    Returns:
        The notes that sound in the excerpt, cut to it, in seconds from its start; and its length
        in seconds, at most 30.

    Example:
        >>> notes = [ScoreNote(0.0, 100.0, 60.0, "keys"), ScoreNote(80.0, 20.0, 64.0, "keys")]
        >>> excerpt_of(notes)
        ([ScoreNote(start_seconds=0.0, duration_seconds=30.0, midi=60.0, timbre='keys')], 30.0)
    """
    total = end_seconds(notes)
    length = min(total, EXCERPT_SECONDS)
    first = (total - length) / 2
    cut = []
    for note in notes:
        start = max(note.start_seconds - first, 0.0)
        end = min(note.start_seconds + note.duration_seconds - first, length)
        if end > start:
            cut.append(note._replace(start_seconds=start, duration_seconds=end - start))
    return cut, length


def render(notes: Sequence[ScoreNote], length_seconds: float) -> np.ndarray:
    """The notes as audio; all are equally loud, whatever plays them.

    Args:
        notes: at least one.
        length_seconds: above 0; what sounds after it is cut.

    Returns:
        Mono float32 `[samples]` at 22,050 Hz, its peak at 0.9 of full scale.
    """
    mix = np.zeros(round(length_seconds * SAMPLE_RATE_HZ), np.float32)
    for note in notes:
        timbre = TIMBRES[note.timbre]
        samples = render_note(
            midi_to_hz(note.midi), note.duration_seconds, _table(note.midi, note.timbre), timbre
        )
        add_at(mix, note.start_seconds, samples)
    return mix * np.float32(_PEAK / np.abs(mix).max())


@cache
def _table(midi: float, timbre: str) -> np.ndarray:
    return wavetable(midi_to_hz(midi), TIMBRES[timbre].brightness, TIMBRES[timbre].odd_share)
