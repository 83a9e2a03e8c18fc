"""What is made of the finished runs of a suite: tables, pictures and the page to read."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from musicvae_jax import reporting
from musicvae_jax.config import Experiment
from musicvae_jax.pipeline import tables
from musicvae_jax.pipeline.listing import member_name
from musicvae_jax.pipeline.results import CARDS, MANIFEST
from musicvae_jax.reporting.run_figures import METHOD_NAMES, save_figure
from musicvae_jax.runtime.files import read_json, replacing
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import songs_name

VISUALIZATIONS = "visualizations"
_DPI = 200
_MIN_COLOURED = 2
Runs = Sequence[Experiment]
Tables = Mapping[str, reporting.SuiteTables]
Draw = Callable[[Runs, Tables, str], Figure | None]


def draw_overview(
    results_dir: Path, finished: Mapping[str, Sequence[Experiment]], terminal: Terminal
) -> None:
    """Writes SUITE_summary.csv, SUITE_task_results.csv, visualizations/ and report.html.

    A picture whose experiments have not run is left out.

    Args:
        results_dir: where to.
        finished: experiments with results, by suite; at least one.
        terminal: for tables and notices.
    """
    runs = [one for of_suite in finished.values() for one in of_suite]
    scores = {
        name: {one.name: pd.read_csv(one.results_dir / f"{name}.csv") for one in runs}
        for name in tables.SCORE_TABLES
    }
    about = {one.name: read_json(one.results_dir / MANIFEST) for one in runs}
    data = about[runs[0].name]["data"]
    title = f"{songs_name(Path(data['path']))}, {data['songs']} songs"
    suite_tables = {
        suite: _write_tables(
            results_dir,
            suite,
            *([scores[name][one.name] for one in of_suite] for name in tables.SCORE_TABLES),
            title,
            terminal,
        )
        for suite, of_suite in finished.items()
        if of_suite
    }
    pictures = _draw_pictures(results_dir / VISUALIZATIONS, runs, suite_tables, title, terminal)
    text = reporting.page(
        f"musicvae_jax on {title}",
        _about_data(data),
        {name: of_run["alarms"] for name, of_run in about.items()},
        reporting.answers(*(pd.concat(scores[name].values()) for name in ("metrics", "spaces"))),
        suite_tables,
        {one.name: read_json(one.results_dir / CARDS) for one in runs},
        pictures,
        _about_runs(about),
    )
    with replacing(results_dir / "report.html") as aside:
        aside.write_text(text, encoding="utf-8")
    terminal.say(f"tables, {len(pictures)} pictures and report.html: {results_dir}")


def _write_tables(
    results_dir: Path,
    suite: str,
    metrics: Sequence[pd.DataFrame],
    significance: Sequence[pd.DataFrame],
    spaces: Sequence[pd.DataFrame],
    title: str,
    terminal: Terminal,
) -> reporting.SuiteTables:
    """Writes and returns a suite's tables; prints the summary."""
    found = reporting.SuiteTables(
        reporting.summary(*(pd.concat(of_one) for of_one in (metrics, significance, spaces))),
        reporting.suite_table(metrics),
    )
    for name, table in (("summary", found.summary), ("task_results", found.every_clusterer)):
        with replacing(results_dir / f"{suite}_{name}.csv") as aside:
            aside.write_text(tables.to_csv(table), encoding="utf-8")
    heading = f"{suite} experiments on {title}"
    terminal.show(reporting.score_table(reporting.distinct(found.summary), heading))
    return found


def _draw_pictures(
    folder: Path, runs: Runs, suite_tables: Tables, title: str, terminal: Terminal
) -> dict[str, tuple[bytes, str]]:
    """Draws what the runs allow, and returns the PNGs with their captions."""
    folder.mkdir(exist_ok=True)
    drawn = {}
    with terminal.progress("drawing", len(_PICTURES)) as advance:
        for name, (draw, caption) in _PICTURES.items():
            path = folder / f"{name}.png"
            path.unlink(missing_ok=True)
            figure = draw(runs, suite_tables, title)
            if figure is not None:
                save_figure(figure, path, _DPI, terminal)
                drawn[name] = (path.read_bytes(), caption)
            advance()
    return drawn


