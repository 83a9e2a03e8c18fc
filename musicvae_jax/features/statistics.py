"""Mel statistics: how loud each band is, and how much that varies."""

import numpy as np

from musicvae_jax.songs import MEL_BANDS

N_STATISTICS = 4 * MEL_BANDS


def mel_statistics(db: np.ndarray) -> np.ndarray:
    """Mean, standard deviation, minimum and maximum over time of each mel band, in decibels.

    Args:
        db: mel spectrogram in decibels, `[128, frames]`, at least one frame.

    Returns:
        float32 `[512]`: 128 means, then 128 standard deviations, minima and maxima each.
    """
    mean = db.mean(axis=1, keepdims=True)
    deviation = db.std(axis=1, mean=mean)
    return np.concatenate([mean[:, 0], deviation, db.min(axis=1), db.max(axis=1)])
