"""Runs the experiments of suites that are not finished, and reports on all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from musicvae_jax.checkpoints import load_checkpoint, member_of
from musicvae_jax.config import DataConfig, Experiment, LyricsConfig, RuntimeConfig, to_json
from musicvae_jax.errors import InputError
from musicvae_jax.pipeline.inputs import resolve_data, resolve_lyrics
from musicvae_jax.pipeline.manifest import code_version
from musicvae_jax.pipeline.results import MANIFEST, replace_checkpoint
from musicvae_jax.pipeline.run import run_experiment
from musicvae_jax.reporting.suite_report import draw_overview
from musicvae_jax.runtime.files import read_json, write_json
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.runtime.workers import FOR_MANY_RUNS
from musicvae_jax.songs import load_songs

_STATE = "suite.json"


def run_suites(
    suites: Mapping[str, Sequence[Experiment]],
    results_dir: Path,
    checkpoints: Mapping[Path, tuple[str, float | None]],
    runtime: RuntimeConfig,
    terminal: Terminal,
) -> None:
    """Runs the experiments that are not finished, then writes the tables and report of all.

    Args:
        suites: experiments by suite, not yet resolved, all on the same songs.
        results_dir: folder of the tables, figures and report.
        checkpoints: further folders for trained models: the experiment, and which beta of its
            sweep (None for all of it). Experiments that did not run are passed over.
        runtime: of every run; `fresh` runs finished experiments again.
        terminal: for progress, notices and tables.

    Raises:
        InputError: the songs cannot be used, or some experiments could not run; the others have
            run and are in the tables.
    """
    _check_replaceable(results_dir)
    suites = _resolved(suites, terminal)
    finished, failed = _run_missing(suites, runtime, terminal)
    state = _state(finished)
    if read_json(results_dir / _STATE) == state and not failed:
        terminal.say(f"{results_dir}: tables, pictures and report are up to date")
    elif any(finished.values()):
        # Until the report is whole, the file marks the folder as a suite's, but not as up to date.
        write_json(results_dir / _STATE, {})
        _write_checkpoints(checkpoints, finished)
        draw_overview(results_dir, finished, terminal)
        write_json(results_dir / _STATE, state)
    if failed:
        reasons = "; ".join(f"{name} ({reason})" for name, reason in failed.items())
        raise InputError(f"{len(failed)} experiment(s) could not run: {reasons}")


def is_finished(experiment: Experiment, fingerprint: str) -> bool:
    """Whether a run with the same config, songs and code has left complete results.

    Args:
        experiment: resolved.
        fingerprint: of the song file.
    """
    folder = experiment.results_dir
    about = read_json(folder / MANIFEST)
    return (
        about is not None
        # Manifests of older versions do not name the code.
        and about.get("code") == code_version()
        and about["data"]["sha256"] == fingerprint
        and read_json(folder / "config.json") == to_json(experiment)
        and (experiment.checkpoint_dir.is_dir() or not experiment.model.is_trained)
    )


def _resolved(
    suites: Mapping[str, Sequence[Experiment]], terminal: Terminal
) -> dict[str, list[Experiment]]:
    """The same with songs found and lyrics runtimes settled, each of them once."""

    @cache
    def find_songs(data: DataConfig) -> DataConfig:
        return resolve_data(data, terminal)

    @cache
    def settle(lyrics: LyricsConfig) -> LyricsConfig:
        return resolve_lyrics(lyrics, terminal)

    def resolve(one: Experiment) -> Experiment:
        lyrics = settle(one.lyrics) if one.uses_lyrics else one.lyrics
        return replace(one, data=find_songs(one.data), lyrics=lyrics)

    return {suite: [resolve(one) for one in experiments] for suite, experiments in suites.items()}


def _run_missing(
    suites: Mapping[str, Sequence[Experiment]], runtime: RuntimeConfig, terminal: Terminal
) -> tuple[dict[str, list[Experiment]], dict[str, str]]:
    """The experiments with results, by suite, and why the others have none."""
    data_path = next(iter(suites.values()))[0].data.path
    fingerprint = load_songs(data_path).fingerprint
    finished: dict[str, list[Experiment]] = {suite: [] for suite in suites}
    failed: dict[str, str] = {}
    for suite, experiments in suites.items():
        for experiment in experiments:
            if not runtime.fresh and is_finished(experiment, fingerprint):
                terminal.say(f"{experiment.name}: finished before, not run again")
            else:
                terminal.say(f"{experiment.name}: running")
                try:
                    run_experiment(experiment, runtime, FOR_MANY_RUNS, terminal)
                except (InputError, ArithmeticError) as error:
                    # The other experiments can still run; the exit code says that one failed.
                    failed[experiment.name] = str(error)
                    terminal.notice(f"{experiment.name} is left out: {error}")
                    continue
            finished[suite].append(experiment)
    return finished, failed


def _write_checkpoints(
    checkpoints: Mapping[Path, tuple[str, float | None]],
    finished: Mapping[str, Sequence[Experiment]],
) -> None:
    by_name = {one.name: one for experiments in finished.values() for one in experiments}
    for folder, (name, beta) in checkpoints.items():
        if name in by_name:
            checkpoint = load_checkpoint(by_name[name].checkpoint_dir)
            if beta is not None:
                checkpoint = member_of(checkpoint, beta)
            replace_checkpoint(folder, checkpoint)


def _state(finished: Mapping[str, Sequence[Experiment]]) -> dict:
    """Which runs a report is of: the same runs give the same report."""
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
