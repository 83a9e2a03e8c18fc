"""Small folders of audio files for tests of labels, and a terminal that keeps its notices."""

from pathlib import Path

import numpy as np
import soundfile

from musicvae_jax.config import DataConfig
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs.audio.find import AudioFiles
from musicvae_jax.songs.audio.labels import label_songs, read_sources

RATE = 22050


class Notices(Terminal):
    """A quiet terminal with the notices that it was given."""

    def __init__(self):
        super().__init__(is_quiet=True)
        self.lines = []

    def notice(self, line):
        self.lines.append(line)


def write_audio(path: Path, seconds: float = 0.1) -> Path:
    """A tone, in the format of the file's suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = 0.1 * np.sin(np.arange(int(seconds * RATE)) * 0.05)
    # By name, since libsndfile takes names in UTF-8 only.
    with path.open("wb") as file:
        soundfile.write(file, tone, RATE, format=path.suffix[1:].upper())
    return path


def label(folder: Path, files, folder_genre="auto", rejected=()):
    """The labels of files in a folder, by column, and the whole result and its notices."""
    terminal = Notices()
    found = AudioFiles(folder, tuple(files), ())
    labels = label_songs(
        found,
        read_sources(found, terminal),
        [file not in rejected for file in found.files],
        DataConfig(folder_genre=folder_genre),
        terminal,
    )
    return labels.columns, labels, terminal.lines
