"""Writes the map of a run, and that of a suite."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from musicvae_jax.config import MapConfig
from musicvae_jax.config.folder import CONFIG, MAP
from musicvae_jax.config.map import MapAudio
from musicvae_jax.reporting.song_map.audio import MOST_EMBEDDED_BYTES, embedded, linked
from musicvae_jax.reporting.song_map.contents import Contents, read_contents
from musicvae_jax.reporting.song_map.document import document
from musicvae_jax.runtime.files import read_json, replacing
from musicvae_jax.runtime.terminal import Terminal

# In all layouts together. A suite of 25 experiments on 10,000 songs has 250,000.
MOST_DOTS = 300_000
_SOURCES = {"link": linked, "embed": embedded}


def write_run_map(folder: Path, title: str, final: Path, terminal: Terminal) -> None:
    """Writes FOLDER/map.html from FOLDER's files.

    Args:
        folder: a results folder with its config, which need not have its manifest yet.
        title: of the page.
        final: where the folder will be moved to, or the folder itself: links start there.
        terminal: for notices.

    Raises:
        InputError: the folder lacks a file, as results of an earlier version do.
    """
    about = (read_json(folder / CONFIG) or {}).get("map", {})
    audio = MapConfig(**about).audio
    _write(folder / MAP, title, read_contents({"": folder}, MOST_DOTS), audio, final, terminal)


def write_suite_map(
    results_dir: Path,
    title: str,
    folders: Mapping[str, Path],
    audio: MapAudio,
    terminal: Terminal,
) -> None:
    """Writes RESULTS_DIR/map.html with the representations of several runs on the same songs.

    Args:
        results_dir: where to.
        title: of the page.
        folders: experiment to its results folder.
        audio: how the page plays songs.
        terminal: for notices.

    Raises:
        InputError: a folder lacks a file, as results of an earlier version do.
    """
    _write(
        results_dir / MAP, title, read_contents(folders, MOST_DOTS), audio, results_dir, terminal
    )


def _write(
    path: Path, title: str, contents: Contents, audio: MapAudio, final: Path, terminal: Terminal
) -> None:
    paths = [None if pd.isna(cell) else cell for cell in contents.songs["audio_path"]]
    sources = _SOURCES[audio](paths, final)
    if sources.n_linked:
        line = (
            f"the audio of {sources.n_linked:,} songs is linked, not embedded: only "
            f"{MOST_EMBEDDED_BYTES // 10**6} MB of readable files are embedded"
        )
        terminal.notice(f"{final / MAP}: {line}")
        contents = contents._replace(notes=(*contents.notes, f"{line[0].upper()}{line[1:]}."))
    text = document(title, contents, sources.urls)
    with replacing(path) as aside:
        aside.write_text(text, encoding="utf-8", newline="\n")
