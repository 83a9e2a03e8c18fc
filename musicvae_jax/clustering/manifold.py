"""UMAP coordinates, with the programs that numba compiles for them kept on disk."""

from functools import cache
from importlib import import_module

import numpy as np

# Those with functions that compile when UMAP first calls them.
_MODULES = ("umap.umap_", "umap.layouts", "umap.utils", "umap.distances")


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
    from umap import UMAP

    _keep_programs()
    # A seed makes UMAP run on one thread; saying so keeps it from warning that it will.
    reducer = UMAP(
        n_neighbors=min(n_neighbours, len(x) - 1),
        n_components=n_dimensions,
        min_dist=min_dist,
        random_state=seed,
        n_jobs=1,
    )
    return reducer.fit_transform(x)


@cache
def _keep_programs() -> None:
    """Has numba keep UMAP's programs on disk, as umap-learn asks of a few of them itself.

    Otherwise every process compiles them for ten seconds. numba puts them beside the source of
    umap-learn, or in the user's cache folder, and compiles anew what has changed.
    """
    from numba.core.dispatcher import Dispatcher

    for module in map(import_module, _MODULES):
        for function in vars(module).values():
            if isinstance(function, Dispatcher):
                function.enable_caching()
