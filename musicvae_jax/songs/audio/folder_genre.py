"""Genres from the names of folders: GTZAN's layout."""

from collections.abc import Sequence
from pathlib import Path

from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs.audio.source import Fields
from musicvae_jax.songs.audio.text import path_text, shown
from musicvae_jax.songs.missing import is_missing

# A folder and a file.
_DEPTH = 2


def add_folder_genres(
    root: Path, files: Sequence[Path], songs: Sequence[Fields], terminal: Terminal
) -> None:
    """Gives each song the name of its folder as its genre, where folders can be genres.

    That is where nothing else gives a genre to any song, and every song lies exactly one level
    below the root, in at least two folders. A notice says so, or what is in the way if that is a
    minority of the songs.

    Args:
        root: folder of the songs.
        files: of the songs that are used.
        songs: their fields, which get a genre.
        terminal: for the notice.
    """
    places = [file.relative_to(root) for file in files]
    n_known = sum("genre" in song for song in songs)
    elsewhere = [place for place in places if len(place.parts) != _DEPTH]
    names = [path_text(place.parent) for place in places if len(place.parts) == _DEPTH]
    genres = {name for name in names if not is_missing("genre", name)}
    if len(genres) < 2 or 2 * max(n_known, len(elsewhere)) >= len(songs):
        return
    if n_known:
        terminal.notice(
            f"genre: known for {n_known} of {len(songs)} songs, so the folders' names are not used "
            "for the others"
        )
    elif elsewhere:
        terminal.notice(
            "genre: nothing gives one, and the folders' names are not used, since "
            f"{len(elsewhere)} of {len(songs)} songs are not exactly one folder deep; the first is "
            f"{shown(elsewhere[0])}"
        )
    else:
        for song, name in zip(songs, names, strict=True):
            if name in genres:
                song["genre"] = name
        terminal.notice(
            "genre: nothing gives one, so it is the name of each song's folder, "
            f"{len(genres)} in all (off: --data.folder-genre no)"
        )
