"""What a map shows, read from results folders."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.config.folder import MAP_SONGS, NEIGHBOURS, PROJECTIONS, THUMBNAILS
from musicvae_jax.errors import InputError

METHODS = ("umap", "tsne")


class Layout(NamedTuple):
    """One representation of songs as a picture.

    Attributes:
        name: of the representation.
        songs: places in `Contents.songs`, int64 `[dots]`.
        projections: method to coordinates `[dots, 2]`.
        clusters: K-Means cluster numbers, `[dots]`.
        neighbours: the nearest songs in the representation, nearest first, as places in
            `Contents.songs`, int64 `[dots, neighbours]`; -1 for a song that the map leaves out.
        distances: theirs, `[dots, neighbours]`.
    """

    name: str
    songs: np.ndarray
    projections: Mapping[str, np.ndarray]
    clusters: np.ndarray
    neighbours: np.ndarray
    distances: np.ndarray


class Contents(NamedTuple):
    """What a map shows.

    Attributes:
        songs: columns of songs.parquet, one row per song, none twice.
        layouts: at least one, unless the songs are too few for a projection.
        pictures: mel spectrograms, uint8 `[songs, bands, columns]`; None without any.
        has_picture: which songs have one, bool `[songs]`.
        notes: what readers should know about what is left out.
    """

    songs: pd.DataFrame
    layouts: tuple[Layout, ...]
    pictures: np.ndarray | None
    has_picture: np.ndarray
    notes: tuple[str, ...]


def read_contents(folders: Mapping[str, Path], most_dots: int) -> Contents:
    """The songs and representations of one or more runs.

    Args:
        folders: what to call each run to its results folder. The representations of a run with the
            name "" have their own names; those of others are "NAME: representation".
        most_dots: in all layouts together; with more, the map shows a sample of the songs.

    Raises:
        InputError: a folder lacks a file, as results of an earlier version do.
    """
    scored = [_read(folder, MAP_SONGS) for folder in folders.values()]
    songs = pd.concat(scored, ignore_index=True).drop_duplicates("music_id")
    index = pd.Index(songs["music_id"])
    layouts = []
    for name, folder in folders.items():
        points, neighbours = (_read(folder, file) for file in (PROJECTIONS, NEIGHBOURS))
        of_representations = dict(list(neighbours.groupby("representation", sort=False)))
        for representation, dots in points.groupby("representation", sort=False):
            title = f"{name}: {representation}" if name else str(representation)
            layouts.append(_layout(title, dots, of_representations[representation], index))
    notes, shown = _shown(layouts, len(songs), most_dots)
    kept = tuple(_only(layout, shown) for layout in layouts)
    songs = songs.iloc[shown].reset_index(drop=True)
    pictures, has_picture = _pictures(list(folders.values()), songs["music_id"])
    if not kept:
        notes.append("There are too few songs for a projection, so there is no map of them.")
    elif pictures is None:
        notes.append("There are no pictures of mel spectrograms: the songs have none or are many.")
    return Contents(songs, kept, pictures, has_picture, tuple(notes))


def _read(folder: Path, name: str) -> pd.DataFrame:
    path = folder / name
    if not path.exists():
        raise InputError(
            f"{path}: no such file, expected one in the results of every run; an earlier version "
            "may have made these: run the experiment again"
        )
    return pd.read_parquet(path)


def _layout(name: str, dots: pd.DataFrame, neighbours: pd.DataFrame, index: pd.Index) -> Layout:
    by_method = dict(list(dots.groupby("method", sort=False)))
    first = by_method[METHODS[0]]
    n_dots = len(first)
    return Layout(
        name=name,
        songs=index.get_indexer(pd.Index(first["music_id"])),
        projections={method: by_method[method][["x", "y"]].to_numpy() for method in METHODS},
        clusters=first["cluster"].to_numpy(),
        # Both files have the songs in the same order.
        neighbours=index.get_indexer(pd.Index(neighbours["neighbour"])).reshape(n_dots, -1),
        distances=neighbours["distance"].to_numpy().reshape(n_dots, -1),
    )


def _shown(layouts: Sequence[Layout], n_songs: int, most_dots: int) -> tuple[list[str], np.ndarray]:
    """Notes on songs that are left out, and the places of the others, ascending."""
    shown = np.unique(np.concatenate([np.empty(0, np.int64), *(one.songs for one in layouts)]))
    n_dots = sum(len(layout.songs) for layout in layouts)
    shown = shown[:: -(-n_dots // most_dots) or 1]
    if not layouts or len(shown) == n_songs:
        return [], shown
    return [f"The map shows a sample: {len(shown):,} of {n_songs:,} songs."], shown


def _only(layout: Layout, shown: np.ndarray) -> Layout:
    """The layout with only some songs, as places among these."""
    is_kept = np.isin(layout.songs, shown)
    neighbours = layout.neighbours[is_kept]
    places = np.searchsorted(shown, neighbours)
    is_shown = np.isin(neighbours, shown)
    return layout._replace(
        songs=np.searchsorted(shown, layout.songs[is_kept]),
        projections={method: xy[is_kept] for method, xy in layout.projections.items()},
        clusters=layout.clusters[is_kept],
        neighbours=np.where(is_shown, places, -1),
        distances=layout.distances[is_kept],
    )


def _pictures(
    folders: Sequence[Path], music_ids: pd.Series
) -> tuple[np.ndarray | None, np.ndarray]:
    """Pictures of the songs, of the size of the smallest, and which songs have one."""
    index, has_picture = pd.Index(music_ids), np.zeros(len(music_ids), bool)
    found = []
    for folder in folders:
        if (folder / THUMBNAILS).exists():
            with np.load(folder / THUMBNAILS) as arrays:
                found.append((index.get_indexer(arrays["music_id"]), arrays["pictures"]))
    if not found:
        return None, has_picture
    shape = min(pictures.shape[1:] for _, pictures in found)
    joined = np.zeros((len(music_ids), *shape), np.uint8)
    for places, pictures in found:
        joined[places[places >= 0]] = _reduced(pictures[places >= 0], shape)
        has_picture[places[places >= 0]] = True
    return joined, has_picture


def _reduced(pictures: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Pictures with as many bands and columns as `shape`, which divide their own."""
    n_bands, n_columns = shape
    n_songs, n_tall, n_wide = pictures.shape
    blocks = pictures.reshape(n_songs, n_bands, n_tall // n_bands, n_columns, n_wide // n_columns)
    return blocks.mean(axis=(2, 4)).round().astype(np.uint8)
