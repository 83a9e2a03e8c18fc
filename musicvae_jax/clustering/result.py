"""What every clusterer returns."""

from hashlib import blake2b
from typing import NamedTuple

import numpy as np

NOISE = -1


class Clustering(NamedTuple):
    """Songs in clusters.

    Attributes:
        labels: cluster numbers, `[songs]`, from 0; `NOISE` for songs in no cluster.
        eps: the radius that DBSCAN used, in the units of the points; NaN elsewhere.
        note: what a reader of the scores must know, "" if there is nothing.
        approximation: what was done because there are many songs, "" if nothing was.
        centres: centre of each cluster, `[clusters, dimensions]`, to the nearest of which every
            song belongs; None if the clusterer has no such centres.
    """

    labels: np.ndarray
    eps: float = np.nan
    note: str = ""
    approximation: str = ""
    centres: np.ndarray | None = None


def no_clusters(n_songs: int, note: str) -> Clustering:
    """All songs as noise, and the reason."""
    return Clustering(np.full(n_songs, NOISE), note=note)


def count_distinct(x: np.ndarray) -> int:
    """Number of different points among `[songs, dimensions]`."""
    # Adding 0 makes -0 and 0 the same bytes. Digests, because the bytes of many songs would take
    # as much memory as x again.
    return len({blake2b((point + 0.0).tobytes(), digest_size=16).digest() for point in x})


def too_few_distinct(x: np.ndarray, k: int, method: str) -> str:
    """A note if `[songs, dimensions]` cannot make k clusters, else ""."""
    n_distinct = count_distinct(x)
    if n_distinct >= k:
        return ""
    return f"{method}: {n_distinct} distinct songs are too few for {k} clusters"


def missing_clusters(labels: np.ndarray, k: int, method: str) -> str:
    """A note if fewer than k clusters have songs, else ""."""
    found = len(np.unique(labels))
    return "" if found == k else f"{method}: {found} of {k} clusters have songs"
