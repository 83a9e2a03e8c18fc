"""Audio to power mel spectrograms: closed forms."""

import numpy as np
import pytest
from librosa import mel_frequencies
from librosa.feature import melspectrogram

from musicvae_jax.songs.power_mel import HOP_SAMPLES, SAMPLE_RATE_HZ, power_mel, round_mantissa


def tone(frequency_hz, n_samples=SAMPLE_RATE_HZ, level=1.0):
    phase = 2 * np.pi * frequency_hz / SAMPLE_RATE_HZ * np.arange(n_samples)
    return (level * np.sin(phase)).astype(np.float32)


@pytest.mark.parametrize("n_samples", [2048, 2559, 2560, 20_000])
def test_a_frame_every_hop(n_samples):
    mel = power_mel(tone(440.0, n_samples))
    assert mel.shape == (128, 1 + n_samples // HOP_SAMPLES)
    assert mel.dtype == np.float32
    assert mel.min() >= 0


def test_thirty_seconds_have_the_frames_of_4mula():
    assert power_mel(np.zeros(30 * SAMPLE_RATE_HZ, np.float32)).shape == (128, 1292)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_samples", [2048, 20_000, 300_000])
def test_the_spectrogram_is_that_of_librosa(n_samples, dtype):
    noise = np.random.default_rng(0).normal(size=n_samples).astype(dtype)
    expected = melspectrogram(y=noise, sr=SAMPLE_RATE_HZ, n_fft=2048, hop_length=HOP_SAMPLES)
    # The sums over frequencies may be in another order.
    np.testing.assert_allclose(power_mel(noise), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "audio", [np.zeros(0, np.float32), np.full(4096, np.nan), np.zeros(4096, int)]
)
def test_what_is_no_audio_is_refused(audio):
    with pytest.raises(ValueError, match="expected"):
        power_mel(audio)


@pytest.mark.parametrize("frequency_hz", [300.0, 1000.0, 5000.0])
def test_a_tone_is_in_its_band(frequency_hz):
    centres_hz = mel_frequencies(130, fmin=0.0, fmax=SAMPLE_RATE_HZ / 2)[1:-1]
    loudest = power_mel(tone(frequency_hz))[:, 20].argmax()
    assert abs(centres_hz - frequency_hz).argsort().tolist().index(loudest) < 2


def test_power_grows_with_the_square_of_the_level():
    loud, quiet = power_mel(tone(440.0)), power_mel(tone(440.0, level=0.1))
    np.testing.assert_allclose(quiet[:60, 20], loud[:60, 20] / 100, rtol=0.01)


def test_audio_in_double_precision_gives_the_same_type():
    assert power_mel(tone(440.0).astype(np.float64)).dtype == np.float32


def test_rounding_is_to_the_nearest():
    values = np.random.default_rng(0).lognormal(sigma=9.0, size=10_000).astype(np.float32)
    relative = round_mantissa(values) / values - 1
    assert np.abs(relative).max() <= 2.0**-6
    assert abs(relative.mean()) < 1e-3
