"""Finds the audio files of a folder."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from musicvae_jax.errors import InputError
from musicvae_jax.songs.audio.streams import SUFFIXES
from musicvae_jax.songs.audio.text import path_text
from musicvae_jax.songs.audio.unusable import Unusable
from musicvae_jax.songs.paths import is_visible, sorted_by_name

# Other formats of audio, so that a song in one is not missed without a word.
_UNREAD = (
    *(".aif", ".aiff", ".alac", ".amr", ".ape", ".au", ".caf", ".dsf", ".m4b", ".mka", ".mp2"),
    *(".mpc", ".oga", ".ra", ".spx", ".tta", ".weba", ".wv"),
)
_EXPECTED = f"expected files that end in {', '.join(SUFFIXES)}"


class AudioFiles(NamedTuple):
    """Audio files, and what was not followed.

    Attributes:
        root: absolute; the folder, or for several paths the one that holds them all.
        files: absolute, below the root, sorted by their paths there, none twice.
        skipped: links to folders that are read already, audio in other formats, and what cannot be
            read.
    """

    root: Path
    files: tuple[Path, ...]
    skipped: tuple[Unusable, ...]


def is_audio(path: Path) -> bool:
    """Whether a path is an audio file by its suffix, or a folder without *.parquet files."""
    try:
        if path.is_dir():
            return not any(is_visible(file) for file in path.glob("*.parquet"))
    except OSError:
        # For example, the name is too long: opening the file will say so.
        return False
    return has_suffix(path)


def has_suffix(path: Path) -> bool:
    """Whether a name ends in the suffix of an audio format, in small or capital letters."""
    return path.suffix.lower() in SUFFIXES


def find_audio(paths: Sequence[Path]) -> AudioFiles:
    """Finds the audio files in folders and below them; hidden files and folders are skipped.

    Links are followed. A folder is read once, however many links lead to it.

    Args:
        paths: folders and audio files, at least one.

    Raises:
        InputError: a path is absent or no audio file, or there is no audio file at all.
    """
    # abspath keeps links, and takes out the dots.
    paths = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100
    folders = [path for path in paths if path.is_dir()]
    single = [path for path in paths if not path.is_dir()]
    for path in single:
        if not has_suffix(path):
            raise InputError(f"{path}: not an audio file by its name; {_EXPECTED}")
        if not path.exists():
            raise InputError(f"{path}: no such file; expected an audio file")
    root = Path(os.path.commonpath([*folders, *(path.parent for path in single)]))
    _check_name(root)
    skipped: list[Unusable] = []
    found = [*single, *_walk(folders, skipped)]
    if not found:
        raise InputError(
            f"{root}: neither an audio file nor *.parquet in this folder; {_EXPECTED}, or "
            "parquet files in the 4MuLA schema"
        )
    names = sorted_by_name({path.relative_to(root) for path in found})
    return AudioFiles(root, tuple(root / name for name in names), tuple(skipped))


def _walk(folders: Sequence[Path], skipped: list[Unusable]) -> Iterator[Path]:
    seen: set[tuple[int, int]] = set()
    waiting = list(reversed(folders))
    links: list[Path] = []
    # Links come last, so that files are found in their own folder, and not behind a link to it.
    while waiting or links:
        folder = waiting.pop() if waiting else links.pop(0)
        try:
            about = folder.stat()
            entries = sorted(folder.iterdir())
        except OSError as error:
            skipped.append(Unusable(folder, f"this folder cannot be read ({error.strerror})"))
            continue
        if (about.st_dev, about.st_ino) in seen:
            skipped.append(Unusable(folder, "links to a folder that is read already"))
            continue
        seen.add((about.st_dev, about.st_ino))
        for entry in entries:
            if entry.name.startswith("."):
                continue
            try:
                is_dir = entry.is_dir()
            except OSError as error:
                skipped.append(Unusable(entry, f"cannot be read ({error.strerror})"))
                continue
            if is_dir:
                (links if entry.is_symlink() else waiting).append(entry)
            elif has_suffix(entry):
                yield entry
            elif entry.suffix.lower() in _UNREAD:
                skipped.append(
                    Unusable(entry, f"{entry.suffix.lower()} files are not read; {_EXPECTED}")
                )


def _check_name(root: Path) -> None:
    try:
        str(root).encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{path_text(root)}: the name of this folder is not UTF-8; rename the folder (files in "
            "it may have any name)"
        ) from error
