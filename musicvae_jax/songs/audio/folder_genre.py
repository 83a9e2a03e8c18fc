"""Genres from the names of folders: GTZAN's layout."""

from collections.abc import Sequence
from pathlib import Path

from musicvae_jax.songs.audio.text import path_text


def genres_of_folders(root: Path, files: Sequence[Path]) -> list[str] | None:
    """The name of each song's folder, where folders can be genres.

    That is where every song lies exactly one level below the root, in at least two folders.

    Args:
        root: folder of the songs.
        files: of the songs.

    Returns:
        One name per song; None where folders cannot be genres.

    Example:
        >>> genres_of_folders(Path("/m"), [Path("/m/blues/1.mp3"), Path("/m/rock/1.mp3")])
        ['blues', 'rock']
    """
    folders = [file.parent for file in files]
    if len(set(folders)) < 2 or any(folder.parent != root for folder in folders):
        return None
    return [path_text(Path(folder.name)) for folder in folders]
