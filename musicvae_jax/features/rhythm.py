"""Rhythm: how strongly and how fast the level of eight groups of mel bands fluctuates."""

import numpy as np
import scipy

HOP_SECONDS = 512 / 22_050  # Between frames: librosa's and 4MuLA's hop and sampling rate.
N_GROUPS = 8  # Groups of neighbouring mel bands, all of the same size.
FILTERS_PER_OCTAVE = 2
N_FILTERS = 12
LOWEST_HZ = 0.3125  # Centre of the slowest filter; the fastest reaches up to 20 Hz.
SEGMENT_FRAMES = 512  # 11.9 s: nearly four periods of the slowest filter's centre.
SEGMENT_OVERLAP = 384
LEAST_DEPTH = 1.0  # Decibels (root mean square); about the smallest audible change of level.
N_RHYTHM = N_GROUPS * N_FILTERS


def modulation_centres() -> np.ndarray:
    """Centre frequencies of the modulation filters, `[12]`, in hertz, half an octave apart:
    0.31 .. 14.1 Hz, or 19 .. 849 beats per minute."""
    return LOWEST_HZ * 2.0 ** (np.arange(N_FILTERS) / FILTERS_PER_OCTAVE)


def rhythm_spectrum(db: np.ndarray, hop_seconds: float = HOP_SECONDS) -> np.ndarray:
    """Modulation spectrum of eight mel-band envelopes through smooth, log-spaced filters.

    An envelope is the mean level of 16 neighbouring bands. Its power spectrum (Welch, Hann
    segments of 512 frames, each minus its mean) is in squared decibels. It is summed under filters
    that are triangles over the logarithm of frequency and add up to 1. A change of tempo therefore
    shifts the spectrum along the filters, a small change by little. The position of the beats and
    the overall level have no effect.

    A power P is returned as `10 log10(1 + P / LEAST_DEPTH**2)`: 0 for a constant envelope, and
    about the level of the modulation, in decibels, for an audible one.

    An envelope shorter than a segment is padded with zeros to one segment: the spectrum keeps its
    frequencies and its total power, and its peaks get broader. At the end of a longer one, less
    than a quarter of a segment may be ignored.

    Args:
        db: mel spectrogram in decibels, `[128, frames]`, at least one frame.
        hop_seconds: time from one frame to the next, in seconds.

    Returns:
        float32 `[96]`, at least 0: 12 filters from slow to fast for each group of bands, lowest
        bands first.

    References:
        Pampalk, Rauber and Merkl, Content-based Organization and Visualization of Music Archives,
        2002 (fluctuation patterns); McKinney and Breebaart, Features for Audio and Music
        Classification, 2003 (modulation energies of band envelopes); Grosche, Müller and Kurth,
        Cyclic Tempogram, 2010 (logarithmic tempo axis); Welch, The Use of Fast Fourier Transform
        for the Estimation of Power Spectra, 1967.
    """
    envelopes = db.reshape(N_GROUPS, -1, db.shape[1]).mean(axis=1)
    segment = min(SEGMENT_FRAMES, envelopes.shape[1])
    frequencies, density = scipy.signal.welch(
        envelopes,
        fs=1.0 / hop_seconds,
        window="hann",
        nperseg=segment,
        noverlap=SEGMENT_OVERLAP * segment // SEGMENT_FRAMES,
        nfft=SEGMENT_FRAMES,
        detrend="constant",
    )
    power = density @ _filters(frequencies).T * frequencies[1]
    levels = 10.0 * np.log10(1.0 + power / LEAST_DEPTH**2)
    return levels.ravel().astype(np.float32)


def _filters(frequencies: np.ndarray) -> np.ndarray:
    """Weights `[12, frequencies]` of frequencies in hertz, at least 0; the weight of 0 Hz is 0."""
    octaves = np.log2(np.maximum(frequencies, np.finfo(float).tiny) / LOWEST_HZ)
    places = FILTERS_PER_OCTAVE * octaves - np.arange(N_FILTERS)[:, None]
    return np.maximum(0.0, 1.0 - np.abs(places))
