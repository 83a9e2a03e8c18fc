"""The map that stands in a suite's report: of as many runs as fit, since people mail the page."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from musicvae_jax.config.folder import PROJECTIONS
from musicvae_jax.reporting.song_map.audio import linked
from musicvae_jax.reporting.song_map.contents import METHODS, read_contents
from musicvae_jax.reporting.song_map.document import document

# In all layouts together, some 40 bytes each on the page.
MOST_DOTS = 40_000
# Before they are packed, to less than half.
MOST_PICTURE_BYTES = 4_000_000


class EmbeddedMap(NamedTuple):
    """A map, and what it is of.

    Attributes:
        document: a whole HTML document; "" if the songs are too few for a projection.
        shown: the runs that it shows.
        is_whole: whether it shows all their songs, and all pictures there are.
    """

    document: str
    shown: tuple[str, ...]
    is_whole: bool = True


def embedded_map(title: str, folders: Mapping[str, Path], results_dir: Path) -> EmbeddedMap:
    """The map of the first run and of others, in order, that there is room for.

    Songs' audio is linked, never embedded: map.html is for that.

    Args:
        title: of the map.
        folders: what to call each run to its results folder, at least one.
        results_dir: folder of the page that the map is to stand in.

    Raises:
        InputError: a folder lacks a file, as results of an earlier version do.
    """
    names: list[str] = []
    n_dots = 0
    for name, folder in folders.items():
        of_run = _n_dots(folder)
        if not names or n_dots + of_run <= MOST_DOTS:
            names.append(name)
            n_dots += of_run
    contents = read_contents({name: folders[name] for name in names}, MOST_DOTS)
    if not contents.layouts:
        return EmbeddedMap("", ())
    is_whole = n_dots <= MOST_DOTS
    if contents.pictures is not None and contents.pictures.nbytes > MOST_PICTURE_BYTES:
        is_whole = False
        note = "There are no pictures of mel spectrograms here: the map in its own window has them."
        contents = contents._replace(
            pictures=None,
            has_picture=contents.has_picture & False,
            notes=(*contents.notes, note),
        )
    paths = [None if pd.isna(cell) else cell for cell in contents.songs["audio_path"]]
    shown = document(title, contents, linked(paths, results_dir).urls)
    return EmbeddedMap(shown, tuple(names), is_whole)


def _n_dots(folder: Path) -> int:
    """Of a run, or 0 if it has no projections, which `read_contents` will say."""
    path = folder / PROJECTIONS
    return len(pd.read_parquet(path, columns=["method"])) // len(METHODS) if path.exists() else 0
