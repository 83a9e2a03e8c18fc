"""Runs one named experiment: `python -m experiments.run NAME [options]`.

Nothing heavy is imported before the arguments are known to be good.
"""

import dataclasses
import sys
from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import Annotated

import tyro

from musicvae_jax.config import Experiment, RuntimeConfig
from musicvae_jax.registry import EXPERIMENTS, KNOWN_ON
from musicvae_jax.runtime.command import COMMON_OPTIONS, CommonOptions, parse, run_command
from musicvae_jax.runtime.startup import configure_jax, connect, exit_process
from musicvae_jax.runtime.workers import FOR_ONE_RUN


@dataclasses.dataclass(frozen=True)
class Command:
    """The options of one run."""

    experiment: Annotated[Experiment, tyro.conf.arg(name="")]
    runtime: Annotated[RuntimeConfig, tyro.conf.arg(name=""), tyro.conf.FlagCreatePairsOff]
    common: CommonOptions = COMMON_OPTIONS


def main(arguments: Sequence[str]) -> int:
    """Runs the command line; returns the exit code.

    Raises:
        SystemExit: see `run_command`.
    """
    return run_command(arguments, _run)


def _run(arguments: Sequence[str], notices_only: bool) -> None:
    if list(arguments) == ["--list"]:
        print(_listing())
        return
    start = perf_counter()
    command = _parse(arguments)
    runtime = command.runtime
    configure_jax(runtime.devices, runtime.distributed)
    from musicvae_jax.clustering.umap_programs import compile_ahead

    if runtime.distributed:
        connect(runtime.coordinator, runtime.process_count, runtime.process_id)
    else:
        # Not by every process of a distributed run: only the first one draws.
        compile_ahead()
    from experiments.next_steps import next_steps
    from musicvae_jax.pipeline.ending import show_results
    from musicvae_jax.pipeline.finished import run_unless_finished
    from musicvae_jax.pipeline.resolve import resolve
    from musicvae_jax.runtime.devices import is_first
    from musicvae_jax.runtime.terminal import Terminal

    terminal = Terminal(is_quiet=not is_first(), notices_only=notices_only)
    experiment = resolve(command.experiment, terminal)
    run_unless_finished(experiment, runtime, FOR_ONE_RUN, terminal)
    if is_first():
        steps = partial(next_steps, command.experiment, experiment.data.source)
        show_results(experiment, perf_counter() - start, terminal, steps)


def _listing() -> str:
    width = max(map(len, EXPERIMENTS))
    return "\n".join(f"{name:{width}}  {one.description}" for name, one in EXPERIMENTS.items())


def _parse(arguments: Sequence[str]) -> Command:
    commands = {
        name: (
            f"{one.description} Known genre AMI: {one.genre_ami} ({KNOWN_ON}).",
            Command(one.experiment, RuntimeConfig()),
        )
        for name, one in EXPERIMENTS.items()
    }

    def read() -> Command:
        return tyro.extras.overridable_config_cli(
            commands,
            prog="python -m experiments.run",
            description="Run one named experiment. --list prints the names only; "
            "NAME --help the options.",
            args=list(arguments),
        )

    return parse(read)


if __name__ == "__main__":
    exit_process(main(sys.argv[1:]))
