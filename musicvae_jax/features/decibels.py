"""Power in decibels."""

import numpy as np


def mel_db(mel: np.ndarray, db_range: float) -> np.ndarray:
    """Power in decibels relative to the spectrogram's loudest cell.

    Args:
        mel: power, `[bands, frames]`, at least 0, and above 0 in at least one cell.
        db_range: values this many decibels below the maximum are clipped; at most 300.

    Returns:
        float32 `[bands, frames]` in `[-db_range, 0]`.
    """
    floor = np.float32(10.0 ** (-db_range / 10.0))
    # In one array, which stays in the processor's cache.
    db = mel / mel.max()
    # Clip before the logarithm, which must not see zeros.
    np.maximum(db, floor, out=db)
    np.log10(db, out=db)
    db *= 10.0
    return db
