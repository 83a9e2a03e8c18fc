"""A run's figures, from the files in its folder: whoever has the folder can redraw them."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from musicvae_jax.config.folder import FIGURES
from musicvae_jax.reporting.curves import cluster_selection, training_curves
from musicvae_jax.reporting.dimensions import posterior_dimensions
from musicvae_jax.reporting.png import write_png
from musicvae_jax.reporting.reading import (
    read_cards,
    read_manifest,
    read_mels,
    read_projections,
    read_table,
)
from musicvae_jax.reporting.scatter import METHOD_NAMES, projection
from musicvae_jax.reporting.song_map import write_run_map
from musicvae_jax.reporting.spectra import cluster_spectra
from musicvae_jax.reporting.spectrograms import latent_interpolation, reconstruction_examples
from musicvae_jax.runtime.files import remove_abandoned
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.runtime.workers import Workers
from musicvae_jax.songs import songs_name

_DPI = 150


def run_title(experiment: str, songs: Path, n_songs: int) -> str:
    """What figures and tables of a run have as title: experiment, data and number of songs."""
    return f"{experiment} on {songs_name(songs)}, n = {n_songs} songs"


def draw_figures(folder: Path, title: str, workers: Workers, terminal: Terminal) -> None:
    """Draws into FOLDER/figures what FOLDER's files hold; replaces earlier figures.

    Args:
        folder: a results folder, which need not have its manifest yet.
        title: see `run_title`.
        workers: share the figures.
        terminal: for progress and notices.
    """
    _draw_all([(folder, title)], workers, terminal)


def redraw(folders: Sequence[Path], workers: Workers, terminal: Terminal) -> None:
    """Draws the figures and maps of finished runs again, as after a change in how they look.

    Args:
        folders: results folders with a manifest.
        workers: share the figures of all runs.
        terminal: for progress and notices.
    """
    titles = []
    for folder in folders:
        about = read_manifest(folder)
        data = about["data"]
        songs = Path(data["path"])
        titles.append(run_title(about["experiment"], songs, data["clustered_songs"]))
    _draw_all(list(zip(folders, titles, strict=True)), workers, terminal)
    for folder, title in zip(folders, titles, strict=True):
        write_run_map(folder, title, folder, terminal)


def draw_figure(folder: Path, name: str, title: str) -> list[str]:
    """Draws one figure of a run, or removes the earlier one if there is nothing to draw.

    Args:
        folder: a results folder with a folder for figures.
        name: which of the figures.
        title: see `run_title`.

    Returns:
        Notices for the terminal.
    """
    return write_png(_FIGURES[name](folder, title), folder / FIGURES / f"{name}.png", _DPI)


def _draw_all(titles: Sequence[tuple[Path, str]], workers: Workers, terminal: Terminal) -> None:
    for folder, _ in titles:
        (folder / FIGURES).mkdir(exist_ok=True)
        remove_abandoned(folder / FIGURES)
    calls = [(folder, name, title) for folder, title in titles for name in _FIGURES]
    n_songs = max((_n_songs(folder) for folder, _ in titles), default=0)
    with terminal.progress("drawing", len(calls)) as advance:
        for notices in workers.map(draw_figure, calls, n_songs):
            for line in notices:
                terminal.notice(line)
            advance()


def _n_songs(folder: Path) -> int:
    return int(read_table(folder, "metrics")["n_songs"].max())


def _training_curves(folder: Path, title: str) -> Figure | None:
    history = read_table(folder, "history")
    return training_curves(history, title) if len(history) else None


def _posterior(folder: Path, title: str) -> Figure | None:
    dimensions = read_table(folder, "posterior")
    return posterior_dimensions(dimensions, title) if dimensions["kl_nats"].any() else None


def _cluster_selection(folder: Path, title: str) -> Figure:
    curves = read_table(folder, "cluster_selection")
    of_first = curves[curves["representation"] == curves["representation"].iloc[0]]
    return cluster_selection(of_first, title)


def _projection(method: str, folder: Path, title: str) -> Figure | None:
    """Of the first representation."""
    points = read_projections(folder, method)
    if not points:
        return None
    name, rows = next(iter(points.items()))
    sampled = f", a sample of {len(rows):,}" if len(rows) < _n_songs(folder) else ""
    heading = f"{METHOD_NAMES[method]} of {name}: {title}{sampled}"
    return projection(rows[["x", "y"]].to_numpy(), _groups(rows), METHOD_NAMES[method], heading)


def _groups(rows: pd.DataFrame) -> dict[str, pd.Series]:
    return {
        "cluster": "cluster " + rows["cluster"].astype(str).str.zfill(2),
        "genre": rows["genre"],
        "language": rows["language"],
    }


def _cluster_spectra(folder: Path, title: str) -> Figure | None:
    cards = read_cards(folder)
    return cluster_spectra(cards, f"{cards['representation']}: {title}")


def _of_mels(draw: Callable[..., Any], folder: Path, title: str) -> Figure | None:
    mels = read_mels(folder)
    return None if mels is None else draw(mels, title)


# File name to what draws it from a results folder and a title; None where nothing can be drawn.
# Slow ones first, so that no worker draws the last of them alone.
_FIGURES: dict[str, Callable[[Path, str], Figure | None]] = {
    "cluster_spectra": _cluster_spectra,
    "tsne": partial(_projection, "tsne"),
    "umap": partial(_projection, "umap"),
    "training_curves": _training_curves,
    "posterior": _posterior,
    "cluster_selection": _cluster_selection,
    "reconstruction_examples": partial(_of_mels, reconstruction_examples),
    "latent_interpolation": partial(_of_mels, latent_interpolation),
}
