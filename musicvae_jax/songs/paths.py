"""Which song files a run reads."""

import glob
import os
import re
from collections.abc import Iterable
from pathlib import Path

from musicvae_jax.errors import InputError

FOURMULA_PATH = Path("data/4mula_tiny.parquet")
DEMO_PATH = Path("data/demo.parquet")
_SUFFIXES = (".parquet", ".csv", ".tsv")


def find_songs(path: Path | None) -> tuple[Path, str]:
    """The songs to read, and a line that says which they are.

    The given file, folder or glob; without one, 4MuLA tiny if it has been downloaded, else the
    synthetic demo set, which the caller makes with `demo.write_demo` if it is missing.
    """
    if path is not None:
        path = in_home(path)
        return path, f"songs: {path}"
    if FOURMULA_PATH.exists():
        return FOURMULA_PATH, f"songs: 4MuLA tiny ({FOURMULA_PATH})"
    return DEMO_PATH, (
        f"songs: the built-in synthetic demo set ({DEMO_PATH}); for real music: "
        "python -m musicvae_jax.download 4mula-tiny"
    )


def in_home(path: Path) -> Path:
    """The path with "~" replaced by the home folder, as after `--data.path=`, where shells do not.

    Example:
        >>> in_home(Path("music/~"))
        PosixPath('music/~')
    """
    # Unlike pathlib's, it leaves the names of unknown users as they are: "~copy.parquet".
    return Path(os.path.expanduser(path))  # noqa: PTH111


def matches(path: Path) -> list[Path]:
    """The files that a glob matches, or the path itself if it is none or exists.

    Files are sorted by name, with numbers by value: part-2 comes before part-10. Hidden files are
    skipped.

    Raises:
        InputError: a glob that matches no file.
    """
    try:
        if not glob.has_magic(str(path)) or path.exists():
            return [path]
        # Unlike pathlib's, it takes absolute patterns and skips hidden files.
        found = [Path(name) for name in glob.glob(str(path), recursive=True)]  # noqa: PTH207
    except OSError:
        # For example, the name is too long: opening the file will say so.
        return [path]
    files = sorted_by_name(file for file in found if file.is_file())
    if not files:
        raise InputError(f"{path}: no file matches; expected one or more files of songs")
    return files


def sorted_by_name(paths: Iterable[Path]) -> list[Path]:
    """Paths in the order of their names, with numbers by value: part-2 comes before part-10."""
    return sorted(paths, key=_natural)


def is_visible(file: Path) -> bool:
    """Whether a path is a file that is not hidden."""
    return file.is_file() and not file.name.startswith(".")


def songs_name(path: Path) -> str:
    """A short name for titles: the file without its suffix, the folder, or the glob."""
    name = path.absolute().name
    return name if path.suffix.lower() not in _SUFFIXES else name.removesuffix(path.suffix)


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    pieces = re.findall(r"[0-9]+|[^0-9]+", path.as_posix())
    # Pairs, so that a number is never compared with text; the full name orders 1 and 01.
    by_value = [(int(piece), "") if piece[0] in "0123456789" else (-1, piece) for piece in pieces]
    return by_value, path.as_posix()
