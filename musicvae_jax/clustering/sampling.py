"""What stands for all songs where they are too many."""

import numpy as np

# So many songs at a time are taken where a table of all of them against others would not fit.
BLOCK = 4096


def sample_songs(n_songs: int, size: int, seed: int) -> np.ndarray:
    """Places of `size` songs out of `n_songs`, `[size]`, rising and none twice.

    All of them where there are not so many.
    """
    if n_songs <= size:
        return np.arange(n_songs)
    return np.sort(np.random.default_rng(seed).choice(n_songs, size, replace=False))


def sample_text(size: int) -> str:
    """What a reader is told of a sample."""
    return f"a sample of {size:,} songs"
