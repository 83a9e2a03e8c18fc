"""Environments for tests in processes of their own."""

import os
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parent
_OURS = ("JAX_", "XLA_")


def clean_environment(**changes: str) -> dict[str, str]:
    """As users have it, not as conftest.py has left it: the compiler's default optimisations.

    A machine with an accelerator would have devices of another kind, so CPUs are asked for.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    path = os.pathsep.join(map(str, (TESTS.parent, TESTS)))
    return kept | {"PYTHONPATH": path, "JAX_PLATFORMS": "cpu"} | changes


def without_progress(printed: str) -> list[str]:
    """The lines of standard error but those of progress, one a minute on a busy machine."""
    return [line for line in printed.splitlines() if not re.match(r"\d\d:\d\d:\d\d ", line)]
