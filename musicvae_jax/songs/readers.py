"""The readers of songs, and which of them reads a path.

To add a reader, write its file and add a row here.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from musicvae_jax.config import DataConfig, FeatureConfig
from musicvae_jax.errors import InputError
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs.audio.find import is_audio
from musicvae_jax.songs.audio.reader import open_audio
from musicvae_jax.songs.feature_table.files import is_feature_table
from musicvae_jax.songs.feature_table.reader import open_feature_table
from musicvae_jax.songs.parquet.reader import open_parquet
from musicvae_jax.songs.paths import in_home, matches
from musicvae_jax.songs.spelling import case_notices
from musicvae_jax.songs.table import Songs


class Reader(NamedTuple):
    """Opens songs from one kind of source.

    Attributes:
        accepts: whether a path, which may not exist, is such a source.
        open: opens such sources, with the settings, the folder for caches, and the terminal for
            progress and notices. `data.path` is what to call them all.
        has_mels: whether songs get mel spectrograms; otherwise `Songs.features`.
    """

    accepts: Callable[[Path], bool]
    open: Callable[[Sequence[Path], DataConfig, Path, Terminal], Songs]
    has_mels: bool = True


# The first that accepts a path reads it. The last takes whatever is left, so that its errors say
# what is expected.
READERS = (
    Reader(is_audio, open_audio),
    Reader(is_feature_table, open_feature_table, has_mels=False),
    Reader(lambda path: True, open_parquet),  # noqa: ARG005
)


def reader_of(path: Path) -> Reader:
    """The reader of a path or glob.

    Raises:
        InputError: a glob that matches no file.
    """
    first = matches(path)[0]
    return next(reader for reader in READERS if reader.accepts(first))


def load_songs(
    path: Path | str | Sequence[Path | str],
    data: DataConfig | None = None,
    cache_dir: Path = FeatureConfig.cache_dir,
    terminal: Terminal | None = None,
) -> Songs:
    """Opens songs: metadata at once, mel spectrograms as they are needed.

    Args:
        path: a folder of audio files, or one file; a parquet file in the 4MuLA schema or a folder
            of such files; a glob such as `mels/part-*.parquet`; several of these, of one kind; or a
            table of features, whose songs have no mel spectrograms.
        data: how to read them, apart from its path.
        cache_dir: folder for what takes long to make.
        terminal: for progress and notices; by default there are none.

    Raises:
        InputError: there is no such file, it is damaged, or it does not hold what is expected; or
            there is no path, or what is given is none.
    """
    paths = _listed(path)
    name = paths[0] if len(paths) == 1 else _common(paths)
    data = replace(data or DataConfig(), path=name)
    terminal = terminal or Terminal(is_quiet=True, is_command=False)
    found = [file for one in paths for file in matches(one)]
    reader = reader_of(paths[0])
    if data.columns and reader.has_mels:
        raise InputError(
            f"data.columns: got {' '.join(data.columns)}, expected none for {name}, which is no "
            "table of features"
        )
    songs = reader.open(found, data, cache_dir, terminal)
    for line in case_notices(songs.table):
        terminal.notice(line)
    return songs


def _listed(path: Path | str | Sequence[Path | str]) -> list[Path]:
    """One or several paths as a list, which has at least one."""
    expected = "expected a file or folder of songs, or several"
    several = [path] if isinstance(path, str | os.PathLike) else path
    if not isinstance(several, Iterable):
        raise InputError(f"path: got {path!r}, {expected}")
    found = []
    for one in several:
        if not isinstance(one, str | os.PathLike):
            raise InputError(f"path: got {one!r} among several, {expected}")
        found.append(in_home(Path(one)))
    if not found:
        raise InputError(f"path: got none, {expected}")
    return found


def _common(paths: Sequence[Path]) -> Path:
    """The folder that holds them all; absolute if one of them is."""
    is_mixed = len({path.is_absolute() for path in paths}) > 1
    return Path(os.path.commonpath([path.absolute() if is_mixed else path for path in paths]))