def _about_data(data: Mapping) -> dict[str, object]:
    return {
        "file": Path(data["path"]).name,
        "SHA-256": data["sha256"][:16],
        "songs": f"{data['songs']}, {data['rejected']} of {data['rows']} rows rejected",
        "held out of training": f"{data['heldout_songs']} songs, by artists that training lacks",
        "with lyrics": data["with_lyrics"],
        **{f"{name}s": data[f"{name}s"] for name in tables.LABELS},
    }


def _about_runs(about: Mapping[str, Mapping]) -> dict[str, object]:
    first = next(iter(about.values()))
    runtimes = {run["lyrics"]["runtime"] for run in about.values() if run["lyrics"]}
    seconds = sum(sum(run["seconds"].values()) for run in about.values())
    return {
        "experiments": ", ".join(about),
        "seeds": ", ".join(map(str, first["seeds"])),
        "lyrics runtime": ", ".join(sorted(runtimes)) or "none used",
        "device": f"{first['device']['count']} x {first['device']['kind']}",
        "wall time of the experiments": f"{seconds:.0f} s",
        "code": first["code"][:16],
        "versions": ", ".join(f"{name} {number}" for name, number in first["versions"].items()),
    }


def _training_curves(runs: Runs, _: Tables, title: str) -> Figure | None:
    histories = {
        one.name: pd.read_csv(one.results_dir / "history.csv")
        for one in runs
        if one.model.is_trained
    }
    return reporting.training_overview(histories, title) if histories else None


def _cluster_selection(runs: Runs, _: Tables, title: str) -> Figure:
    curves = {}
    for one in runs:
        table = pd.read_csv(one.results_dir / "cluster_selection.csv")
        for name, rows in table.groupby("representation", sort=False):
            curves[f"{one.name}: {name}"] = rows
    return reporting.selection_overview(curves, title)


def _projections(runs: Runs, method: str, title: str) -> Figure | None:
    points = {}
    for one in runs:
        table = pd.read_parquet(one.results_dir / "projections.parquet")
        for name, rows in table[table["method"] == method].groupby("representation", sort=False):
            points[f"{one.name}:\n{name}"] = rows
    colourings = _coloured(points, ("genre", "language"))
    approximated = [read_json(one.results_dir / MANIFEST)["approximated"] for one in runs]
    samples = dict.fromkeys(how[method] for how in approximated if method in how)
    name, title = METHOD_NAMES[method], ", ".join([title, *samples])
    return reporting.projection_grid(points, colourings, name, title) if points else None


def _coloured(points: Mapping[str, pd.DataFrame], kinds: Sequence[str]) -> list[str]:
    """The kinds of label that tell songs apart, else the clusters."""
    found = [
        kind
        for kind in kinds
        if any(rows[kind].nunique() >= _MIN_COLOURED for rows in points.values())
    ]
    return found or ["cluster"]


def _tsne(runs: Runs, _: Tables, title: str) -> Figure | None:
    return _projections(runs, "tsne", title)


def _umap(runs: Runs, _: Tables, title: str) -> Figure | None:
    return _projections(runs, "umap", title)


def _beta_vae_latent_spaces(runs: Runs, _: Tables, title: str) -> Figure | None:
    sweep = [one for one in runs if len(one.train.beta) > 1]
    return _projections(sweep, "tsne", title) if sweep else None


