"""Runs suites and single experiments: `python -m experiments.suite easy hard_cvae [options]`.

Nothing heavy is imported before the arguments are known to be good.
"""

import dataclasses
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import tyro

from musicvae_jax.config import DataConfig, Experiment, LyricsConfig, MapConfig, RuntimeConfig
from musicvae_jax.errors import InputError
from musicvae_jax.registry import CHECKPOINT_NAMES, EXPERIMENTS, SUITES
from musicvae_jax.runtime.command import COMMON_OPTIONS, CommonOptions, parse, run_command
from musicvae_jax.runtime.startup import configure_jax

# Stands for the experiments that are named one by one in the names of tables.
_SELECTED = "selected"


@dataclasses.dataclass(frozen=True)
class Command:
    """Run the experiments that are not finished; write tables, figures and a report on all."""

    names: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="NAME...")]
    """Suites (easy, medium, hard), experiments (python -m experiments.run --list) or both, in the
    order to run them. Experiments named one by one share the tables selected_*.csv, in which they
    are compared; one that is named twice, or is in a named suite too, runs once."""
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    lyrics: LyricsConfig = dataclasses.field(default_factory=LyricsConfig)
    map: MapConfig = dataclasses.field(default_factory=MapConfig)
    k: int = 10
    """Number of clusters, at least 2, for every clusterer that takes one: the same for all
    experiments, since scores at different k do not compare."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One training and one clustering of each experiment per seed."""
    epochs: int | None = None
    """Passes over the training songs, in place of each experiment's own number."""
    output_dir: Path | None = None
    """Folder for all output; by default results, with the checkpoints in checkpoints."""
    runtime: Annotated[RuntimeConfig, tyro.conf.arg(name=""), tyro.conf.FlagCreatePairsOff] = (
        dataclasses.field(default_factory=RuntimeConfig)
    )
    common: CommonOptions = COMMON_OPTIONS

    def __post_init__(self) -> None:
        unknown = [name for name in self.names if name not in SUITES and name not in EXPERIMENTS]
        if unknown or not self.names:
            raise InputError(f"names: got {_quoted(unknown)}, expected {_expected(unknown)}")
        if self.runtime.distributed:
            raise InputError(
                "distributed: got True, expected False for a suite, which is one process; "
                "python -m experiments.run NAME --distributed runs one experiment of it"
            )

    @property
    def results_dir(self) -> Path:
        return self.output_dir or Path("results")

    @property
    def checkpoints_dir(self) -> Path:
        return Path("checkpoints") if self.output_dir is None else self.output_dir / "checkpoints"

    @property
    def experiments(self) -> dict[str, tuple[Experiment, ...]]:
        """The experiments of each suite, and those named one by one, with this command's settings.

        Raises:
            InputError: a setting is not allowed.
        """
        in_suites = {one for name in self.names if name in SUITES for one in SUITES[name]}
        groups: dict[str, dict[str, None]] = {}
        for name in self.names:
            if name in SUITES:
                groups[name] = dict.fromkeys(SUITES[name])
            elif name not in in_suites:
                groups.setdefault(_SELECTED, {})[name] = None
        return {
            group: tuple(self._configured(EXPERIMENTS[name].experiment) for name in names)
            for group, names in groups.items()
        }

    def _configured(self, experiment: Experiment) -> Experiment:
        train, cluster = experiment.train, dataclasses.replace(experiment.cluster, k=self.k)
        if self.epochs is not None:
            train = dataclasses.replace(train, epochs=self.epochs)
        return dataclasses.replace(
            experiment,
            data=self.data,
            lyrics=self.lyrics if experiment.uses_lyrics else experiment.lyrics,
            train=train,
            cluster=cluster,
            map=self.map,
            seeds=self.seeds,
            output_dir=self.output_dir and self.output_dir / experiment.name,
        )


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(map(repr, dict.fromkeys(names))) or "none"


def _expected(unknown: Sequence[str]) -> str:
    """What names there are, and those nearest to the unknown ones."""
    known = [*SUITES, *EXPERIMENTS]
    near = [match for name in unknown for match in get_close_matches(name, known, n=1)]
    hint = f"; the nearest is {', '.join(dict.fromkeys(near))}" if near else ""
    suites = f"{', '.join(SUITES)} or names of experiments (python -m experiments.run --list)"
    return f"one or more of {suites}{hint}"


def main(arguments: Sequence[str]) -> int:
    """Runs the command line; returns the exit code.

    Raises:
        SystemExit: see `run_command`.
    """
    return run_command(arguments, _run)


def _run(arguments: Sequence[str], notices_only: bool) -> None:
    command = parse(
        lambda: tyro.cli(Command, prog="python -m experiments.suite", args=list(arguments))
    )
    experiments = command.experiments
    configure_jax(command.runtime.devices)
    from musicvae_jax.clustering.umap_programs import compile_ahead

    compile_ahead()
    from musicvae_jax.pipeline.collection import run_suites
    from musicvae_jax.runtime.terminal import Terminal

    checkpoints = {
        command.checkpoints_dir / name: source for name, source in CHECKPOINT_NAMES.items()
    }
    terminal = Terminal(notices_only=notices_only)
    run_suites(experiments, command.results_dir, checkpoints, command.runtime, terminal)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
