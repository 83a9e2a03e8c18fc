"""Samples that stand for all songs where there are too many."""

import numpy as np

# Songs processed at a time where a table of all of them against others would not fit in memory.
BLOCK = 4096


def sample_songs(n_songs: int, size: int, seed: int) -> np.ndarray:
    """Places of `size` songs out of `n_songs`, `[size]`, ascending and without repeats.

    All songs if there are at most `size`.
    """
    if n_songs <= size:
        return np.arange(n_songs)
    return np.sort(np.random.default_rng(seed).choice(n_songs, size, replace=False))


def sample_text(size: int) -> str:
    """How a note describes a sample."""
    return f"a sample of {size:,} songs"
