"""One experiment from songs to figures; each stage is a function of the stages before it."""

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from musicvae_jax.config import Experiment, RuntimeConfig, to_json
from musicvae_jax.config.folder import (
    CARDS,
    CONFIG,
    MANIFEST,
    MODEL_CARD,
    PROJECTIONS,
    RECONSTRUCTIONS,
)
from musicvae_jax.pipeline import tables
from musicvae_jax.pipeline.fit import Fitted, fit
from musicvae_jax.pipeline.manifest import manifest, note_code
from musicvae_jax.pipeline.results import CHECKPOINT, staged_results
from musicvae_jax.pipeline.stages import Stages
from musicvae_jax.pipeline.train_or_find import Saving
from musicvae_jax.pipeline.training_key import training_settings
from musicvae_jax.runtime.devices import first_does, first_process_first, is_first
from musicvae_jax.runtime.files import write_csv, write_json
from musicvae_jax.runtime.lock import only_run
from musicvae_jax.runtime.stopwatch import Stopwatch
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.runtime.workers import Workers
from musicvae_jax.songs import Songs, load_songs
from musicvae_jax.tracking import open_tracker
from musicvae_jax.trained import save
from musicvae_jax.training.resume import discard_interrupted

# In the order they are timed; some run beside others.
STAGES = (
    *("songs", "features", "training", "posteriors", "clustering", "projections"),
    *("evidence", "comparisons", "stability", "factors", "writing", "figures"),
)


def run_experiment(
    experiment: Experiment,
    runtime: RuntimeConfig,
    workers: Workers,
    terminal: Terminal,
    songs: Songs | None = None,
    watch: Stopwatch | None = None,
) -> None:
    """Runs an experiment and writes its results folder and checkpoint.

    With several processes, the first one writes them; the others read, train and encode with it.

    Args:
        experiment: with its song file and lyrics runtime resolved, see `resolve`.
        runtime: devices, how a training is saved while it runs, and what follows it.
        workers: for clustering, projections and figures.
        terminal: for progress and notices.
        songs: the experiment's song file, if it is open; otherwise it is opened.
        watch: has timed the stages before, if any; see `stopwatch`.

    Raises:
        InputError: the songs, the settings or the output folder cannot be used.
        DivergenceError: training reached NaN or infinity.
        StoppedError: a signal arrived; the training is saved, and the same call resumes it.
    """
    watch = watch or stopwatch(terminal)
    note_code()
    with (
        terminal.task(experiment.name),
        ExitStack() as lock,
        ExitStack() as results,
        ExitStack() as tracked,
    ):

        def claim() -> Path:
            name, results_dir = experiment.name, experiment.results_dir
            lock.enter_context(only_run(results_dir))
            return results.enter_context(
                staged_results(name, results_dir, experiment.checkpoint_dir)
            )

        folder = first_does(claim, "output folder")
        saving = Saving(experiment.resume_dir, _neighbours(experiment))
        with watch.stage("songs"):
            songs = songs or open_songs(experiment, terminal)
        tracker = tracked.enter_context(
            open_tracker(runtime.track if is_first() else None, experiment)
        )
        on_epochs = None if tracker is None else tracker.on_epochs
        fitted = fit(experiment, songs, runtime, terminal, saving, on_epochs, watch)
        if folder is None:
            return
        stages = Stages(experiment.features.cache_dir / "stages", runtime.fresh, workers)
        _write_results(songs, fitted, folder, stages, workers, watch, terminal)
        # Puts the results in place; only then can the interrupted training be discarded.
        results.close()
        _discard_interrupted(fitted, songs, terminal)
        # A tracker that fails costs no results.
        if tracker is not None:
            from musicvae_jax.tracking.outcome import read_outcome

            tracker.on_outcome(read_outcome(experiment.results_dir, experiment))


def stopwatch(terminal: Terminal) -> Stopwatch:
    """Takes the time of a run's stages, and shows which of how many runs."""
    return Stopwatch(partial(terminal.stage, names=STAGES))


def open_songs(experiment: Experiment, terminal: Terminal) -> Songs:
    """Opens a resolved experiment's songs, in the first process first: it may fill a cache."""
    with first_process_first("songs"):
        return load_songs(
            experiment.data.source, experiment.data, experiment.features.cache_dir, terminal
        )


def _neighbours(experiment: Experiment) -> tuple[Path, ...]:
    """Checkpoint folders of runs with the same parent folder as this one."""
    if experiment.output_dir is None:
        return tuple(sorted(experiment.checkpoint_dir.parent.glob("*")))
    return tuple(sorted(experiment.output_dir.parent.glob(f"*/{experiment.checkpoint_dir.name}")))


