"""Runs what a suite lacks and collects the finished runs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from experiments.suites import Suite
from musicvae_jax.checkpoints import load_checkpoint, member_of
from musicvae_jax.config import Experiment, to_json
from musicvae_jax.config.folder import MANIFEST
from musicvae_jax.errors import InputError
from musicvae_jax.pipeline.inputs import resolve_data, resolve_lyrics
from musicvae_jax.pipeline.manifest import code_version
from musicvae_jax.pipeline.results import replace_checkpoint
from musicvae_jax.pipeline.run import run_experiment
from musicvae_jax.reporting.suite_report import draw_overview
from musicvae_jax.runtime.files import read_json, write_json
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.runtime.workers import FOR_MANY_RUNS
from musicvae_jax.songs import load_songs

_STATE = "suite.json"


def run_suite(
    suite: Suite,
    experiments: Mapping[str, Sequence[Experiment]],
    checkpoint_names: Sequence[tuple[str, str, float | None]],
    terminal: Terminal,
) -> None:
    """Runs the experiments that are missing, then writes what is made of all of them.

    Args:
        suite: where to and whether by force.
        experiments: by suite, not yet resolved.
        checkpoint_names: checkpoints that get a name of their own: name, experiment, and which
            beta of its sweep.
        terminal: for progress, notices and tables.

    Raises:
        InputError: the songs cannot be used, or some experiments could not run; the others have
            run and are in the tables.
    """
    _check_replaceable(suite.results_dir)
    wanted = _resolved(suite, experiments, terminal)
    finished, failed = _run_missing(suite, wanted, terminal)
    state = _state(finished)
    if read_json(suite.results_dir / _STATE) == state and not failed:
        terminal.say(f"{suite.results_dir}: tables, pictures and report are up to date")
    elif any(finished.values()):
        # Until all is drawn the folder is a suite's, but not of these runs.
        write_json(suite.results_dir / _STATE, {})
        _name_checkpoints(suite, finished, checkpoint_names)
        draw_overview(suite.results_dir, finished, FOR_MANY_RUNS, terminal)
        write_json(suite.results_dir / _STATE, state)
    if failed:
        reasons = "; ".join(f"{name} ({reason})" for name, reason in failed.items())
        raise InputError(f"{len(failed)} experiment(s) could not run: {reasons}")


def is_finished(experiment: Experiment, fingerprint: str) -> bool:
    """Whether a run of the same config, songs and code has left whole results.

    Args:
        experiment: resolved.
        fingerprint: of the song file.
    """
    folder = experiment.results_dir
    about = read_json(folder / MANIFEST)
    return (
        about is not None
        # The manifest of an older version need not say what code it is of.
        and about.get("code") == code_version()
        and about["data"]["sha256"] == fingerprint
        and read_json(folder / "config.json") == to_json(experiment)
        and (experiment.checkpoint_dir.is_dir() or not experiment.model.is_trained)
    )


def _resolved(
    suite: Suite, experiments: Mapping[str, Sequence[Experiment]], terminal: Terminal
) -> dict[str, list[Experiment]]:
    data = resolve_data(suite.data, terminal)
    everything = [one for of_suite in experiments.values() for one in of_suite]
    lyrics = suite.lyrics
    if any(one.uses_lyrics for one in everything):
        lyrics = resolve_lyrics(lyrics, terminal)
    return {
        name: [
            replace(one, data=data, lyrics=lyrics if one.uses_lyrics else one.lyrics)
            for one in of_suite
        ]
        for name, of_suite in experiments.items()
    }


def _run_missing(
    suite: Suite, wanted: Mapping[str, Sequence[Experiment]], terminal: Terminal
) -> tuple[dict[str, list[Experiment]], dict[str, str]]:
    """The experiments with results, by suite, and why the others have none."""
    data_path = next(iter(wanted.values()))[0].data.path
    fingerprint = load_songs(data_path).fingerprint
    finished: dict[str, list[Experiment]] = {name: [] for name in wanted}
    failed: dict[str, str] = {}
    for name, experiments in wanted.items():
        for experiment in experiments:
            if not suite.force and is_finished(experiment, fingerprint):
                terminal.say(f"{experiment.name}: finished before, not run again")
            else:
                terminal.say(f"{experiment.name}: running")
                try:
                    run_experiment(experiment, suite.runtime, FOR_MANY_RUNS, terminal)
                except (InputError, ArithmeticError) as error:
                    # The other experiments can still tell something; the exit code says failure.
                    failed[experiment.name] = str(error)
                    terminal.notice(f"{experiment.name} is left out: {error}")
                    continue
            finished[name].append(experiment)
    return finished, failed


def _name_checkpoints(
    suite: Suite,
    finished: Mapping[str, Sequence[Experiment]],
    checkpoint_names: Sequence[tuple[str, str, float | None]],
) -> None:
    """Writes the checkpoints that have a name of their own."""
    by_name = {one.name: one for of_suite in finished.values() for one in of_suite}
    for name, source, beta in checkpoint_names:
        if source in by_name:
            checkpoint = load_checkpoint(by_name[source].checkpoint_dir)
            if beta is not None:
                checkpoint = member_of(checkpoint, beta)
            replace_checkpoint(suite.checkpoints_dir / name, checkpoint)


def _state(finished: Mapping[str, Sequence[Experiment]]) -> dict:
    """What an overview is made of: the same runs give the same overview."""
    return {
        name: {
            one.name: read_json(one.results_dir / MANIFEST)["finished_utc"] for one in experiments
        }
        for name, experiments in finished.items()
    }


def _check_replaceable(results_dir: Path) -> None:
    ours = (results_dir / _STATE).exists()
    for name in ("report.html", "visualizations"):
        if (results_dir / name).exists() and not ours:
            raise InputError(
                f"output folder: {results_dir / name} is there and no suite made it; move it, or "
                "choose another folder with --output-dir"
            )
