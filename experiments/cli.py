"""What the command lines share: one-line errors, exit codes, --debug."""

import contextlib
import io
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TypeVar

from musicvae_jax.errors import EXIT_BAD_INPUT, EXIT_FAILED, InputError
from musicvae_jax.runtime.signals import exit_code, heeded

T = TypeVar("T")


def run_command(arguments: Sequence[str], work: Callable[[Sequence[str]], None]) -> int:
    """Does the work and returns the exit code; a failure is one line on standard error.

    Args:
        arguments: of the command line; --debug, which shows the traceback of an error, is taken
            out of them.
        work: is given the others.
    """
    debug = "--debug" in arguments
    try:
        with heeded():
            work([argument for argument in arguments if argument != "--debug"])
    except InputError as error:
        return _fail(error, EXIT_BAD_INPUT, debug)
    except (ArithmeticError, OSError) as error:
        return _fail(error, EXIT_FAILED, debug)
    except KeyboardInterrupt as error:
        return _fail(error, exit_code(error), debug)
    except Exception as error:  # noqa: BLE001 - the user gets one line, --debug the traceback
        named = RuntimeError(f"{type(error).__name__}: {error}; --debug shows where it came from")
        return _fail(named.with_traceback(error.__traceback__), EXIT_FAILED, debug)
    return 0


def _fail(error: BaseException, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    print(f"error: {error}" if str(error) else "interrupted", file=sys.stderr)
    return code


def parse(read: Callable[[], T], program: str, names: Sequence[str]) -> T:
    """The command line as tyro reads it; its complaints become one `InputError`.

    Args:
        read: calls tyro; ends with SystemExit if the arguments are no good.
        program: how the command is called, for the message.
        names: what the command's first argument may be.
    """
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return read()
    except SystemExit as stop:
        if stop.code == 0:
            raise
        raise InputError(_one_line(complaint.getvalue(), program, names)) from stop


def _one_line(box: str, program: str, names: Sequence[str]) -> str:
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
            return f"unknown experiment {name}; expected one of {', '.join(names)}"
        if hint.startswith(("Perhaps you meant", "Arguments similar to")):
            options = dict.fromkeys(re.findall(r"--[a-z][\w.-]*", hint))
            similar = ", ".join(o for o in options if o not in message and o != "--help")
            if similar:
                return f"{message}; did you mean {similar}?"
    if message.startswith("Unrecognized"):
        return f"{message}; {program} --help lists the options"
    return message
