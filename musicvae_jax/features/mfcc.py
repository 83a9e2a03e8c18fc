"""Timbre: statistics of mel-frequency cepstral coefficients."""

import numpy as np
from scipy.fft import dct

N_COEFFICIENTS = 20
N_MFCC = 3 * N_COEFFICIENTS


def mfcc_statistics(db: np.ndarray) -> np.ndarray:
    """Mean and standard deviation over time of 20 MFCCs, and that of their first difference.

    The coefficients are the orthonormal DCT-II over the bands, so they are in decibels: 1 dB of
    independent noise in every band is 1 dB in every coefficient. Coefficient 0 is the overall
    level; the others describe the spectral envelope, from its slope to ever finer ripples.

    Args:
        db: mel spectrogram in decibels, `[128, frames]`, at least one frame.

    Returns:
        float32 `[60]`: 20 means, 20 standard deviations over frames, and 20 standard deviations of
        the change from one frame to the next, 0 for a single frame.

    References:
        Davis and Mermelstein, Comparison of Parametric Representations for Monosyllabic Word
        Recognition, 1980; Logan, Mel Frequency Cepstral Coefficients for Music Modeling, 2000.
    """
    mfcc = dct(db, axis=0, norm="ortho")[:N_COEFFICIENTS]
    # A single frame has no change, and NumPy's standard deviation of nothing is NaN.
    change = np.diff(mfcc, axis=1) if mfcc.shape[1] > 1 else np.zeros_like(mfcc)
    statistics = [mfcc.mean(axis=1), mfcc.std(axis=1), change.std(axis=1)]
    return np.concatenate(statistics).astype(np.float32)
