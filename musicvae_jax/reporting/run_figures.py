"""A run's figures, from the tables in its folder: whoever has the folder can redraw them."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from musicvae_jax import reporting
from musicvae_jax.pipeline.results import CARDS
from musicvae_jax.runtime.files import read_json
from musicvae_jax.runtime.terminal import Terminal

_DPI = 150
METHOD_NAMES = {"tsne": "t-SNE", "umap": "UMAP"}


def save_figure(figure: Figure, path: Path, dpi: int, terminal: Terminal) -> None:
    """Writes a PNG; says if a label has characters that no installed font has."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(path, dpi=dpi, bbox_inches="tight")
    missing_glyphs = [w for w in caught if "missing from font" in str(w.message)]
    if missing_glyphs:
        terminal.notice(f"{path.name}: no installed font has some of the labels' characters")
    for warning in caught:
        if warning not in missing_glyphs:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )


def draw_figures(folder: Path, title: str, terminal: Terminal) -> None:
    """Draws into FOLDER/figures what FOLDER's tables hold.

    Args:
        folder: a results folder.
        title: names the experiment, the data and the number of songs.
        terminal: for notices.
    """
    (folder / "figures").mkdir()

    def save(figure: Figure, name: str) -> None:
        save_figure(figure, folder / "figures" / f"{name}.png", _DPI, terminal)

    history = pd.read_csv(folder / "history.csv")
    if len(history):
        save(reporting.training_curves(history, title), "training_curves")
    dimensions = pd.read_csv(folder / "posterior.csv")
    if len(dimensions):
        save(reporting.posterior_dimensions(dimensions, title), "posterior")
    curves = pd.read_csv(folder / "cluster_selection.csv")
    first = curves["representation"].iloc[0]
    of_first = curves[curves["representation"] == first]
    save(reporting.cluster_selection(of_first, title), "cluster_selection")
    n_songs = pd.read_csv(folder / "metrics.csv")["n_songs"].max()
    points = pd.read_parquet(folder / "projections.parquet")
    for method, rows in points[points["representation"] == first].groupby("method"):
        sampled = f", a sample of {len(rows):,}" if len(rows) < n_songs else ""
        heading = f"{METHOD_NAMES[method]} of {first}: {title}{sampled}"
        figure = reporting.projection(
            rows[["x", "y"]].to_numpy(), _groups(rows), METHOD_NAMES[method], heading
        )
        save(figure, method)
    cards = read_json(folder / CARDS)
    spectra = reporting.cluster_spectra(cards, f"{cards['representation']}: {title}")
    if spectra is not None:
        save(spectra, "cluster_spectra")
    if (folder / "reconstructions.npz").exists():
        with np.load(folder / "reconstructions.npz") as mels:
            save(reporting.reconstruction_examples(mels, title), "reconstruction_examples")
            save(reporting.latent_interpolation(mels, title), "latent_interpolation")


def _groups(rows: pd.DataFrame) -> dict[str, pd.Series]:
    return {
        "cluster": "cluster " + rows["cluster"].astype(str).str.zfill(2),
        "genre": rows["genre"],
        "language": rows["language"],
    }
