"""Runs the unfinished experiments of suites, and reports on all experiments."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from musicvae_jax.config import DataConfig, Experiment, LyricsConfig, RuntimeConfig
from musicvae_jax.config.folder import MANIFEST, MAP, REPORT
from musicvae_jax.errors import InputError
from musicvae_jax.pipeline.card import card_of
from musicvae_jax.pipeline.finished import is_finished, redraw_outdated
from musicvae_jax.pipeline.manifest import drawing_code
from musicvae_jax.pipeline.resolve import (
    resolve_architecture,
    resolve_blocks,
    resolve_data,
    resolve_lyrics,
)
from musicvae_jax.pipeline.results import replace_checkpoint
from musicvae_jax.pipeline.run import run_experiment
from musicvae_jax.reporting.reading import read_manifest
from musicvae_jax.reporting.suite_report import draw_overview
from musicvae_jax.runtime.files import read_json, read_object, write_json
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.runtime.workers import FOR_MANY_RUNS
from musicvae_jax.songs import load_songs, reader_of
from musicvae_jax.trained import load

_STATE = "suite.json"


def run_suites(
    suites: Mapping[str, Sequence[Experiment]],
    results_dir: Path,
    checkpoints: Mapping[Path, tuple[str, float | None]],
    runtime: RuntimeConfig,
    terminal: Terminal,
) -> None:
    """Runs the unfinished experiments, then writes the tables and the report on all.

    Args:
        suites: experiments by suite, not yet resolved, all on the same songs.
        results_dir: folder of the tables, figures and report.
        checkpoints: further folders for trained models, each with the experiment and the beta of
            its sweep (None for the whole sweep). Skips experiments that did not run.
        runtime: settings of every run; `fresh` runs finished experiments again.
        terminal: for progress, notices and tables.

    Raises:
        InputError: the songs cannot be used, or some experiments could not run; the tables then
            hold the other experiments.
    """
    _check_replaceable(results_dir)
    suites, refused = _resolved(suites, terminal)
    finished, failed = _run_missing(_distinct(suites, terminal), runtime, terminal)
    failed = refused | failed
    runs = [one.results_dir for experiments in finished.values() for one in experiments]
    redraw_outdated(runs, FOR_MANY_RUNS, terminal)
    state = _state(finished)
    wanted = [results_dir / REPORT, results_dir / MAP, *_possible(checkpoints, finished)]
    is_whole = all(path.exists() for path in wanted)
    if is_whole and read_json(results_dir / _STATE) == state and not failed:
        terminal.say(f"{results_dir}: tables, pictures and report are up to date")
    elif any(finished.values()):
        # Until the report is complete, this marks the folder as a suite's, but not as up to date.
        write_json(results_dir / _STATE, {})
        _write_checkpoints(checkpoints, finished)
        with terminal.task("tables, pictures and report"):
            draw_overview(results_dir, finished, FOR_MANY_RUNS, terminal)
        write_json(results_dir / _STATE, state)
    if failed:
        reasons = "; ".join(f"{name} ({reason})" for name, reason in failed.items())
        raise InputError(f"{len(failed)} experiment(s) could not run: {reasons}")


def _resolved(
    suites: Mapping[str, Sequence[Experiment]], terminal: Terminal
) -> tuple[dict[str, list[Experiment]], dict[str, str]]:
    """Finds the songs and chooses the lyrics runtimes, each only once.

    Returns:
        The experiments by suite, and why others cannot run on these songs.
    """

    @cache
    def find_songs(data: DataConfig) -> DataConfig:
        return resolve_data(data, terminal)

    @cache
    def settle(lyrics: LyricsConfig) -> LyricsConfig:
        return resolve_lyrics(lyrics, terminal)

    notice = cache(terminal.notice)

    found: dict[str, list[Experiment]] = {suite: [] for suite in suites}
    refused: dict[str, str] = {}
    for suite, experiments in suites.items():
        for experiment in experiments:
            one = replace(experiment, data=find_songs(experiment.data))
            has_mels = reader_of(one.data.source).has_mels
            try:
                one = resolve_architecture(resolve_blocks(one, has_mels, notice))
            except InputError as error:
                refused[one.name] = str(error)
                notice(f"{one.name} is left out: {error}")
                continue
            lyrics = settle(one.lyrics) if one.chooses_runtime else one.lyrics
            found[suite].append(replace(one, lyrics=lyrics))
    return found, refused


def _distinct(
    suites: Mapping[str, Sequence[Experiment]], terminal: Terminal
) -> dict[str, list[Experiment]]:
    """The experiments without those that have become another one on songs without mels."""
    first: dict[Experiment, str] = {}
    found: dict[str, list[Experiment]] = {suite: [] for suite in suites}
    for suite, experiments in suites.items():
        for one in experiments:
            other = first.setdefault(replace(one, name="any", output_dir=None), one.name)
            if other == one.name:
                found[suite].append(one)
            else:
                terminal.notice(f"{one.name} is left out: on these songs it is {other}")
    return found


def _run_missing(
    suites: Mapping[str, Sequence[Experiment]], runtime: RuntimeConfig, terminal: Terminal
) -> tuple[dict[str, list[Experiment]], dict[str, str]]:
    """Runs unfinished experiments; returns those with results, by suite, and the others' errors."""
    finished: dict[str, list[Experiment]] = {suite: [] for suite in suites}
    failed: dict[str, str] = {}
    first = next(chain.from_iterable(suites.values()), None)
    if first is None:
        return finished, failed
    data, cache_dir = first.data, first.features.cache_dir
    songs = load_songs(data.source, data, cache_dir, terminal)
    every = [(suite, one) for suite, experiments in suites.items() for one in experiments]
    done = [not runtime.fresh and is_finished(one, songs.fingerprint) for _, one in every]
    with terminal.progress("all experiments", done.count(False)) as advance:
        for place, ((suite, experiment), is_done) in enumerate(zip(every, done, strict=True)):
            if is_done:
                terminal.say(f"{experiment.name}: finished before, not run again")
            else:
                terminal.say(f"{experiment.name}: running")
                try:
                    with terminal.task(f"experiment {place + 1} of {len(every)}"):
                        run_experiment(experiment, runtime, FOR_MANY_RUNS, terminal, songs)
                except (InputError, ArithmeticError) as error:
                    # The other experiments can still run; the exit code reports the failure.
                    failed[experiment.name] = str(error)
                    terminal.notice(f"{experiment.name} is left out: {error}")
                    continue
                finally:
                    advance()
            finished[suite].append(experiment)
    return finished, failed


