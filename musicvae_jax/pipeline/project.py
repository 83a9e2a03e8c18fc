"""projections.parquet: own representations in two dimensions."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from musicvae_jax.clustering import sample_songs, sample_text
from musicvae_jax.evaluation import projections
from musicvae_jax.pipeline.listing import Listing
from musicvae_jax.pipeline.stages import Stages
from musicvae_jax.reporting.scatter import METHOD_NAMES
from musicvae_jax.runtime.terminal import Terminal

_ABOUT = ("music_id", "cluster", "genre", "language")


def start_projections(
    listing: Listing,
    exact_songs: int,
    stages: Stages,
    terminal: Terminal,
) -> Callable[[dict[tuple[str, int], np.ndarray]], tuple[pd.DataFrame, dict[str, str]]]:
    """t-SNE and UMAP of every own representation with the first seed, and what is sampled.

    Starts them, and returns a function of the K-Means cluster numbers, by name and seed, that
    waits for them.

    A sample stands for many songs, the same for every representation: t-SNE takes minutes above
    10,000, and a picture has no room for more.

    Args:
        listing: the run's representations.
        exact_songs: if there are more songs, a sample of this size is used.
        stages: runs the projections, or finds them in the cache.
        terminal: for progress and notices.
    """
    n_songs, seed = len(listing.songs), listing.seeds[0]
    places = projected_songs(listing, exact_songs)
    about = listing.songs[["music_id", "genre", "language"]].iloc[places].reset_index(drop=True)
    columns = ["x", "y", *_ABOUT, "representation", "method"]
    if n_songs < projections.MIN_SONGS:
        terminal.notice(
            f"t-SNE and UMAP are skipped: got {n_songs} songs, expected at least "
            f"{projections.MIN_SONGS}"
        )
        return lambda _: (pd.DataFrame(columns=columns), {})
    calls = [(one.of_seed(0)[places], seed) for one in listing.own]
    # UMAP runs in this process, once the others have all the work there is for them: numba's
    # programs take so much memory that joblib ends a process that loads them, as if it had a leak.
    started = {
        "umap": stages.map("projections", projections.umap, calls, 0),
        "tsne": stages.map("projections", projections.tsne, calls, len(places)),
    }

    def finish(
        clusters: dict[tuple[str, int], np.ndarray],
    ) -> tuple[pd.DataFrame, dict[str, str]]:
        tables = []
        for method, found in started.items():
            every = _collected(METHOD_NAMES[method], found, len(calls), terminal)
            for one, coordinates in zip(listing.own, every, strict=True):
                of_songs = about.assign(cluster=clusters[one.name, seed][places])[list(_ABOUT)]
                table = pd.DataFrame(coordinates, columns=["x", "y"]).join(of_songs)
                tables.append(table.assign(representation=one.name, method=method))
        methods = ("umap", "tsne") if len(places) < n_songs else ()
        approximated = dict.fromkeys(methods, sample_text(len(places)))
        return pd.concat(tables, ignore_index=True), approximated

    return finish


def projected_songs(listing: Listing, exact_songs: int) -> np.ndarray:
    """Places of the songs in projections and on the map: all, or a sample, ascending."""
    return sample_songs(len(listing.songs), exact_songs, listing.seeds[0])


def _collected(
    name: str, found: Iterator[np.ndarray], total: int, terminal: Terminal
) -> list[np.ndarray]:
    coordinates = []
    with terminal.progress(name, total) as advance:
        for one in found:
            coordinates.append(one)
            advance()
    return coordinates
