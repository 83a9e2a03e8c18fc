"""Samples that stand for all songs where there are too many."""

from collections.abc import Callable, Iterator

import numpy as np

from musicvae_jax.clustering.result import Clustering

# Songs processed at a time where a table of all of them against others would not fit in memory.
BLOCK = 4096


def song_blocks(n_songs: int) -> Iterator[slice]:
    """Slices of at most `BLOCK` songs each that together are all of them."""
    from sklearn.utils import gen_batches

    return gen_batches(n_songs, BLOCK)


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


def cluster_sample(
    x: np.ndarray, exact_songs: int, seed: int, cluster: Callable[[np.ndarray], Clustering]
) -> Clustering:
    """Clusters up to `exact_songs` songs, or a sample of that many, which the others then join.

    Each other song goes where its nearest sampled song is, noise included.

    Args:
        x: points, `[songs, dimensions]`.
        exact_songs: size of the sample.
        seed: of the sample.
        cluster: clusters the points of all songs, or of the sampled ones.
    """
    if len(x) <= exact_songs:
        return cluster(x)
    places = sample_songs(len(x), exact_songs, seed)
    found = cluster(x[places])
    labels = found.labels[_nearest(x, x[places])]
    # Among identical songs, the nearest may be a different one.
    labels[places] = found.labels
    return found._replace(labels=labels, approximation=sample_text(len(places)))


def _nearest(x: np.ndarray, sampled: np.ndarray) -> np.ndarray:
    """Of each song the nearest sampled song, `[songs]`."""
    from sklearn.metrics import pairwise_distances_argmin

    points = np.asarray(sampled, np.float64)
    blocks = (np.asarray(x[block], np.float64) for block in song_blocks(len(x)))
    return np.concatenate([pairwise_distances_argmin(block, points) for block in blocks])
