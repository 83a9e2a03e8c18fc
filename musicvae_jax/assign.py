"""Puts new songs into a run's clusters: `python -m musicvae_jax.assign RUN SONG ... [options]`.

Nothing heavy is imported before the arguments are known to be good. The function of the same name
is `musicvae_jax.assign`.
"""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from musicvae_jax.errors import InputError
from musicvae_jax.runtime.command import COMMON_OPTIONS, CommonOptions, parse, run_command
from musicvae_jax.runtime.startup import configure_jax


@dataclasses.dataclass(frozen=True)
class Command:
    """Put songs into the clusters of a run, and find the known songs nearest to them."""

    model: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """The checkpoint or the results folder of a run."""
    songs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="SONG ...")]
    """Songs: a file, a folder or a glob that --data.path takes, or several files."""
    out: Path | None = None
    """Also write the table to this .csv file."""
    common: CommonOptions = COMMON_OPTIONS

    def __post_init__(self) -> None:
        if not self.songs:
            raise InputError("songs: got none, expected one or more files, a folder or a glob")
        if self.out is not None:
            _check_out(self.out)


def _check_out(out: Path) -> None:
    if not out.parent.is_dir():
        raise InputError(f"out: got {out}, expected a file in a folder that exists")
    if out.is_dir():
        raise InputError(f"out: got {out}, which is a folder, expected a file")
    if out.suffix.lower() != ".csv":
        raise InputError(f"out: got {out}, expected a name that ends in .csv")


def main(arguments: Sequence[str]) -> int:
    """Runs the command line; returns the exit code.

    Raises:
        SystemExit: see `run_command`.
    """
    return run_command(arguments, _run)


def _run(arguments: Sequence[str], notices_only: bool) -> None:
    command = parse(
        lambda: tyro.cli(Command, prog="python -m musicvae_jax.assign", args=list(arguments))
    )
    # One device: a few songs are encoded before the work is spread over others.
    configure_jax(devices=1)
    from musicvae_jax.pipeline.new_songs import assign_as_run
    from musicvae_jax.pipeline.results import load_run
    from musicvae_jax.reporting.assigned import assigned_lines
    from musicvae_jax.runtime.files import write_csv
    from musicvae_jax.runtime.terminal import Terminal
    from musicvae_jax.songs import load_songs

    terminal = Terminal(notices_only=notices_only)
    with terminal.task("assigning songs"):
        model = load_run(command.model)
        # Read as the known songs were.
        songs = load_songs(command.songs, model.experiment.data, terminal=terminal)
        table = assign_as_run(model, songs, terminal)
    for line in assigned_lines(table):
        terminal.say(line)
    if command.out is not None:
        write_csv(command.out, table)
        terminal.say(f"table: {command.out}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

# Whoever imports this file as a module gets the function: otherwise the module would take its place
# as the package's attribute of that name.
from musicvae_jax import verbs  # noqa: E402

sys.modules[__name__] = verbs.assign  # type: ignore[assignment]  # no module, as said above
