"""Runs suites of experiments: `python -m experiments.suite easy medium hard [options]`.

Nothing heavy is imported before the arguments are known to be good.
"""

import sys
from collections.abc import Sequence

import tyro

from experiments.command import parse, run_command
from experiments.registry import SUITES
from experiments.startup import prepare_jax
from experiments.suites import Suite

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
    from experiments.collection import run_suite
    from experiments.terminal import Terminal

    run_suite(suite, experiments, Terminal())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
