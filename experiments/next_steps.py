"""The three commands that the end of a run offers, each as it is typed in the same folder."""

import shlex
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import NamedTuple

from musicvae_jax.config import DataConfig, Experiment
from musicvae_jax.registry import EXPERIMENTS
from musicvae_jax.songs import DEMO_PATH

_PLAIN, _CLUSTERING, _WITH_LYRICS = "easy_vae", "hard_vade", "hard_mopoe"
_RUN, _SUITE, _ASSIGN = "experiments.run", "experiments.suite", "musicvae_jax.assign"
_MUSIC = Path.home() / "Music"


class Step(NamedTuple):
    """A command, and what it is for."""

    command: str
    purpose: str


def next_steps(asked: Experiment, songs: Path, k: int, music: Path = _MUSIC) -> list[Step]:
    """Another run that says more, the suite, and more songs or what else is known of them.

    Args:
        asked: the experiment as it was asked for, before its songs were found.
        songs: where they are.
        k: the number of clusters found.
        music: a folder that is offered as songs of one's own after a run on the demo set, if it
            exists.
    """
    data = tuple(_options(asked.data))
    return [
        _another_run(asked, data, k),
        _step("raw, PCA and VAEs in one report", _SUITE, "easy", "--k", k, *data),
        _further(asked, data, songs, k, music),
    ]


def _another_run(asked: Experiment, data: tuple[object, ...], k: int) -> Step:
    """With the label no longer given, with more seeds, or of another model: what fits first."""
    same_k = ("--cluster.k", k)
    if asked.model.condition != "none":
        purpose = f"a plain VAE, not given the {asked.model.condition}"
        return _step(purpose, _RUN, _PLAIN, *same_k, *data)
    if len(asked.seeds) == 1 and asked.model.traits.trained and _is_as_named(asked):
        purpose = "whether it holds under other seeds"
        return _step(purpose, _RUN, asked.name, "--seeds", 0, 1, 2, *same_k, *data)
    if asked.name == _CLUSTERING:
        return _step("a plain VAE at the same k", _RUN, _PLAIN, *same_k, *data)
    purpose = "a VAE that is trained to cluster, with as many clusters"
    return _step(purpose, _RUN, _CLUSTERING, "--model.components", k, *same_k, *data)


def _further(asked: Experiment, data: tuple[object, ...], songs: Path, k: int, music: Path) -> Step:
    """After the demo set one's own songs, or its lyrics too; else the neighbours of each song."""
    if songs == DEMO_PATH and music.is_dir():
        return _step("your own songs: any folder of audio", _RUN, _PLAIN, "--data.path", music)
    if songs == DEMO_PATH and not asked.all_text_blocks:
        return _step("audio and lyrics together", _RUN, _WITH_LYRICS, "--cluster.k", k, *data)
    return _step("the nearest songs of each; new songs too", _ASSIGN, asked.results_dir, songs)


def _is_as_named(asked: Experiment) -> bool:
    """Whether the command line changed nothing but `--data`, seeds, k and the output folder."""
    if asked.name not in EXPERIMENTS:
        return False
    named = EXPERIMENTS[asked.name].experiment
    return asked == replace(
        named,
        data=asked.data,
        cluster=replace(named.cluster, k=asked.cluster.k),
        seeds=asked.seeds,
        output_dir=asked.output_dir,
    )


def _options(data: DataConfig) -> Iterator[object]:
    """The words of a command line that give these settings."""
    for one in fields(data):
        value = getattr(data, one.name)
        if value != one.default:
            yield f"--data.{one.name.replace('_', '-')}"
            yield from value if isinstance(value, tuple) else (value,)


def _step(purpose: str, program: str, *arguments: object) -> Step:
    words = ["python", "-m", program, *map(str, arguments)]
    return Step(shlex.join(words), purpose)
