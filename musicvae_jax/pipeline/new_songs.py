"""Puts new songs into the clusters of known ones."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from musicvae_jax.clustering import KnownClusters, assign_points, nearest_points
from musicvae_jax.config import BLOCKS, Block
from musicvae_jax.config.naming import nouns_of
from musicvae_jax.errors import InputError
from musicvae_jax.preprocess import ModelInputs, transform
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import Songs
from musicvae_jax.trained import KnownSongs, Trained, blocks_of, one_representation

N_NEAREST = 5
_ABOUT = ("music_id", "title", "artist")
_CLUSTER = ("cluster", "distance", "typicality", "second_cluster", "ratio")


def nearest_columns(place: int) -> list[str]:
    """The columns about the nearest known song (1), or the second nearest (2), and so on.

    Example:
        >>> nearest_columns(2)[:2]
        ['nearest_2_music_id', 'nearest_2_title']
    """
    return [f"nearest_{place}_{name}" for name in (*_ABOUT, "distance")]


def assign_songs(
    model: Trained,
    songs: Songs,
    known: KnownSongs,
    name: str,
    needs_all: bool,
    terminal: Terminal,
) -> pd.DataFrame:
    """Encodes songs, and puts each into the cluster with the nearest centre.

    Args:
        model: encodes the songs.
        songs: opened song files.
        known: the songs in the clusters.
        name: the model's representation that was clustered.
        needs_all: whether only songs with all the lyrics and tags of the representation were
            clustered.
        terminal: for progress and notices.

    Returns:
        The table of `musicvae_jax.assign`.

    Raises:
        InputError: no song can be assigned, or the model cannot encode one of them.
    """
    beside = blocks_of(model, name)
    with terminal.progress("reading mels", len(songs.table)) as advance:
        inputs = transform(model.preprocessor, songs, beside, advance, terminal.notice)
    found = one_representation(model, inputs, name)
    texts = [*model.experiment.text_blocks, *(one for one in beside if BLOCKS[one].is_text)]
    is_known = found.known & (_has_all(inputs, texts) if needs_all else True)
    lacking = f"no {nouns_of(texts)}, which {name} is computed from"
    if not is_known.any():
        raise InputError(f"{songs.path}: got {len(is_known)} usable song(s), all with {lacking}")
    reasons = [None if one else lacking for one in is_known]
    places = np.flatnonzero(is_known)
    joined = _joined(found.of_seed(0)[places], known, known.clusters[name])
    table = _about(songs, inputs, reasons).join(joined.set_index(places))
    nearest = [column for place in range(N_NEAREST) for column in nearest_columns(place + 1)]
    return table.reindex(columns=[*_ABOUT, *_CLUSTER, *nearest, "reason"])


def assign_as_run(model: Trained, songs: Songs, terminal: Terminal) -> pd.DataFrame:
    """Puts songs into the clusters of the run that left the model, see `assign_songs`.

    Raises:
        InputError: the model has no clusters, or as `assign_songs` says.
    """
    if model.known is None or model.names[0] not in model.known.clusters:
        raise InputError(
            "clusters: got none, and the model has none; expected those of musicvae_jax.cluster, "
            "or the checkpoint of a run, which has its own (an earlier version's has none: run the "
            "experiment again)"
        )
    needs_all = model.experiment.cluster.songs == "complete"
    return assign_songs(model, songs, model.known, model.names[0], needs_all, terminal)


def _has_all(inputs: ModelInputs, texts: Sequence[Block]) -> np.ndarray:
    known = [inputs.blocks[one].known for one in texts]
    return np.all([np.ones(len(inputs.songs), bool), *known], axis=0)


def _about(songs: Songs, inputs: ModelInputs, reasons: Sequence[str | None]) -> pd.DataFrame:
    """Who the usable songs are, then the rejected rows, and why a song is not assigned."""
    table = inputs.table[["music_id", "title", "artist_name"]]
    rows = [*zip(*_texts(table), reasons, strict=True)]
    rows += [
        (one.music_id or None, None, None, f"{songs.place(one.file, one.row)}: {one.reason}")
        for one in inputs.rejected
    ]
    return pd.DataFrame(rows, columns=[*_ABOUT, "reason"], dtype=object)


def _texts(table: pd.DataFrame) -> list[pd.Series]:
    return [table[name].astype(object).where(table[name].notna(), None) for name in table]


def _joined(points: np.ndarray, known: KnownSongs, clusters: KnownClusters) -> pd.DataFrame:
    """The clusters of new points, and the nearest known songs, as many as there are."""
    assigned = assign_points(points, clusters)
    table = pd.DataFrame(dict(zip(_CLUSTER, assigned, strict=True)))
    # With nulls, for songs that are in no cluster.
    table = table.astype({"cluster": "Int64", "second_cluster": "Int64"})
    places, distances = nearest_points(points, clusters.points, N_NEAREST)
    for order, (column, distance) in enumerate(zip(places.T, distances.T, strict=True), start=1):
        texts = (known.songs[column], known.titles[column], known.artists[column])
        about = (*(pd.Series(one, dtype=object) for one in texts), distance)
        table = table.assign(**dict(zip(nearest_columns(order), about, strict=True)))
    return table