def _write_checkpoints(
    checkpoints: Mapping[Path, tuple[str, float | None]],
    finished: Mapping[str, Sequence[Experiment]],
) -> None:
    for folder, experiment in _possible(checkpoints, finished).items():
        _, beta = checkpoints[folder]
        trained = load(experiment.checkpoint_dir)
        part = trained if beta is None else trained.of_beta(beta)
        about = read_manifest(experiment.results_dir)
        card = card_of(part, experiment.results_dir, about, folder)
        replace_checkpoint(folder, part, card)


def _possible(
    checkpoints: Mapping[Path, tuple[str, float | None]],
    finished: Mapping[str, Sequence[Experiment]],
) -> dict[Path, Experiment]:
    """The folders of further checkpoints, with the finished experiment of each."""
    by_name = {one.name: one for experiments in finished.values() for one in experiments}
    return {folder: by_name[name] for folder, (name, _) in checkpoints.items() if name in by_name}


def _state(finished: Mapping[str, Sequence[Experiment]]) -> dict[str, Any]:
    """The runs and code that a report depends on."""
    runs = {
        name: {
            one.name: read_object(one.results_dir / MANIFEST)["finished_utc"] for one in experiments
        }
        for name, experiments in finished.items()
    }
    return {"runs": runs, "code": drawing_code()}


def _check_replaceable(results_dir: Path) -> None:
    ours = (results_dir / _STATE).exists()
    for name in (REPORT, MAP, "visualizations"):
        if (results_dir / name).exists() and not ours:
            raise InputError(
                f"output folder: {results_dir / name} exists and no suite made it; move it, or "
                "choose another folder with --output-dir"
            )
