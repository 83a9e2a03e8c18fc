"""Audio to the power mel spectrograms of 4MuLA."""

from functools import cache

import numpy as np

from musicvae_jax.songs.mels import MEL_BANDS

SAMPLE_RATE_HZ = 22_050
HOP_SAMPLES = 512
WINDOW_SAMPLES = 2048
# So many windows take 4 MB in double precision.
_FRAMES_AT_ONCE = 256


def power_mel(audio: np.ndarray) -> np.ndarray:
    """The mel spectrogram of audio, with the settings of 4MuLA.

    The same audio gives the same bytes on the same machine.

    Args:
        audio: mono, floating point, at `SAMPLE_RATE_HZ`, shape `[samples]`; finite.

    Returns:
        Power, not decibels, at least 0, float32 `[128, 1 + samples // 512]`; frame `i` is centred
        on sample `512 * i`, and beyond the ends of the audio is silence.

    Raises:
        ValueError: the audio is empty, not finite or not floating point.

    Example:
        >>> power_mel(np.zeros(22_050, np.float32)).shape
        (128, 44)

    References:
        Silva et al., 4MuLA: a multitask, multimodal, and multilingual dataset of music lyrics and
        audio features, 2020. The spectrogram is librosa's.
    """
    if not len(audio) or not np.issubdtype(audio.dtype, np.floating):
        raise ValueError(f"audio: got {len(audio)} samples, {audio.dtype}, expected some floats")
    if not np.isfinite(audio).all():
        raise ValueError("audio: got NaN or infinity, expected finite samples")
    from scipy.signal.windows import hann
    from threadpoolctl import threadpool_limits

    # librosa.feature.melspectrogram is the same in one call, but in a new environment numba first
    # compiles for fifteen seconds what is not used here.
    padded = np.pad(audio, WINDOW_SAMPLES // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SAMPLES)[::HOP_SAMPLES]
    window, kind = hann(WINDOW_SAMPLES, sym=False), np.result_type(audio, np.complex64)
    parts = (frames[i : i + _FRAMES_AT_ONCE] for i in range(0, len(frames), _FRAMES_AT_ONCE))
    spectra = [np.fft.rfft(part * window).astype(kind) for part in parts]
    magnitude = np.abs(np.concatenate(spectra).T)
    # With more BLAS threads the sums, and so the bytes, would differ. One is also faster.
    with threadpool_limits(limits=1, user_api="blas"):
        mel = _mel_filters() @ magnitude**2
    return mel.astype(np.float32, copy=False)


@cache
def _mel_filters() -> np.ndarray:
    """The weight of every frequency in every band, `[128, 1025]`."""
    from librosa.filters import mel

    return mel(sr=SAMPLE_RATE_HZ, n_fft=WINDOW_SAMPLES, n_mels=MEL_BANDS)


def round_mantissa(mel: np.ndarray) -> np.ndarray:
    """Power with 5 of the 23 bits of its mantissa, which halves the size of a file.

    Args:
        mel: float32, finite, any shape; in C order.

    Returns:
        float32, the same shape; the error is at most 1/64 of the value, 0.07 dB.

    Example:
        >>> round_mantissa(np.array([1.0, 100.0], np.float32))
        array([  1., 100.], dtype=float32)
        >>> round_mantissa(np.array([0.3], np.float32))
        array([0.296875], dtype=float32)
    """
    # Two of the four bytes are then zero, which compresses to nothing.
    bits = mel.view(np.uint32) + np.uint32(1 << 17)
    return (bits & ~np.uint32((1 << 18) - 1)).view(np.float32)
