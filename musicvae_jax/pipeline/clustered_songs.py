"""What a run's checkpoint holds of the clustered songs, so that new songs can join them."""

import numpy as np
import pandas as pd

from musicvae_jax.clustering import KnownClusters
from musicvae_jax.pipeline.cluster import Clustered
from musicvae_jax.pipeline.listing import Listing
from musicvae_jax.trained import KnownSongs, Trained, members_by_name


def known_songs(trained: Trained, listing: Listing, clustered: Clustered) -> KnownSongs | None:
    """The clustered songs with their K-Means clusters under the first seed.

    Only the main representation and the latents of a sweep, which `Trained.of_beta` picks from, are
    kept: the others can be as large as the features of all songs.

    Args:
        trained: the model.
        listing: its representations.
        clustered: the clusters of these.

    Returns:
        None if the songs could not be clustered.
    """
    kept = {trained.names[0], *members_by_name(trained.experiment)}
    seed, clusters = listing.seeds[0], {}
    for one in listing.own:
        labels, centres = clustered.clusters[one.name, seed], clustered.centres[one.name, seed]
        if one.name in kept and centres is not None:
            clusters[one.name] = KnownClusters(np.asarray(one.of_seed(0)), labels, centres)
    if not clusters:
        return None
    songs = listing.songs
    return KnownSongs(
        songs=songs["music_id"].to_numpy(object),
        titles=_texts(songs["title"]),
        artists=_texts(songs["artist_name"]),
        clusters=clusters,
    )


def _texts(column: pd.Series) -> np.ndarray:
    return column.astype(object).where(column.notna(), None).to_numpy(object)
