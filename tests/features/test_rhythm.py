import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from songfiles import mel

from musicvae_jax import features
from musicvae_jax.features import rhythm

CENTRES = features.modulation_centres()


def levels(db, **options):
    return features.rhythm_spectrum(db, **options).reshape(rhythm.N_GROUPS, rhythm.N_FILTERS)


def modulated(hertz, depth=10.0, frames=1292, groups=range(8)):
    """Decibels that swing by `depth` at `hertz` in the wanted groups of bands."""
    db = np.full((8, 16, frames), -40.0)
    seconds = np.arange(frames) * rhythm.HOP_SECONDS
    for group in groups:
        db[group] += depth * np.sin(2 * np.pi * hertz * seconds + 0.3)
    return db.reshape(128, frames).astype(np.float32)


def power(db):
    """Squared decibels under each filter, from the levels."""
    return rhythm.LEAST_DEPTH**2 * (10.0 ** (levels(db).astype(np.float64) / 10.0) - 1.0)


def by_brute_force(db):
    """The definition with a Fourier sum written out, without Welch or an FFT."""
    envelopes = [db[16 * group : 16 * group + 16].mean(axis=0) for group in range(8)]
    length = min(512, db.shape[1])
    frame = np.arange(length)
    window = np.sin(np.pi * frame / length) ** 2 if length > 1 else np.ones(1)
    found = np.zeros((8, 12))
    for group, envelope in enumerate(envelopes):
        hop = length - length * 384 // 512
        starts = range(0, db.shape[1] - length + 1, hop)
        for bin_ in range(1, 257):
            hertz = bin_ / 512 * 22_050 / 512
            wave = np.exp(-2j * np.pi * bin_ / 512 * frame)
            power = 0.0
            for start in starts:
                part = envelope[start : start + length].astype(np.float64)
                total = abs(np.sum(window * (part - part.mean()) * wave)) ** 2
                power += (1 if bin_ == 256 else 2) * total / np.sum(window**2) / 512 / len(starts)
            for place, centre in enumerate(CENTRES):
                distance = abs(np.log2(hertz / centre))
                found[group, place] += max(0.0, 1 - 2 * distance) * power
    return 10 * np.log10(1 + found / rhythm.LEAST_DEPTH**2)


@pytest.mark.parametrize("frames", [1, 2, 3, 60, 512, 700])
def test_the_definition_written_out(frames):
    db = features.mel_db(mel(np.random.default_rng(1), frames), 80.0)
    found = features.rhythm_spectrum(db)
    assert found.shape == (features.N_RHYTHM,) == (96,)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.reshape(8, 12), by_brute_force(db), atol=2e-4)


def test_filters_are_half_an_octave_apart_and_reach_twenty_hertz():
    np.testing.assert_allclose(CENTRES[[0, 2, 11]], [0.3125, 0.625, 14.142], rtol=1e-4)
    np.testing.assert_allclose(np.log2(20.0 / CENTRES[-1]), 0.5, atol=1e-9)


@pytest.mark.parametrize("hertz", [0.4, 1.0, 2.0, 4.7, 12.0])
def test_a_modulation_peaks_at_the_nearest_filter_with_its_depth(hertz):
    found = power(modulated(hertz))
    nearest = np.argmin(abs(np.log2(CENTRES / hertz)))
    assert (found.argmax(axis=1) == nearest).all()
    # The filters add up to 1, and the mean square of a sine is half its squared amplitude.
    np.testing.assert_allclose(found.sum(axis=1), 10.0**2 / 2, rtol=0.03)


def test_two_hertz_is_found_with_another_hop():
    half = levels(modulated(2.0), hop_seconds=rhythm.HOP_SECONDS / 2)
    assert (half.argmax(axis=1) == np.argmin(abs(np.log2(CENTRES / 4.0)))).all()


def test_groups_of_bands_are_apart():
    found = levels(modulated(2.0, groups=[1, 6]))
    assert (found.max(axis=1) > 10.0).tolist() == [group in (1, 6) for group in range(8)]
    np.testing.assert_allclose(found[0], 0.0, atol=1e-6)


@given(level=st.floats(-60, 60), seed=st.integers(0, 99))
def test_loudness_has_no_effect(level, seed):
    db = features.mel_db(mel(np.random.default_rng(seed), 40), 80.0)
    np.testing.assert_allclose(levels(db + np.float32(level)), levels(db), atol=1e-3)


def test_where_the_beats_fall_has_little_effect():
    db = modulated(2.0)
    np.testing.assert_allclose(levels(np.roll(db, 7, axis=1)), levels(db), atol=0.6)


def test_an_octave_of_tempo_is_two_filters_and_five_percent_a_small_step():
    slow, faster, double = (power(modulated(hertz))[0] for hertz in (2.0, 2.1, 4.0))
    np.testing.assert_allclose(double[2:], slow[:-2], atol=1.0)
    assert abs(faster - slow).sum() < 0.3 * slow.sum()
    assert faster.argmax() == slow.argmax()


@pytest.mark.parametrize("frames", [1, 2, 5, 511, 512, 513])
def test_a_constant_envelope_has_no_rhythm(frames):
    db = np.tile(np.linspace(-80.0, 0.0, 128, dtype=np.float32)[:, None], (1, frames))
    np.testing.assert_allclose(levels(db), 0.0, atol=1e-6)


@given(frames=st.integers(1, 30), seed=st.integers(0, 99))
def test_short_mels_are_finite_and_bounded_by_their_range(frames, seed):
    db = np.random.default_rng(seed).uniform(-80.0, 0.0, (128, frames)).astype(np.float32)
    found = levels(db)
    assert np.isfinite(found).all()
    assert (found >= 0.0).all()
    assert found.max() < 10 * np.log10(1 + 80.0**2)


def test_a_short_modulation_peaks_where_a_long_one_does():
    short, long = levels(modulated(4.0, frames=64)), levels(modulated(4.0))
    assert (short.argmax(axis=1) == long.argmax(axis=1)).all()
