"""Runs one named experiment: `python -m experiments.run NAME [options]`.

Nothing heavy is imported before the arguments are known to be good.
"""

import contextlib
import dataclasses
import io
import re
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import tyro

from experiments.registry import EXPERIMENTS
from musicvae_jax.config import Experiment
from musicvae_jax.errors import EXIT_BAD_INPUT, EXIT_FAILED, EXIT_INTERRUPTED, InputError

_PROGRAM = "python -m experiments.run"


@dataclasses.dataclass(frozen=True)
class Command:
    """What the command line says."""

    experiment: Annotated[Experiment, tyro.conf.arg(name="")]
    debug: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Show the traceback of an error."""


def main(arguments: Sequence[str]) -> int:
    """Runs the command line; returns the exit code."""
    if list(arguments) == ["--list"]:
        print(_listing())
        return 0
    debug = "--debug" in arguments
    try:
        experiment = _parse([argument for argument in arguments if argument != "--debug"])
        from experiments.pipeline import run_experiment

        run_experiment(experiment)
    except InputError as error:
        return _fail(error, EXIT_BAD_INPUT, debug)
    except (ArithmeticError, OSError) as error:
        return _fail(error, EXIT_FAILED, debug)
    except KeyboardInterrupt as error:
        return _fail(error, EXIT_INTERRUPTED, debug)
    except Exception as error:  # noqa: BLE001 - the user gets one line, --debug the traceback
        named = RuntimeError(f"{type(error).__name__}: {error}; --debug shows where it came from")
        return _fail(named.with_traceback(error.__traceback__), EXIT_FAILED, debug)
    return 0


def _fail(error: BaseException, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    print(f"error: {error}" if str(error) else "interrupted", file=sys.stderr)
    return code


def _listing() -> str:
    width = max(map(len, EXPERIMENTS))
    return "\n".join(f"{name:{width}}  {text}" for name, (text, _) in EXPERIMENTS.items())


def _parse(arguments: Sequence[str]) -> Experiment:
    commands = {
        name: (text, Command(experiment)) for name, (text, experiment) in EXPERIMENTS.items()
    }
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            command = tyro.extras.overridable_config_cli(
                commands,
                prog=_PROGRAM,
                description="Run one named experiment. --list prints the names alone; "
                "NAME --help the options.",
                args=list(arguments),
            )
    except SystemExit as stop:
        if stop.code == 0:
            raise
        raise InputError(_one_line(complaint.getvalue())) from stop
    return command.experiment


def _one_line(box: str) -> str:
    """One of tyro's framed messages as one line: what is wrong and what would be right."""
    # A title, the message and hints, set apart by rules; the frame is drawn on UTF-8 terminals.
    parts = re.split(r"─{2,}|-{3,}", re.sub(r"[╭╮╰╯│]", " ", box))
    _title, message, *hints = (re.sub(r"\s+", " ", part).strip() for part in parts)
    message = re.sub(r"^Error parsing __tyro-dummy-inner__\S*: ", "", message).rstrip(".")
    for hint in hints:
        if hint.startswith("Argument helptext: "):
            allowed = hint.removeprefix("Argument helptext: ")
            return f"{message.split('. Got errors')[0]}; expected {allowed}"
        if hint.startswith("Available subcommands"):
            name = message.removeprefix("Unrecognized options: ")
            return f"unknown experiment {name}; expected one of {', '.join(EXPERIMENTS)}"
        if hint.startswith(("Perhaps you meant", "Arguments similar to")):
            options = dict.fromkeys(re.findall(r"--[a-z][\w.-]*", hint))
            similar = ", ".join(o for o in options if o not in message and o != "--help")
            if similar:
                return f"{message}; did you mean {similar}?"
    if message.startswith("Unrecognized"):
        return f"{message}; {_PROGRAM} NAME --help lists the options"
    return message


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
