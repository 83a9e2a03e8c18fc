"""A score becomes notes, timbres and words: closed forms on small scores made in memory."""

import numpy as np
import pytest
from music21 import chord, harmony, instrument, interval, metadata, meter, note, stream, tempo, tie
from music21.bar import Repeat
from music21.duration import Duration

from musicvae_jax.songs.scores.lyrics import read_lyrics
from musicvae_jax.songs.scores.notes import (
    ScoreNote,
    Tempo,
    end_seconds,
    read_notes,
    with_repeats,
)
from musicvae_jax.songs.scores.timbres import TIMBRES, timbre_of


def part_of(*elements, name=""):
    part = stream.Part()
    part.partName = name
    for element in elements:
        part.append(element)
    return part


def score_of(*parts):
    score = stream.Score([metadata.Metadata()])
    for part in parts:
        score.insert(0, part)
    return score


def quarter(pitch, length=1.0, **options):
    return note.Note(pitch, quarterLength=length, **options)


def tied(pitch, kind):
    one = quarter(pitch)
    one.tie = tie.Tie(kind)
    return one


def sung(*syllables, verse=1):
    """A part of quarter notes with one syllable each; "-" after one joins it to the next."""
    part = stream.Part()
    for syllable in syllables:
        one = quarter("C4")
        one.lyrics = [note.Lyric(syllable, number=verse)]
        part.append(one)
    return part


def read(*elements):
    return read_notes(score_of(part_of(*elements)), "keys")


def test_notes_come_at_120_quarters_a_minute_by_default():
    assert read(quarter("C4"), note.Rest(quarterLength=2), quarter("A4", 0.5)) == [
        ScoreNote(0.0, 0.5, 60.0, "keys"),
        ScoreNote(1.5, 0.25, 69.0, "keys"),
    ]


def test_tempo_marks_hold_until_the_next():
    notes = read(
        tempo.MetronomeMark(number=60),
        quarter("C4"),
        tempo.MetronomeMark(number=60, referent=Duration(2.0)),
        quarter("D4"),
        quarter("E4"),
    )
    assert [one.start_seconds for one in notes] == [0.0, 1.0, 1.5]
    assert [one.duration_seconds for one in notes] == [1.0, 0.5, 0.5]


def test_a_tempo_mark_without_a_number_says_nothing():
    assert read(tempo.MetronomeMark("with fire"), quarter("C4"))[0].duration_seconds == 0.5


def test_a_note_over_a_tempo_change_is_as_long_as_both_parts():
    slow = stream.Part([quarter("C4", 4.0)])
    slow.insert(0.0, tempo.MetronomeMark(number=60))
    slow.insert(2.0, tempo.MetronomeMark(number=120))
    assert read_notes(score_of(slow), "keys") == [ScoreNote(0.0, 3.0, 60.0, "keys")]


def test_seconds_agree_with_summing_small_steps():
    changes = Tempo(np.array([0.0, 3.0, 7.5]), np.array([90.0, 40.0, 200.0]))
    step = 1e-3
    at = (np.arange(0.0, 12.0, step) + step / 2)[:, None]
    bpm = changes.bpm[(at >= changes.starts).sum(axis=1) - 1]
    assert changes.seconds(12.0) == pytest.approx(np.sum(step * 60.0 / bpm), rel=1e-6)


def test_tied_notes_are_one():
    notes = read(tied("C4", "start"), tied("C4", "continue"), tied("C4", "stop"), quarter("C4"))
    assert notes == [ScoreNote(0.0, 1.5, 60.0, "keys"), ScoreNote(1.5, 0.5, 60.0, "keys")]


def test_a_tie_that_leads_nowhere_is_a_note():
    assert len(read(tied("C4", "start"), quarter("D4"), tied("C4", "stop"))) == 3


def test_chords_sound_whole_and_may_be_tied_in_part():
    first, second = (chord.Chord(["C4", "E4"], quarterLength=1.0) for _ in range(2))
    first.notes[0].tie, second.notes[0].tie = tie.Tie("start"), tie.Tie("stop")
    assert read(first, second) == [
        ScoreNote(0.0, 0.5, 64.0, "keys"),
        ScoreNote(0.0, 1.0, 60.0, "keys"),
        ScoreNote(0.5, 0.5, 64.0, "keys"),
    ]


def test_grace_notes_chord_symbols_and_drums_do_not_sound():
    symbol = harmony.ChordSymbol("C", quarterLength=1.0)
    drum = note.Unpitched(quarterLength=1.0)
    notes = read(quarter("C4").getGrace(), symbol, drum, quarter("D4"))
    assert [one.midi for one in notes] == [62.0]


