"""Runs that are finished: those with the same config, songs and code need not run again."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from musicvae_jax.config import Experiment, RuntimeConfig, to_json
from musicvae_jax.config.folder import CONFIG, MANIFEST, MAP
from musicvae_jax.pipeline.manifest import computing_code, drawing_code
from musicvae_jax.pipeline.run import open_songs, run_experiment, stopwatch
from musicvae_jax.reporting.run_figures import redraw
from musicvae_jax.runtime.files import read_json, read_object, write_json
from musicvae_jax.runtime.lock import only_run
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.runtime.workers import Workers


def is_finished(experiment: Experiment, fingerprint: str) -> bool:
    """Whether a run with the same config, songs and code has left complete results.

    Args:
        experiment: resolved.
        fingerprint: of the songs.
    """
    folder = experiment.results_dir
    about = read_json(folder / MANIFEST)
    return (
        about is not None
        and _code(about).get("computing") == computing_code()
        and about["data"]["fingerprint"] == fingerprint
        and read_json(folder / CONFIG) == to_json(experiment)
        and (folder / MAP).exists()
        and experiment.checkpoint_dir.is_dir()
    )


def run_unless_finished(
    experiment: Experiment, runtime: RuntimeConfig, workers: Workers, terminal: Terminal
) -> None:
    """Runs an experiment, or says that it is finished and redraws figures of earlier code.

    Args:
        experiment: resolved.
        runtime: as in `run_experiment`. `fresh`, or something that is to follow the training, runs
            a finished experiment again. So do several processes, which would have to agree.
        workers: as in `run_experiment`.
        terminal: for progress and notices.

    Raises:
        InputError, DivergenceError, StoppedError: as `run_experiment`.
    """
    watch = stopwatch(terminal)
    with terminal.task(experiment.name), watch.stage("songs"):
        songs = open_songs(experiment, terminal)
    runs_again = runtime.fresh or runtime.track or runtime.distributed
    if not runs_again and is_finished(experiment, songs.fingerprint):
        terminal.say(
            f"{experiment.name}: finished before, with the same settings, songs and code; "
            "--fresh runs it again"
        )
        redraw_outdated([experiment.results_dir], workers, terminal)
        return
    run_experiment(experiment, runtime, workers, terminal, songs, watch)


def redraw_outdated(folders: Sequence[Path], workers: Workers, terminal: Terminal) -> None:
    """Redraws figures that another version of the code drew; changes nothing else.

    Args:
        folders: results folders of finished runs.
        workers: share the figures of all runs.
        terminal: for progress and notices.
    """
    manifests = {folder: read_object(folder / MANIFEST) for folder in folders}
    code = drawing_code()
    outdated = [folder for folder, about in manifests.items() if _code(about)["drawing"] != code]
    if not outdated:
        return
    with ExitStack() as locks:
        for folder in outdated:
            locks.enter_context(only_run(folder))
        redraw(outdated, workers, terminal)
        for folder in outdated:
            about = manifests[folder]
            write_json(folder / MANIFEST, about | {"code": about["code"] | {"drawing": code}})


def _code(about: Mapping[str, Any]) -> Mapping[str, Any]:
    """The code versions in a manifest; empty for older manifests, which have only one."""
    found = about.get("code")
    return found if isinstance(found, dict) else {}
