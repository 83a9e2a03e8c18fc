"""Power in decibels."""

import numpy as np


def mel_db(mel: np.ndarray, db_range: float) -> np.ndarray:
    """Power in decibels relative to the spectrogram's loudest cell.

    Args:
        mel: power, `[bands, frames]`, at least 0, somewhere above 0.
        db_range: decibels below the maximum at which values are clipped, at most 300.

    Returns:
        float32 `[bands, frames]` in `[-db_range, 0]`.
    """
    # Clipping before the logarithm keeps zeros out of it.
    floor = np.float32(10.0 ** (-db_range / 10.0))
    return 10.0 * np.log10(np.maximum(mel / mel.max(), floor))
