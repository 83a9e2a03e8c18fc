"""Runs suites of experiments: `python -m experiments.suite easy medium hard [options]`.

Nothing heavy is imported before the arguments are known to be good.
"""

import sys
from collections.abc import Sequence

import tyro

from experiments.cli import parse, run_command
from experiments.suites import Suite
from musicvae_jax.registry import CHECKPOINT_NAMES, SUITES
from musicvae_jax.runtime.startup import prepare_jax

_PROGRAM = "python -m experiments.suite"


def main(arguments: Sequence[str]) -> int:
    """Runs the command line; returns the exit code."""
    return run_command(arguments, _run)


def _run(arguments: Sequence[str]) -> None:
    suite = parse(
        lambda: tyro.cli(Suite, prog=_PROGRAM, args=list(arguments)), _PROGRAM, tuple(SUITES)
    )
    experiments = suite.experiments
    prepare_jax(suite.runtime)
    from musicvae_jax.pipeline.collection import run_suite
    from musicvae_jax.runtime.terminal import Terminal

    run_suite(suite, experiments, CHECKPOINT_NAMES, Terminal())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
