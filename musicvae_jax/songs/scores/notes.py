"""A score as notes in seconds: tempo marks, ties, repeats, instruments."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from musicvae_jax.songs.scores.timbres import timbre_of

if TYPE_CHECKING:
    from music21.stream import Part, Score

# Quarter notes per minute where a score has no tempo, as in MIDI; the same for all genres.
DEFAULT_TEMPO_BPM = 120.0


class ScoreNote(NamedTuple):
    """A sounding note; `timbre` is a key of `TIMBRES`."""

    start_seconds: float
    duration_seconds: float
    midi: float
    timbre: str


class Tempo(NamedTuple):
    """Tempo changes: `bpm[i]` quarter notes per minute from quarter note `starts[i]` on.

    `starts` ascend from 0; both `[changes]`.
    """

    starts: np.ndarray
    bpm: np.ndarray

    def seconds(self, quarters: float) -> float:
        """The time at which a position of the score is played.

        Example:
            >>> Tempo(np.array([0.0, 4.0]), np.array([60.0, 120.0])).seconds(6.0)
            5.0
        """
        ends = np.append(self.starts[1:], np.inf)
        within = np.clip(quarters, self.starts, ends) - self.starts
        return float(np.sum(within * 60.0 / self.bpm))


def read_notes(score: "Score", default_timbre: str) -> list[ScoreNote]:
    """All notes of a score, by time, then pitch.

    Tempo marks with a number are honoured; dynamics, articulation, grace notes, chord symbols and
    unpitched percussion are not. Tied notes are one.

    Args:
        score: of music21; parts of transposing instruments are brought to their sound.
        default_timbre: for parts that name no instrument.
    """
    parts = [
        (_as_sounding(part).flatten(), timbre_of(part, default_timbre)) for part in score.parts
    ]
    tempo = _tempo(part for part, _ in parts)
    notes = [
        ScoreNote(start, tempo.seconds(end_quarters) - start, midi, timbre)
        for part, timbre in parts
        for start_quarters, end_quarters, midi in _sounding(part)
        for start in (tempo.seconds(start_quarters),)
    ]
    return sorted(notes)


def end_seconds(notes: Iterable[ScoreNote]) -> float:
    """When the last note ends; 0 without notes."""
    return max((note.start_seconds + note.duration_seconds for note in notes), default=0.0)


def with_repeats(score: "Score") -> "Score":
    """The score as it is played; unchanged where its repeat signs do not make sense to music21."""
    from music21.repeat import ExpanderException

    try:
        return score.expandRepeats()
    except ExpanderException:
        return score


def _as_sounding(part: "Part") -> "Part":
    # A whole octave is in this corpus the tenor's, whose pitches stand as they sound: the clef
    # says it a second time.
    interval = part.getInstrument().transposition
    return part.toSoundingPitch() if interval and interval.semitones % 12 else part


def _tempo(parts: Iterable["Part"]) -> Tempo:
    from music21.tempo import MetronomeMark

    changes = {0.0: DEFAULT_TEMPO_BPM}
    for part in parts:
        for mark in part.getElementsByClass(MetronomeMark):
            bpm = mark.getQuarterBPM()
            if bpm:
                changes[float(mark.offset)] = float(bpm)
    starts = sorted(changes)
    return Tempo(np.array(starts), np.array([changes[start] for start in starts]))


def _sounding(part: "Part") -> list[tuple[float, float, float]]:
    """Start and end in quarter notes, and MIDI pitch, of the notes of a flat part."""
    from music21.harmony import Harmony

    sounding: list[tuple[float, float, float]] = []
    # By pitch, the place of a note that is tied to the next.
    tied: dict[float, int] = {}
    for element in part.notes:
        start, length = float(element.offset), float(element.duration.quarterLength)
        if length == 0 or isinstance(element, Harmony):
            continue
        for note in getattr(element, "notes", (element,)):
            if not hasattr(note, "pitch"):
                continue
            midi = float(note.pitch.ps)
            tie = note.tie.type if note.tie else None
            place = tied.pop(midi, None) if tie in ("continue", "stop") else None
            if place is not None and sounding[place][1] == start:
                sounding[place] = (sounding[place][0], start + length, midi)
            else:
                place = len(sounding)
                sounding.append((start, start + length, midi))
            if tie in ("start", "continue"):
                tied[midi] = place
    return sounding
