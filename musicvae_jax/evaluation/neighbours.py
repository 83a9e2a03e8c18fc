"""The nearest neighbours of every song in a representation."""

import numpy as np


def nearest_songs(x: np.ndarray, n_neighbours: int) -> tuple[np.ndarray, np.ndarray]:
    """The nearest other songs of each song, by Euclidean distance, nearest first.

    Args:
        x: points, `[songs, dimensions]`, at least 2 songs.
        n_neighbours: at least 1; all others if there are fewer.

    Returns:
        Their places, int64 `[songs, neighbours]`, and their distances, `[songs, neighbours]`.

    Example:
        >>> nearest_songs(np.array([[0.0], [1.0], [3.0]]), 1)[0].ravel().tolist()
        [1, 0, 1]
    """
    from sklearn.neighbors import NearestNeighbors

    found = NearestNeighbors(n_neighbors=min(n_neighbours, len(x) - 1), algorithm="brute")
    distances, places = found.fit(np.asarray(x, np.float64)).kneighbors()
    return places.astype(np.int64), distances
