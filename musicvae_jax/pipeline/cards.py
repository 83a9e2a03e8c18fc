"""cards.json: a description of each cluster of a run's first representation."""

from typing import Any

import numpy as np
import pandas as pd

from musicvae_jax.evaluation import cluster_cards
from musicvae_jax.features import SongFeatures
from musicvae_jax.lyrics.cleaning import clean
from musicvae_jax.pipeline.fit import Fitted
from musicvae_jax.pipeline.listing import Listing
from musicvae_jax.songs import MEL_BANDS


def cards(
    fitted: Fitted, listing: Listing, clusters: dict[tuple[str, int], np.ndarray]
) -> dict[str, Any]:
    """The cards of the first representation's K-Means clusters with the first seed, for JSON.

    If the features include the mel statistics, each card has the mean spectrum of its songs, in
    decibels relative to that of all songs.

    Args:
        fitted: the fitted experiment.
        listing: the run's representations.
        clusters: cluster numbers by name and seed.
    """
    first, seed = listing.own[0], listing.seeds[0]
    songs = listing.songs.assign(lyrics=_cleaned(listing.songs["lyrics"]))
    of_songs = clusters[first.name, seed]
    found = [card._asdict() for card in cluster_cards(songs, of_songs, first.of_seed(0))]
    spectra = _spectra(fitted.features, fitted.scored)
    if spectra is not None:
        for card in found:
            mean = spectra[of_songs == card["cluster"]].mean(axis=0) - spectra.mean(axis=0)
            card["spectrum_db"] = np.round(mean.astype(float), 2).tolist()
    return {"representation": first.name, "seed": seed, "songs": len(songs), "clusters": found}


def _cleaned(lyrics: pd.Series) -> pd.Series:
    return lyrics.map(lambda text: clean(text) or None, na_action="ignore").astype(object)


def _spectra(features: SongFeatures, scored: np.ndarray) -> np.ndarray | None:
    """Mean decibels of each mel band, `[songs, 128]`; None if the features lack them."""
    blocks = features.config.blocks
    if "statistics" not in blocks:
        return None
    start = sum(features.widths[: blocks.index("statistics")])
    return features.values[scored, start : start + MEL_BANDS]