def _disentanglement(runs: Runs, _: Tables, title: str) -> Figure | None:
    """Of sweeps of beta alone, on songs whose factors are known."""
    curves = {}
    for one in runs:
        if len(one.train.beta) > 1 and len(one.train.learning_rate) == 1:
            betas = {member_name(one, member): member.beta for member in one.members}
            table = pd.read_csv(one.results_dir / "disentanglement.csv")
            rows = table.assign(beta=table["representation"].map(betas)).query("beta > 0")
            if rows["beta"].nunique() > 1:
                curves[one.name] = rows
    return reporting.disentanglement_curves(curves, title) if curves else None


def _cluster_distributions(runs: Runs, _: Tables, title: str) -> Figure | None:
    """Of the first VAE that has run, else of the first experiment, under its first seed."""
    of_vae = [one for one in runs if one.model.kind == "vae" and not one.fuse] or list(runs)
    one = of_vae[0]
    latents = pd.read_parquet(one.results_dir / "latents.parquet")
    name = latents["representation"].iloc[0]
    songs = latents[(latents["representation"] == name) & (latents["seed"] == one.seeds[0])]
    kinds = [kind for kind in ("genre", "language") if songs[kind].notna().any()]
    heading = f"{name} of {one.name}, K-Means, seed {one.seeds[0]}, {title}"
    return reporting.cluster_distributions(songs, kinds, heading) if kinds else None


def _of_crops(draw: Callable[[Mapping, str], Figure]) -> Draw:
    """A picture of the mels that the first model of crops has left."""

    def draw_first(runs: Runs, _: Tables, title: str) -> Figure | None:
        found = (one.results_dir / "reconstructions.npz" for one in runs)
        path = next((path for path in found if path.exists()), None)
        if path is None:
            return None
        with np.load(path) as mels:
            return draw(mels, title)

    return draw_first


def _comprehensive_results(_: Runs, suite_tables: Tables, title: str) -> Figure:
    everything = [tables.every_clusterer for tables in suite_tables.values()]
    return reporting.comprehensive_results(pd.concat(everything, ignore_index=True), title)


def _language_tradeoff(_: Runs, suite_tables: Tables, title: str) -> Figure | None:
    everything = [tables.summary for tables in suite_tables.values()]
    table = pd.concat(everything, ignore_index=True)
    if not table["language_mixing_mean"].notna().any():
        return None
    return reporting.language_tradeoff(table, title)


_PICTURES = {
    "comprehensive_results": (
        _comprehensive_results,
        "Scores of every representation under K-Means. Silhouette describes a representation's own "
        "space and does not compare between representations.",
    ),
    "language_tradeoff": (
        _language_tradeoff,
        "Genre AMI against how well languages mix. A representation that groups by genre and not "
        "by language is to the right and above; one to the left may have genres from languages.",
    ),
    "umap_visualization": (
        _umap,
        "UMAP of every representation under the first seed; distances in it are not evidence.",
    ),
    "tsne_visualization": (
        _tsne,
        "t-SNE of every representation under the first seed; distances in it are not evidence.",
    ),
    "cluster_distributions": (
        _cluster_distributions,
        "What the clusters of the VAE's latents are made of.",
    ),
    "cluster_selection": (
        _cluster_selection,
        "Inertia and silhouette of K-Means over the number of clusters.",
    ),
    "training_curves": (
        _training_curves,
        "Losses and active latent dimensions; few active dimensions are a collapsed posterior.",
    ),
    "beta_vae_latent_spaces": (
        _beta_vae_latent_spaces,
        "The latent spaces of VAEs with a growing weight on the KL term.",
    ),
    "disentanglement": (
        _disentanglement,
        "How far single latent dimensions stand for single known factors of the songs, over the "
        "weight on the KL term.",
    ),
    "reconstruction_examples": (
        _of_crops(reporting.reconstruction_examples),
        "Held-out songs and what the convolutional VAE makes of them from 64 numbers.",
    ),
    "latent_interpolation": (
        _of_crops(reporting.latent_interpolation),
        "Decoded points on the straight line between the latents of two held-out songs.",
    ),
}