def _write_results(
    songs: Songs,
    fitted: Fitted,
    folder: Path,
    stages: Stages,
    workers: Workers,
    watch: Stopwatch,
    terminal: Terminal,
) -> None:
    # scikit-learn and matplotlib take seconds to import, so import them after training.
    from musicvae_jax.pipeline.card import card_of
    from musicvae_jax.pipeline.cards import cards
    from musicvae_jax.pipeline.cluster import start_clustering
    from musicvae_jax.pipeline.clustered_songs import known_songs
    from musicvae_jax.pipeline.compare import start_comparisons
    from musicvae_jax.pipeline.evidence import start_evidence
    from musicvae_jax.pipeline.examples import mel_examples
    from musicvae_jax.pipeline.factors import start_factors
    from musicvae_jax.pipeline.listing import list_representations
    from musicvae_jax.pipeline.map_files import start_neighbours, write_map_files
    from musicvae_jax.pipeline.posteriors import posterior_health
    from musicvae_jax.pipeline.project import start_projections
    from musicvae_jax.pipeline.stability import start_stability
    from musicvae_jax.reporting.run_figures import draw_figures, run_title
    from musicvae_jax.reporting.song_map import write_run_map

    experiment, trained = fitted.trained.experiment, fitted.trained
    name, config = experiment.name, experiment.cluster
    with watch.stage("posteriors"):
        health = posterior_health(fitted)
    for alarm in health.alarms:
        terminal.notice(alarm)
    listing, most = list_representations(fitted), config.exact_songs
    # Stages start before those before them are waited for, so that no worker is idle.
    finish_clustering = start_clustering(name, listing, config, stages, terminal)
    finish_projections = start_projections(listing, most, stages, terminal)
    with watch.stage("clustering"):
        clustered = finish_clustering()
    clusters = clustered.clusters
    finish_evidence = start_evidence(name, listing, clusters, most, stages, terminal)
    finish_comparisons = start_comparisons(name, listing, clusters, most, stages, terminal)
    # Several fusions or decoded features of one model are no sweep.
    model = experiment.model
    is_sweep = model.traits.trained and not (experiment.fuse or model.decoded)
    finish_stability = start_stability(name, listing, is_sweep, clustered, config, stages)
    finish_factors = start_factors(name, listing, most, stages, terminal)
    finish_neighbours = start_neighbours(listing, most, stages)
    with watch.stage("projections"):
        projected, sampled = finish_projections(clusters)
    with watch.stage("evidence"):
        evidence = finish_evidence()
    with watch.stage("comparisons"):
        comparisons = finish_comparisons()
    with watch.stage("stability"):
        stability = finish_stability()
    with watch.stage("factors"):
        factors = finish_factors()
    with watch.stage("writing"):
        heldout = np.isin(fitted.scored, fitted.split.heldout)
        of_stages = {
            "metrics": clustered.metrics,
            "significance": evidence.significance,
            "spaces": evidence.spaces,
            "comparisons": comparisons.table,
            "stability": stability.table,
            "disentanglement": factors.table,
            "history": tables.history_table(trained),
            "posterior": health.dimensions,
            "posterior_summary": health.members,
            "cluster_selection": tables.selection_table(
                clustered.curves, clustered.chosen_k, experiment.cluster
            ),
            "rejected": tables.rejected_table((*fitted.inputs.rejected, *songs.unused)),
        }
        _write_tables(folder, of_stages)
        latents = tables.latents_table(listing, heldout, clusters)
        latents.to_parquet(folder / "latents.parquet", index=False)
        projected.to_parquet(folder / PROJECTIONS, index=False)
        known = known_songs(trained, listing, clustered)
        save(trained._replace(known=known), folder / CHECKPOINT)
        write_json(folder / CARDS, cards(fitted, listing, clusters))
        if fitted.inputs.crops is not None:
            arrays: dict[str, Any] = mel_examples(fitted)
            np.savez_compressed(folder / RECONSTRUCTIONS, **arrays)
        write_map_files(songs, fitted, listing, finish_neighbours(), folder)
        # The map reads it.
        write_json(folder / CONFIG, to_json(experiment))
    n_songs = len(listing.songs)
    with watch.stage("figures"):
        title = run_title(name, songs.path, n_songs)
        draw_figures(folder, title, workers, terminal)
        write_run_map(folder, title, experiment.results_dir, terminal)
    approximated = (
        clustered.approximated
        | evidence.approximated
        | comparisons.approximated
        | stability.approximated
        | factors.approximated
        | sampled
    )
    _notice_approximated(approximated, config.exact_songs, n_songs, terminal)
    where = _stages_table(fitted, stages)
    about = manifest(fitted, songs, health.alarms, approximated, where, watch)
    card = card_of(trained, folder, about, experiment.checkpoint_dir)
    (folder / CHECKPOINT / MODEL_CARD).write_text(card, encoding="utf-8")
    write_json(folder / MANIFEST, about)


def _write_tables(folder: Path, by_name: Mapping[str, pd.DataFrame]) -> None:
    for name, table in by_name.items():
        write_csv(folder / f"{name}.csv", table)


def _stages_table(fitted: Fitted, stages: Stages) -> dict[str, dict[str, object]]:
    """How many parts of each stage were computed, how many were found, and where."""
    cache_dir = fitted.trained.experiment.features.cache_dir
    is_found = fitted.features.from_cache
    about = {"features": _counted(not is_found, is_found, cache_dir if is_found else None)}
    if fitted.trained.state is not None:
        is_found = fitted.found is not None
        about["training"] = _counted(not is_found, is_found, fitted.found)
    for name, counts in stages.counts.items():
        folder = stages.folder / name
        about[name] = _counted(counts["computed"], counts["found"], folder)
    return about


def _counted(n_computed: int, n_found: int, where: Path | None) -> dict[str, object]:
    place = None if where is None or not n_found else where.as_posix()
    return {"computed": int(n_computed), "found": int(n_found), "where": place}


def _notice_approximated(
    approximated: Mapping[str, str], exact_songs: int, n_songs: int, terminal: Terminal
) -> None:
    if approximated:
        terminal.notice(
            f"{n_songs:,} songs are more than cluster.exact_songs, which is {exact_songs:,}, so "
            f"these are approximate: {', '.join(approximated)}; {MANIFEST} says how"
        )


def _discard_interrupted(fitted: Fitted, songs: Songs, terminal: Terminal) -> None:
    experiment = fitted.trained.experiment
    if fitted.trained.state is None:
        return
    settings = training_settings(fitted.trained.preprocessor, songs.fingerprint)
    if not discard_interrupted(experiment.resume_dir, settings):
        terminal.notice(
            f"{experiment.resume_dir} holds an interrupted training with other settings; it is "
            "left alone"
        )
