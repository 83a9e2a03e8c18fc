"""Exports a checkpoint: `python -m musicvae_jax.export CHECKPOINT --to FORMAT [options]`."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import tyro

from musicvae_jax.errors import InputError
from musicvae_jax.runtime.command import COMMON_OPTIONS, CommonOptions, parse, run_command
from musicvae_jax.runtime.startup import configure_jax

_SUFFIXES = {"safetensors": ".safetensors", "stablehlo": ".stablehlo", "onnx": ".onnx"}


@dataclasses.dataclass(frozen=True)
class Command:
    """Write a trained model in a format that other software reads."""

    checkpoint: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="CHECKPOINT")]
    """Folder of the checkpoint."""
    to: Literal["safetensors", "stablehlo", "onnx"]
    """safetensors: the weights; stablehlo: the encoder, for jax.export; onnx: the encoder."""
    out: Path | None = None
    """File to write; by default the checkpoint's name with the format's suffix, in this folder."""
    member: int = 0
    """Which model of a sweep, counted from 0 in the order of betas, learning rates and seeds."""
    common: CommonOptions = COMMON_OPTIONS

    @property
    def path(self) -> Path:
        return self.out or Path(self.checkpoint.resolve().name + _SUFFIXES[self.to])

    def __post_init__(self) -> None:
        if not self.path.parent.is_dir():
            raise InputError(f"out: got {self.path}, expected a file in a folder that exists")
        if self.path.is_dir():
            raise InputError(f"out: got {self.path}, which is a folder, expected a file")


def main(arguments: Sequence[str]) -> int:
    """Runs the command line; returns the exit code.

    Raises:
        SystemExit: see `run_command`.
    """
    return run_command(arguments, _run)


def _run(arguments: Sequence[str], notices_only: bool) -> None:
    command = parse(
        lambda: tyro.cli(Command, prog="python -m musicvae_jax.export", args=list(arguments))
    )
    configure_jax(devices=1)
    from musicvae_jax import export
    from musicvae_jax.runtime.terminal import Terminal
    from musicvae_jax.trained import load

    terminal = Terminal(notices_only=notices_only)
    write = getattr(export, f"to_{command.to}")
    with terminal.task(f"export to {command.to}"):
        write(load(command.checkpoint), command.path, command.member)
    terminal.say(f"{command.to}: {command.path}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
