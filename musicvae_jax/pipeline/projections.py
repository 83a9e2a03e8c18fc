"""Points in two dimensions, for looking at; distances in them are not evidence."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from musicvae_jax.clustering import sample_songs, sample_text

if TYPE_CHECKING:
    from musicvae_jax.pipeline.listing import Listing
    from musicvae_jax.pipeline.stages import Stages
    from musicvae_jax.runtime.terminal import Terminal

# Below this t-SNE has no valid perplexity and UMAP no neighbourhood worth the name.
MIN_SONGS = 8
_ABOUT = ("music_id", "cluster", "genre", "language")


def tsne(x: np.ndarray, seed: int) -> np.ndarray:
    """t-SNE coordinates `[songs, 2]` of points `[songs, dimensions]`, at least MIN_SONGS songs.

    References:
        van der Maaten and Hinton, Visualizing Data using t-SNE, 2008.
    """
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(x) - 1) / 3)
    # One thread: at these sizes several gain little, and lose minutes when another program has
    # the cores that they wait for.
    with threadpool_limits(limits=1):
        return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(x)


def umap(x: np.ndarray, seed: int) -> np.ndarray:
    """UMAP coordinates `[songs, 2]` of points `[songs, dimensions]`, at least MIN_SONGS songs.

    References:
        McInnes, Healy and Melville, UMAP, 2018.
    """
    from umap import UMAP

    # A seed makes UMAP run on one thread; saying so keeps it from warning that it will.
    reducer = UMAP(n_neighbors=min(15, len(x) - 1), random_state=seed, n_jobs=1)
    return reducer.fit_transform(x)


def project(
    listing: "Listing",
    clusters: dict[tuple[str, int], np.ndarray],
    exact_songs: int,
    stages: "Stages",
    terminal: "Terminal",
) -> tuple[pd.DataFrame, dict[str, str]]:
    """t-SNE and UMAP of every own representation under the first seed, and what is sampled.

    Of many songs a sample is shown, the same of every representation: t-SNE takes minutes above
    10,000, and a picture has no room for more.

    Args:
        listing: the run's representations.
        clusters: K-Means cluster numbers by name and seed.
        exact_songs: above so many songs a sample of as many is taken.
        stages: share the projections.
        terminal: for progress and notices.
    """
    n_songs, seed = len(listing.songs), listing.seeds[0]
    places = sample_songs(n_songs, exact_songs, seed)
    about = listing.songs[["music_id", "genre", "language"]].iloc[places].reset_index(drop=True)
    columns = ["x", "y", *_ABOUT, "representation", "method"]
    if n_songs < MIN_SONGS:
        terminal.notice(
            f"t-SNE and UMAP are left out: got {n_songs} songs, expected at least {MIN_SONGS}"
        )
        return pd.DataFrame(columns=columns), {}
    calls = [(one.of_seed(0)[places], seed) for one in listing.own]
    # Every process that makes a UMAP compiles for some 15 seconds first, so only this one does.
    tsnes = stages.map("projections", tsne, calls, len(places))
    umaps = stages.map("projections", umap, calls, 0)
    tables = []
    with terminal.progress("projecting", 2 * len(calls)) as advance:
        for method, found in (("umap", umaps), ("tsne", tsnes)):
            for one, coordinates in zip(listing.own, found, strict=True):
                of_songs = about.assign(cluster=clusters[one.name, seed][places])[list(_ABOUT)]
                table = pd.DataFrame(coordinates, columns=["x", "y"]).join(of_songs)
                tables.append(table.assign(representation=one.name, method=method))
                advance()
    table = pd.concat(tables, ignore_index=True)
    is_sampled = len(places) < n_songs
    methods = ("umap", "tsne") if is_sampled else ()
    return table, dict.fromkeys(methods, sample_text(len(places)))
