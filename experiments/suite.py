"""Runs suites of experiments: `python -m experiments.suite easy medium hard [options]`.

Nothing heavy is imported before the arguments are known to be good.
"""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import tyro

from musicvae_jax.config import DataConfig, Experiment, LyricsConfig, MapConfig, RuntimeConfig
from musicvae_jax.errors import InputError
from musicvae_jax.registry import CHECKPOINT_NAMES, EXPERIMENTS, SUITES
from musicvae_jax.runtime.command import COMMON_OPTIONS, CommonOptions, parse, run_command
from musicvae_jax.runtime.startup import configure_jax


@dataclasses.dataclass(frozen=True)
class Command:
    """Run the experiments of suites that are not finished; write tables, figures and a report."""

    suites: tyro.conf.Positional[tuple[Literal["easy", "medium", "hard"], ...]]
    """Which suites, one or more of easy, medium, hard."""
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
        if not self.suites:
            raise InputError(f"suites: got none, expected one or more of {', '.join(SUITES)}")
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
        """The experiments of each suite, with this command's settings.

        Raises:
            InputError: a setting is not allowed.
        """
        return {
            suite: tuple(self._configured(EXPERIMENTS[name].experiment) for name in SUITES[suite])
            for suite in dict.fromkeys(self.suites)
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
    from musicvae_jax.pipeline.collection import run_suites
    from musicvae_jax.runtime.terminal import Terminal

    checkpoints = {
        command.checkpoints_dir / name: source for name, source in CHECKPOINT_NAMES.items()
    }
    terminal = Terminal(notices_only=notices_only)
    run_suites(experiments, command.results_dir, checkpoints, command.runtime, terminal)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
