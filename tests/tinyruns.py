"""Whole runs on tiny files, in the process of the test."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from experiments.next_steps import next_steps
from musicvae_jax.config import CropConfig, Experiment, LyricsConfig, RuntimeConfig
from musicvae_jax.pipeline import run as pipeline
from musicvae_jax.pipeline.ending import show_results
from musicvae_jax.pipeline.resolve import resolve
from musicvae_jax.registry import EXPERIMENTS
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.runtime.workers import FOR_ONE_RUN


def tiny(name: str, path: Path | None, **changes) -> Experiment:
    """A registry entry with two seeds and two epochs on a given file.

    Args:
        name: in the registry.
        path: of the songs.
        changes: to fields of the experiment; a dict changes the fields of a config in it.
    """
    experiment = EXPERIMENTS[name].experiment
    small = {
        "data": replace(experiment.data, path=path, heldout_fraction=0.2),
        "crops": CropConfig(per_song=1, encoded=2),
        "lyrics": LyricsConfig(runtime="tfidf", components=6),
        "train": replace(experiment.train, epochs=2, pretrain_epochs=2),
        "cluster": replace(experiment.cluster, k_max=4, restarts=2, min_samples=3),
        "seeds": (0, 3),
    }
    experiment = replace(experiment, **small)
    changed = {
        field: replace(getattr(experiment, field), **value) if isinstance(value, dict) else value
        for field, value in changes.items()
    }
    return replace(experiment, **changed)


def run_experiment(experiment: Experiment, **runtime) -> Path:
    """Resolves and runs as the command line does; returns the results folder."""
    asked, experiment = experiment, resolve(experiment, Terminal())
    pipeline.run_experiment(experiment, RuntimeConfig(**runtime), FOR_ONE_RUN, Terminal())
    steps = partial(next_steps, asked, experiment.data.source)
    show_results(experiment, 0.0, Terminal(), steps)
    return experiment.results_dir


def files(folder: Path) -> set[str]:
    """Paths within a folder of all files in it."""
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
