"""Writes songs as one file, or says what there is: `python -m musicvae_jax.songs --help`."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import tyro

from musicvae_jax.config import DataConfig, FeatureConfig
from musicvae_jax.errors import InputError
from musicvae_jax.runtime.command import COMMON_OPTIONS, CommonOptions, parse, run_command

if TYPE_CHECKING:
    from musicvae_jax.runtime.terminal import Terminal
    from musicvae_jax.songs import Songs
    from musicvae_jax.songs.usable import Usable

_CHECK = "check"
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Check:
    """Say what there is: songs, labels, lengths, and which files cannot be used and why."""

    paths: tyro.conf.Positional[tuple[Path, ...]]
    """Folder of audio, audio files, or anything else that --data.path of a run takes; one or more,
    of one kind."""
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    cache_dir: Path = FeatureConfig.cache_dir
    """Folder for mel spectrograms of audio files; a second run reads them from here."""
    common: CommonOptions = COMMON_OPTIONS

    def __post_init__(self) -> None:
        if not self.paths:
            raise InputError("paths: got none, expected a folder of audio, or other songs")
        if self.data.path is not None:
            raise InputError("data.path: expected the songs without an option, before the others")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Export(Check):
    """Write songs to one parquet file in the 4MuLA schema, for sharing and for machines without the
    audio. With `check` before the paths, only say what there is."""

    out: Path
    """The .parquet file to write."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.out.suffix != ".parquet":
            raise InputError(f"out: got {self.out}, expected a name that ends in .parquet")
        if not self.out.absolute().parent.is_dir():
            raise InputError(f"out: got {self.out}, expected a file in a folder that exists")
        # Beside its *.parquet, a folder's audio is not read.
        if any(self.out.resolve().parent == path.resolve() for path in self.paths):
            raise InputError(f"out: got {self.out}, expected a file outside the folder of songs")


def main(arguments: Sequence[str]) -> int:
    """Runs the command line; returns the exit code.

    Raises:
        SystemExit: see `run_command`.
    """
    return run_command(arguments, _run)


def _run(arguments: Sequence[str], notices_only: bool) -> None:
    if arguments[:1] == [_CHECK]:
        _check(arguments[1:], notices_only)
    else:
        _export(arguments, notices_only)


def _check(arguments: Sequence[str], notices_only: bool) -> None:
    command = _parse(Check, arguments, f"python -m musicvae_jax.songs {_CHECK}")
    from musicvae_jax.runtime.terminal import Terminal
    from musicvae_jax.songs.summary import summary_lines

    terminal = Terminal(notices_only=notices_only)
    songs, usable = _read(command, terminal)
    for line in summary_lines(songs, usable):
        terminal.say(line)
    songs.check_enough_usable(usable.rejected)


def _export(arguments: Sequence[str], notices_only: bool) -> None:
    command = _parse(Export, arguments, "python -m musicvae_jax.songs")
    from musicvae_jax.runtime.terminal import Terminal
    from musicvae_jax.songs.export import export_songs
    from musicvae_jax.songs.summary import rejection_lines

    terminal = Terminal(notices_only=notices_only)
    songs, usable = _read(command, terminal)
    for line in rejection_lines(songs, usable):
        terminal.notice(line)
    songs.check_enough_usable(usable.rejected)
    with terminal.task(f"writing {command.out}"):
        n_songs = export_songs(songs, usable.rows, command.out)
    terminal.say(f"{command.out}: {n_songs} songs, {len(usable.rejected)} rejected")


def _read(command: Check, terminal: "Terminal") -> "tuple[Songs, Usable]":
    from musicvae_jax.songs.readers import load_songs
    from musicvae_jax.songs.usable import find_usable

    songs = load_songs(command.paths, command.data, command.cache_dir, terminal)
    return songs, find_usable(songs, terminal)


def _parse(kind: type[T], arguments: Sequence[str], program: str) -> T:
    return parse(lambda: tyro.cli(kind, prog=program, args=list(arguments)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