def test_parts_sound_together():
    score = score_of(part_of(quarter("C5")), part_of(quarter("C3")))
    assert [(one.start_seconds, one.midi) for one in read_notes(score, "keys")] == [
        (0.0, 48.0),
        (0.0, 72.0),
    ]


def test_transposing_instruments_sound_where_they_sound():
    score = score_of(part_of(instrument.Clarinet(), quarter("C4")))
    score.atSoundingPitch = False
    assert read_notes(score, "keys") == [ScoreNote(0.0, 0.5, 58.0, "woodwind")]


def test_tenors_are_not_moved_by_the_octave_that_their_clef_has():
    tenor = instrument.Instrument("Tenor")
    tenor.transposition = interval.Interval("P-8")
    score = score_of(part_of(tenor, quarter("C4")))
    score.atSoundingPitch = False
    assert read_notes(score, "voice")[0].midi == 60.0


def test_repeats_are_played():
    measures = [stream.Measure([quarter(pitch, 4.0)]) for pitch in ("C4", "D4")]
    measures[0].rightBarline = Repeat(direction="end")
    measures[0].insert(0, meter.TimeSignature("4/4"))
    played = with_repeats(score_of(part_of(*measures)))
    assert [one.midi for one in read_notes(played, "keys")] == [60.0, 60.0, 62.0]


def test_repeats_that_make_no_sense_are_not():
    measures = [stream.Measure([quarter("C4", 4.0)]), stream.Measure([quarter("D4", 4.0)])]
    for measure in measures:
        measure.leftBarline = Repeat(direction="start")
    score = score_of(part_of(*measures))
    assert with_repeats(score) is score


def test_the_end_is_that_of_the_last_note_to_end():
    notes = [ScoreNote(0.0, 9.0, 60.0, "keys"), ScoreNote(4.0, 1.0, 60.0, "keys")]
    assert end_seconds(notes) == 9.0
    assert end_seconds([]) == 0.0


@pytest.mark.parametrize(
    ("name", "played_by", "timbre"),
    [
        ("Violin 1", None, "bowed"),
        ("Violoncello", instrument.Piano(), "bowed"),
        ("Canto", instrument.Piano(), "voice"),
        ("Tenor II", None, "voice"),
        ("Klarinette", None, "woodwind"),
        ("Horn 2", None, "brass"),
        ("MusicXML Part", instrument.Piano(), "keys"),
        ("MusicXML Part", instrument.Guitar(), "plucked"),
        ("", instrument.Soprano(), "voice"),
        ("Ct", None, "brass"),
        ("", None, "brass"),
    ],
)
def test_the_name_decides_then_the_instrument_then_the_default(name, played_by, timbre):
    elements = [quarter("C4")] if played_by is None else [played_by, quarter("C4")]
    assert timbre_of(part_of(*elements, name=name), "brass") == timbre
    assert timbre in TIMBRES


def test_a_part_with_words_is_sung():
    part = sung("la")
    part.partName = "Piano"
    part.insert(0, instrument.Piano())
    assert timbre_of(part, "keys") == "voice"


def test_syllables_are_joined_to_words():
    assert read_lyrics(score_of(sung("Ky-", "-ri-", "-e", "e-", "-lei-", "-son."))) == (
        "Kyrie eleison."
    )


def test_verses_are_lines():
    part = sung("one", "two")
    for one, word in zip(part.notes, ("three", "four"), strict=True):
        one.lyrics = [*one.lyrics, note.Lyric(word, number=2)]
    assert read_lyrics(score_of(part)) == "one two\nthree four"


def test_a_note_may_have_the_second_verse_only():
    assert read_lyrics(score_of(sung("one", "two", verse=2))) == "one two"


def test_a_word_without_an_end_is_kept():
    assert read_lyrics(score_of(sung("Glo-", "-ri-"))) == "Glori"


def test_held_syllables_are_no_words():
    assert read_lyrics(score_of(sung("sol", "_", "la"))) == "sol la"


def test_two_syllables_on_one_note_are_one_word_or_two():
    part = sung("la", "del")
    composite = note.Lyric()
    composite.components = [
        note.Lyric("don", syllabic="single"),
        note.Lyric("na", syllabic="begin"),
    ]
    composite.components[1].elisionBefore = " "
    part.notes[0].lyrics = [composite]
    assert read_lyrics(score_of(part)) == "don nadel"


def test_the_part_with_most_words_is_taken():
    assert (
        read_lyrics(score_of(sung("ah"), sung("a", "whole", "line"), part_of())) == "a whole line"
    )


def test_marks_of_print_are_removed():
    assert read_lyrics(score_of(sung("che\u035cignu-", "-da", "so\u00ad", "nunc\u203fet"))) == (
        "che ignuda so nunc et"
    )


def test_without_words_there_are_none():
    assert read_lyrics(score_of(part_of(quarter("C4")))) is None
