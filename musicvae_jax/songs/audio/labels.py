"""Labels and lyrics of audio files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from musicvae_jax.config import DataConfig
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs.audio.find import text_of


class Labels(NamedTuple):
    """What is known about audio files.

    Attributes:
        columns: columns of `songs.table.song_frame`, one entry per file.
        read: files beside the audio that were read.
        rejected: files and why their labels could not be used.
    """

    columns: Mapping[str, Sequence[Any]]
    read: tuple[Path, ...]
    rejected: tuple[tuple[Path, str], ...]


def label_songs(
    root: Path,  # noqa: ARG001
    files: Sequence[Path],
    data: DataConfig,  # noqa: ARG001
    terminal: Terminal,  # noqa: ARG001
) -> Labels:
    """The labels of audio files: their names as titles."""
    return Labels({"title": [text_of(Path(file.stem)) for file in files]}, (), ())
