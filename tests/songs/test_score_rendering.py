"""Notes become audio: lengths, levels and pitches in closed form."""

import time

import numpy as np
import pytest

from musicvae_jax.songs.power_mel import SAMPLE_RATE_HZ
from musicvae_jax.songs.scores.notes import ScoreNote
from musicvae_jax.songs.scores.performance import excerpt_of, render
from musicvae_jax.songs.scores.timbres import TIMBRES
from musicvae_jax.songs.scores.time_limit import time_limit
from musicvae_jax.songs.synthesis import midi_to_hz


def notes_every_second(n_notes, length=1.0):
    return [ScoreNote(float(i), length, 60.0 + i % 12, "keys") for i in range(n_notes)]


def test_a_short_piece_is_its_own_excerpt():
    notes = notes_every_second(10)
    assert excerpt_of(notes) == (notes, 10.0)


@pytest.mark.parametrize(("n_seconds", "first"), [(31, 0.5), (50, 10.0), (200, 85.0)])
def test_a_long_piece_gives_its_middle(n_seconds, first):
    heard, length = excerpt_of(notes_every_second(n_seconds))
    assert length == 30.0
    assert sum(note.duration_seconds for note in heard) == pytest.approx(30.0)
    assert heard[0].start_seconds == 0.0
    assert heard[0].midi == 60.0 + int(first) % 12
    assert heard[0].duration_seconds == 1.0 - first % 1


def test_a_long_rest_in_the_middle_is_silence():
    notes = [ScoreNote(0.0, 1.0, 60.0, "keys"), ScoreNote(99.0, 1.0, 60.0, "keys")]
    assert excerpt_of(notes) == ([], 30.0)


@pytest.mark.parametrize("timbre", TIMBRES)
def test_the_length_is_exact_and_the_peak_is_fixed(timbre):
    audio = render([ScoreNote(0.5, 2.0, 57.0, timbre)], 3.0)
    assert audio.dtype == np.float32
    assert audio.shape == (3 * SAMPLE_RATE_HZ,)
    assert np.abs(audio).max() == pytest.approx(0.9, rel=1e-6)


def test_nothing_sounds_before_the_first_note_or_after_the_last():
    audio = render([ScoreNote(1.0, 1.0, 60.0, "bowed")], 4.0)
    # The release of the last note is 0.04 s.
    assert not audio[:SAMPLE_RATE_HZ].any()
    assert not audio[int(2.05 * SAMPLE_RATE_HZ) :].any()
    assert audio[SAMPLE_RATE_HZ : 2 * SAMPLE_RATE_HZ].any()


@pytest.mark.parametrize("midi", [45.0, 69.0, 76.0])
@pytest.mark.parametrize("timbre", ["voice", "woodwind"])
def test_a_note_has_its_pitch(midi, timbre):
    audio = render([ScoreNote(0.0, 1.0, midi, timbre)], 1.0)
    peak_hz = np.argmax(np.abs(np.fft.rfft(audio))) * SAMPLE_RATE_HZ / audio.size
    # Vibrato of 25 cents spreads the peak.
    assert abs(1200 * np.log2(peak_hz / midi_to_hz(midi))) < 40


def test_the_excerpt_of_two_voices_is_their_sum():
    low, high = (ScoreNote(0.0, 1.0, midi, "bowed") for midi in (48.0, 60.0))
    both = render([low, high], 1.0)
    alone = [render([note], 1.0).astype(np.float64) for note in (low, high)]
    weights, residual, *_ = np.linalg.lstsq(np.array(alone).T, both.astype(np.float64))
    assert residual[0] < 1e-6
    assert (weights > 0).all()


def test_an_unending_block_ends():
    start = time.monotonic()
    with pytest.raises(TimeoutError, match=r"took longer than 0.05 s"), time_limit(0.05):
        while True:
            pass
    assert time.monotonic() - start < 5


def test_a_block_in_time_is_left_alone():
    with time_limit(0.2):
        pass
    time.sleep(0.3)
