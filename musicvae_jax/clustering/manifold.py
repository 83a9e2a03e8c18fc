"""UMAP coordinates."""

import numpy as np

from musicvae_jax.clustering.umap_programs import have_programs


def umap(
    x: np.ndarray, n_dimensions: int, n_neighbours: int, min_dist: float, seed: int
) -> np.ndarray:
    """UMAP coordinates `[songs, n_dimensions]` of points `[songs, dimensions]`.

    Args:
        x: of at least n_dimensions + 2 songs.
        n_dimensions: of the coordinates.
        n_neighbours: of each song; all others, if there are fewer.
        min_dist: the least distance between neighbours, at least 0, in units of the coordinates.
        seed: of the random numbers.

    References:
        McInnes, Healy and Melville, UMAP, 2018.
    """
    have_programs()
    from umap import UMAP

    # A seed makes UMAP run on one thread; saying so keeps it from warning that it will.
    reducer = UMAP(
        n_neighbors=min(n_neighbours, len(x) - 1),
        n_components=n_dimensions,
        min_dist=min_dist,
        random_state=seed,
        n_jobs=1,
    )
    return reducer.fit_transform(x)
