"""One experiment from songs to figures; each stage is a function of the stages before it."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.checkpoints import Checkpoint, save_checkpoint, training_settings
from musicvae_jax.clustering import sample_songs, sample_text
from musicvae_jax.config import Experiment, RuntimeConfig, to_json
from musicvae_jax.config.folder import (
    CARDS,
    MANIFEST,
    PROJECTIONS,
    RECONSTRUCTIONS,
    SCORE_TABLES,
)
from musicvae_jax.features import SongFeatures
from musicvae_jax.pipeline import projections, tables
from musicvae_jax.pipeline.fit import encode_all, learn, mel_examples
from musicvae_jax.pipeline.inputs import Inputs, prepare_inputs, read_songs
from musicvae_jax.pipeline.listing import Representation, representations
from musicvae_jax.pipeline.manifest import Stopwatch, code_version, manifest
from musicvae_jax.pipeline.results import CHECKPOINT, staged_results
from musicvae_jax.runtime.devices import first_does
from musicvae_jax.runtime.files import write_csv, write_json
from musicvae_jax.runtime.lock import only_run
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.runtime.workers import Workers
from musicvae_jax.songs import Songs
from musicvae_jax.training.resume import discard_unfinished

if TYPE_CHECKING:
    from musicvae_jax.pipeline.cluster import Clustered
    from musicvae_jax.pipeline.evidence import Evidence
    from musicvae_jax.pipeline.health import Health


class _Learnt(NamedTuple):
    """What all processes of a run make together; no checkpoint where nothing is trained."""

    songs: Songs
    features: SongFeatures
    inputs: Inputs
    checkpoint: Checkpoint | None
    latents: np.ndarray | None
    settings: Mapping[str, Any] | None


def run_experiment(
    experiment: Experiment, runtime: RuntimeConfig, workers: Workers, terminal: Terminal
) -> None:
    """Runs an experiment and leaves its results folder and checkpoint.

    Of several processes the first one writes them; the others read, train and encode with it.

    Args:
        experiment: with its song file and lyrics runtime resolved, see `inputs.resolve`.
        runtime: devices, and how an unfinished training is kept.
        workers: for clustering and projections.
        terminal: for progress and notices.

    Raises:
        InputError: the songs, the settings or the output folder cannot be used.
        DivergenceError: training reached NaN or infinity.
        StoppedError: a signal came; what was trained is kept, and the same call goes on.
    """
    # scikit-learn and matplotlib take seconds to import, so training does not wait for them.
    watch = Stopwatch()
    with ExitStack() as lock, ExitStack() as results:

        def claim() -> Path:
            name, results_dir = experiment.name, experiment.results_dir
            lock.enter_context(only_run(results_dir))
            return results.enter_context(
                staged_results(name, results_dir, experiment.checkpoint_dir)
            )

        stage = first_does(claim, "output folder")
        learnt = _learn(experiment, runtime, watch, terminal)
        if stage is None:
            return
        _write_results(experiment, learnt, stage, watch, workers, terminal)
        # Puts them in place; only then is what they were made from not needed any more.
        results.close()
        if learnt.settings and not discard_unfinished(experiment.unfinished_dir, learnt.settings):
            terminal.notice(
                f"{experiment.unfinished_dir} holds an unfinished training with other settings, "
                "which is kept"
            )


def _learn(
    experiment: Experiment, runtime: RuntimeConfig, watch: Stopwatch, terminal: Terminal
) -> _Learnt:
    with watch.stage("features"):
        songs, features = read_songs(experiment, terminal)
        inputs = prepare_inputs(experiment, songs, features, terminal)
    if not experiment.model.is_trained:
        return _Learnt(songs, features, inputs, None, None, None)
    with watch.stage("training"):
        settings = training_settings(
            experiment, songs.fingerprint, code_version(), inputs.lyrics_transform
        )
        checkpoint = learn(experiment, inputs, settings, runtime, terminal)
        latents = encode_all(checkpoint, inputs, runtime)
    return _Learnt(songs, features, inputs, checkpoint, latents, settings)


def _write_results(
    experiment: Experiment,
    learnt: _Learnt,
    stage: Path,
    watch: Stopwatch,
    workers: Workers,
    terminal: Terminal,
) -> None:
    songs, features, inputs, checkpoint, latents, _ = learnt
    if checkpoint is not None:
        save_checkpoint(stage / CHECKPOINT, checkpoint)
    with watch.stage("posteriors"):
        from musicvae_jax.pipeline.health import posterior_health

        health = posterior_health(checkpoint, inputs)
    for alarm in health.alarms:
        terminal.notice(alarm)
    scored_songs = features.table.iloc[inputs.scored].reset_index(drop=True)
    with watch.stage("clustering"):
        from musicvae_jax.pipeline.cards import cards
        from musicvae_jax.pipeline.cluster import cluster
        from musicvae_jax.pipeline.evidence import evidence
        from musicvae_jax.pipeline.factors import score_factors
        from musicvae_jax.pipeline.stability import score_stability

        shown = representations(experiment, features, inputs, latents, terminal)
        shared = inputs.scored_audio
        clustered = cluster(experiment, shown, scored_songs, shared, workers, terminal)
    clusters, k = clustered.clusters, clustered.chosen_k
    with watch.stage("evidence"):
        behind = evidence(experiment, shown, clusters, scored_songs, workers, terminal)
    with watch.stage("stability"):
        stable = score_stability(experiment, shown, k, clusters, scored_songs, workers)
    with watch.stage("factors"):
        disentangled = score_factors(experiment, shown, scored_songs, workers, terminal)
    with watch.stage("writing"):
        _write_csv(stage, {"stability": stable.table, "disentanglement": disentangled.table})
        _write_tables(
            stage, checkpoint, health, features, inputs, shown, clustered, behind, experiment
        )
        found = cards(experiment, shown, clusters, features, inputs.scored)
        write_json(stage / CARDS, found)
        if checkpoint is not None and inputs.crops is not None:
            examples = mel_examples(checkpoint, inputs, features.table)
            np.savez_compressed(stage / RECONSTRUCTIONS, **examples)
    with watch.stage("figures"):
        from musicvae_jax.reporting.run_figures import draw_figures, run_title

        projected = _write_projections(stage, experiment, workers, terminal)
        title = run_title(experiment.name, songs.path, len(scored_songs))
        draw_figures(stage, title, workers, terminal)
    approximated = clustered.approximated | behind.approximated | stable.approximated
    approximated |= disentangled.approximated | projected
    _tell_approximated(approximated, experiment, len(scored_songs), terminal)
    write_json(stage / "config.json", to_json(experiment))
    about = manifest(experiment, songs, features, inputs, health.alarms, approximated, watch)
    write_json(stage / MANIFEST, about)


def show_results(experiment: Experiment, terminal: Terminal) -> None:
    """Prints the scores of a finished run and where everything is."""
    from musicvae_jax import reporting
    from musicvae_jax.reporting.reading import read_table
    from musicvae_jax.reporting.run_figures import run_title

    metrics, significance, spaces = (
        read_table(experiment.results_dir, name) for name in SCORE_TABLES
    )
    title = run_title(experiment.name, experiment.data.path, metrics["n_songs"].max())
    terminal.show(reporting.score_table(reporting.summary(metrics, significance, spaces), title))
    terminal.say(f"results: {experiment.results_dir}")
    if experiment.model.is_trained:
        terminal.say(f"checkpoint: {experiment.checkpoint_dir}")


def _tell_approximated(
    approximated: Mapping[str, str], experiment: Experiment, n_songs: int, terminal: Terminal
) -> None:
    if approximated:
        terminal.notice(
            f"{n_songs:,} songs are more than cluster.exact_songs, which is "
            f"{experiment.cluster.exact_songs:,}, so these are approximate: "
            f"{', '.join(approximated)}; {MANIFEST} tells how"
        )


def _write_tables(
    stage: Path,
    checkpoint: Checkpoint | None,
    health: "Health",
    features: SongFeatures,
    inputs: Inputs,
    shown: list[Representation],
    clustered: "Clustered",
    behind: "Evidence",
    experiment: Experiment,
) -> None:
    history = None if checkpoint is None else checkpoint.history
    has_kl = experiment.model.kind != "ae"
    of_stages = {
        "metrics": clustered.metrics,
        "significance": behind.significance,
        "spaces": behind.spaces,
        "history": tables.history_table(experiment.members, history, has_kl),
        "posterior": health.dimensions,
        "posterior_summary": health.members,
        "cluster_selection": tables.selection_table(clustered.curves, clustered.chosen_k),
        "rejected": tables.rejected_table(features.rejected),
    }
    _write_csv(stage, of_stages)
    points = {
        (one.name, seed): tables.LatentsAndClusters(x, clustered.clusters[one.name, seed])
        for one in shown
        if one.role == "own"
        for seed, x in zip(experiment.seeds, one.points, strict=True)
    }
    songs = features.table.iloc[inputs.scored]
    heldout = np.isin(inputs.scored, inputs.split.heldout)
    latents = tables.latents_table(songs, heldout, points)
    latents.to_parquet(stage / "latents.parquet", index=False)


def _write_csv(stage: Path, by_name: Mapping[str, pd.DataFrame]) -> None:
    for name, table in by_name.items():
        write_csv(stage / f"{name}.csv", table)


def _write_projections(
    stage: Path, experiment: Experiment, workers: Workers, terminal: Terminal
) -> dict[str, str]:
    """t-SNE and UMAP of every own representation under the first seed; returns what is sampled.

    Of many songs a sample is shown, the same of every representation: t-SNE takes minutes above
    10,000, and a picture has no room for more.
    """
    seed, exact_songs = experiment.seeds[0], experiment.cluster.exact_songs
    latents = pd.read_parquet(stage / "latents.parquet", filters=[("seed", "==", seed)])
    by_name = dict(list(latents.groupby("representation", sort=False)))
    n_songs = max(map(len, by_name.values()))
    is_sampled = n_songs > exact_songs
    if is_sampled:
        places = sample_songs(n_songs, exact_songs, seed)
        by_name = {name: rows.iloc[places] for name, rows in by_name.items()}
        n_songs = exact_songs
    if n_songs < projections.MIN_SONGS:
        terminal.notice(
            f"t-SNE and UMAP are left out: got {n_songs} songs, expected at least "
            f"{projections.MIN_SONGS}"
        )
        by_name = {}
    placed = _project(by_name, seed, n_songs, workers, terminal)
    about = ["music_id", "cluster", "genre", "language"]
    tables_of_all = [
        pd.DataFrame(place, columns=["x", "y"])
        .join(by_name[name][about].reset_index(drop=True))
        .assign(representation=name, method=method)
        for (name, method), place in placed.items()
    ]
    columns = ["x", "y", *about, "representation", "method"]
    empty = pd.DataFrame(columns=columns)
    table = pd.concat(tables_of_all, ignore_index=True) if tables_of_all else empty
    table.to_parquet(stage / PROJECTIONS, index=False)
    methods = table["method"].unique() if is_sampled else ()
    return dict.fromkeys(methods, sample_text(n_songs))


def _project(
    by_name: dict[str, pd.DataFrame],
    seed: int,
    n_songs: int,
    workers: Workers,
    terminal: Terminal,
) -> dict[tuple[str, str], np.ndarray]:
    """Coordinates `[songs, 2]` by representation and method."""
    points = [rows.filter(like="latent_").dropna(axis=1).to_numpy() for rows in by_name.values()]
    # Every process that makes a UMAP compiles for some 15 seconds first, so only this one does.
    tsnes = workers.map(projections.tsne, [(x, seed) for x in points], n_songs)
    found = {}
    with terminal.progress("projecting", 2 * len(points)) as advance:
        for name, x in zip(by_name, points, strict=True):
            found[name, "umap"] = projections.umap(x, seed)
            advance()
        for name, place in zip(by_name, tsnes, strict=True):
            found[name, "tsne"] = place
            advance()
    return found
