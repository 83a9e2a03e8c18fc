"""The pictures of a suite: which there are, what each is drawn from, and their captions."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from musicvae_jax.config import Experiment
from musicvae_jax.config.naming import member_name
from musicvae_jax.reporting.curves import selection_overview, training_overview
from musicvae_jax.reporting.factor_curves import disentanglement_curves
from musicvae_jax.reporting.groups import cluster_distributions
from musicvae_jax.reporting.overview import comprehensive_results
from musicvae_jax.reporting.png import write_png
from musicvae_jax.reporting.reading import (
    read_manifest,
    read_mels,
    read_projections,
    read_table,
)
from musicvae_jax.reporting.roles import (
    is_trained,
    is_vae,
    sweeps_beta,
    sweeps_learning_rate,
)
from musicvae_jax.reporting.scatter import METHOD_NAMES, projection_grid
from musicvae_jax.reporting.spectrograms import latent_interpolation, reconstruction_examples
from musicvae_jax.reporting.suite_table import SuiteTables
from musicvae_jax.reporting.tradeoff import language_tradeoff

_DPI = 200
_MIN_COLOURED = 2
Runs = Sequence[Experiment]
Tables = Mapping[str, SuiteTables]


class Picture(NamedTuple):
    """A picture of a suite.

    Attributes:
        title: above its caption.
        draw: given the finished runs, the suites' tables and a title; None where these runs have
            nothing to draw.
        caption: what it shows and how to read it.
    """

    title: str
    draw: Callable[[Runs, Tables, str], Figure | None]
    caption: str


def draw_picture(name: str, runs: Runs, tables: Tables, title: str, folder: Path) -> list[str]:
    """Draws one picture of a suite, or removes an earlier one if there is nothing to draw.

    Args:
        name: which of `PICTURES`.
        runs: experiments with results.
        tables: of their suites.
        title: names the data and the number of songs.
        folder: where FOLDER/NAME.png goes.

    Returns:
        Notices for the terminal.
    """
    return write_png(PICTURES[name].draw(runs, tables, title), folder / f"{name}.png", _DPI)


def _training_curves(runs: Runs, _: Tables, title: str) -> Figure | None:
    histories = {
        one.name: read_table(one.results_dir, "history") for one in runs if is_trained(one)
    }
    return training_overview(histories, title) if histories else None


def _cluster_selection(runs: Runs, _: Tables, title: str) -> Figure:
    curves = {}
    for one in runs:
        table = read_table(one.results_dir, "cluster_selection")
        for name, rows in table.groupby("representation", sort=False):
            curves[f"{one.name}: {name}"] = rows
    return selection_overview(curves, title)


def _projections(method: str, runs: Runs, _: Tables, title: str) -> Figure | None:
    points = {
        f"{one.name}:\n{name}": rows
        for one in runs
        for name, rows in read_projections(one.results_dir, method).items()
    }
    if not points:
        return None
    approximated = [read_manifest(one.results_dir)["approximated"] for one in runs]
    samples = dict.fromkeys(how[method] for how in approximated if method in how)
    heading = ", ".join([title, *samples])
    colourings = _colourings(points, ("genre", "language"))
    return projection_grid(points, colourings, METHOD_NAMES[method], heading)


def _colourings(points: Mapping[str, pd.DataFrame], labels: Sequence[str]) -> list[str]:
    """The labels that tell songs apart, else the clusters."""
    found = [
        label
        for label in labels
        if any(rows[label].nunique() >= _MIN_COLOURED for rows in points.values())
    ]
    return found or ["cluster"]


def _beta_vae_latent_spaces(runs: Runs, tables: Tables, title: str) -> Figure | None:
    return _projections("tsne", list(filter(sweeps_beta, runs)), tables, title)


def _disentanglement(runs: Runs, _: Tables, title: str) -> Figure | None:
    """Of sweeps of beta alone, on songs whose factors are known."""
    curves = {}
    for one in runs:
        if sweeps_beta(one) and not sweeps_learning_rate(one):
            betas = {member_name(one, member): member.beta for member in one.members}
            table = read_table(one.results_dir, "disentanglement")
            rows = table.assign(beta=table["representation"].map(betas)).query("beta > 0")
            if rows["beta"].nunique() > 1:
                curves[one.name] = rows
    return disentanglement_curves(curves, title) if curves else None


def _cluster_distributions(runs: Runs, _: Tables, title: str) -> Figure | None:
    """Of the first VAE that has run, else of the first experiment, under its first seed."""
    one = next(filter(is_vae, runs), runs[0])
    latents = pd.read_parquet(one.results_dir / "latents.parquet")
    name = latents["representation"].iloc[0]
    songs = latents[(latents["representation"] == name) & (latents["seed"] == one.seeds[0])]
    labels = [label for label in ("genre", "language") if songs[label].notna().any()]
    heading = f"{name} of {one.name}, K-Means, seed {one.seeds[0]}, {title}"
    return cluster_distributions(songs, labels, heading) if labels else None


def _first_mels(draw: Callable[..., Any], runs: Runs, _: Tables, title: str) -> Figure | None:
    """Of the first model of crops."""
    found = (read_mels(one.results_dir) for one in runs)
    mels = next((one for one in found if one is not None), None)
    return None if mels is None else draw(mels, title)


def _comprehensive_results(_: Runs, tables: Tables, title: str) -> Figure:
    everything = pd.concat([of_one.every_clusterer for of_one in tables.values()])
    return comprehensive_results(everything.reset_index(drop=True), title)


def _language_tradeoff(_: Runs, tables: Tables, title: str) -> Figure | None:
    table = pd.concat([of_one.summary for of_one in tables.values()], ignore_index=True)
    has_mixing = table["language_mixing_mean"].notna().any()
    return language_tradeoff(table, title) if has_mixing else None


# In the order of the page.
PICTURES = {
    "comprehensive_results": Picture(
        "Scores of every representation",
        _comprehensive_results,
        "Scores of every representation under K-Means. Silhouette describes a representation's own "
        "space and does not compare between representations.",
    ),
    "language_tradeoff": Picture(
        "Genre against language",
        _language_tradeoff,
        "Genre AMI against how well languages mix. A representation that groups by genre and not "
        "by language is to the right and above; one to the left may have genres from languages.",
    ),
    "umap_visualization": Picture(
        "UMAP",
        partial(_projections, "umap"),
        "UMAP of every representation under the first seed; distances in it are not evidence.",
    ),
    "tsne_visualization": Picture(
        "t-SNE",
        partial(_projections, "tsne"),
        "t-SNE of every representation under the first seed; distances in it are not evidence.",
    ),
    "cluster_distributions": Picture(
        "What clusters are made of",
        _cluster_distributions,
        "How many songs of each genre and language the clusters of one representation have.",
    ),
    "cluster_selection": Picture(
        "Choice of k",
        _cluster_selection,
        "Inertia and silhouette of K-Means over the number of clusters.",
    ),
    "training_curves": Picture(
        "Training",
        _training_curves,
        "Losses and active latent dimensions; few active dimensions are a collapsed posterior.",
    ),
    "beta_vae_latent_spaces": Picture(
        "Latent spaces over beta",
        _beta_vae_latent_spaces,
        "The latent spaces of VAEs with a growing weight on the KL term.",
    ),
    "disentanglement": Picture(
        "Disentanglement",
        _disentanglement,
        "How far single latent dimensions stand for single known factors of the songs, over the "
        "weight on the KL term.",
    ),
    "reconstruction_examples": Picture(
        "Reconstructions",
        partial(_first_mels, reconstruction_examples),
        "Held-out songs and what the decoder makes of their latents.",
    ),
    "latent_interpolation": Picture(
        "Interpolation",
        partial(_first_mels, latent_interpolation),
        "Decoded points on the straight line between the latents of two held-out songs.",
    ),
}
