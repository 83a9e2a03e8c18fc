"""What all commands share: reading arguments, one-line errors, exit codes, --quiet, --debug."""

import contextlib
import dataclasses
import io
import os
import select
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import tyro
from rich.text import Text

from musicvae_jax.errors import EXIT_BAD_INPUT, EXIT_FAILED, EXIT_UNREAD, InputError
from musicvae_jax.runtime.printable import printable
from musicvae_jax.runtime.signals import exit_code, handle_signals, received_stop

T = TypeVar("T")
QUIET, DEBUG = "--quiet", "--debug"
QUIET_HELP = "Print notices and errors only: no progress, no results."
DEBUG_HELP = "Show the traceback of an error."


@dataclasses.dataclass(frozen=True)
class _CommonOptions:
    quiet: Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help=QUIET_HELP)] = False
    debug: Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help=DEBUG_HELP)] = False


# For the help of a command: `run_command` obeys them, wherever they stand.
CommonOptions = Annotated[_CommonOptions, tyro.conf.arg(name="")]
COMMON_OPTIONS = _CommonOptions()


def run_command(arguments: Sequence[str], work: Callable[[Sequence[str], bool], None]) -> int:
    """Does the work and returns the exit code; a failure is one line on standard error.

    Nothing is said if standard output is a pipe that is no longer read.

    Args:
        arguments: of the command line. --quiet, which prints notices and errors only, and --debug,
            which shows the traceback of an error, may stand anywhere among them.
        work: takes the other arguments, and whether to print notices only.

    Raises:
        SystemExit: tyro has printed help, or which argument is wrong.
    """
    debug = DEBUG in arguments
    others = [argument for argument in arguments if argument not in (QUIET, DEBUG)]
    try:
        with handle_signals():
            work(others, QUIET in arguments)
            if sys.stdout is not None:
                sys.stdout.flush()
    except InputError as error:
        return _fail(error, EXIT_BAD_INPUT, debug)
    except (ArithmeticError, OSError) as error:
        if isinstance(error, BrokenPipeError) and not _is_read():
            # Its reader has seen enough, as head has after ten lines.
            _discard_output()
            return EXIT_UNREAD
        return _fail(error, EXIT_FAILED, debug)
    except KeyboardInterrupt as error:
        return _fail(error, exit_code(error), debug)
    except Exception as error:  # noqa: BLE001 - the user gets one line, --debug the traceback
        stop = received_stop()
        if stop is not None:
            # A second signal can end what a library does after the first, which then fails.
            return _fail(stop.with_traceback(error.__traceback__), exit_code(stop), debug)
        named = RuntimeError(f"{type(error).__name__}: {error}; --debug shows where it came from")
        return _fail(named.with_traceback(error.__traceback__), EXIT_FAILED, debug)
    return 0


def _is_read() -> bool:
    """Whether anything still reads standard output, or it is no pipe."""
    output = select.poll()
    try:
        output.register(sys.stdout, select.POLLOUT)
    except (ValueError, TypeError):
        # In memory, as in a notebook, or closed.
        return True
    return not any(event & (select.POLLERR | select.POLLHUP) for _, event in output.poll(0))


def _discard_output() -> None:
    """Sends standard output nowhere, so that the interpreter does not complain when it exits."""
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _fail(error: BaseException, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    print(f"error: {printable(str(error))}" if str(error) else "interrupted", file=sys.stderr)
    return code


def parse(read: Callable[[], T]) -> T:
    """Reads the command line; a value that a config refuses is an `InputError`.

    Args:
        read: calls tyro.

    Raises:
        InputError: from the `__post_init__` of a config.
        SystemExit: help was asked for, or tyro itself cannot read the arguments; its own message,
            which says what it expects, is on standard error.
    """
    message = io.StringIO()
    # tyro by itself does not heed it; see https://no-color.org.
    tyro._experimental_options["ansi_codes"] = not os.environ.get("NO_COLOR")
    try:
        with contextlib.redirect_stderr(message):
            return read()
    except SystemExit as stop:
        # tyro reports a config's ValueError as one of its own; ours already says everything.
        for error in _causes(stop):
            if isinstance(error, InputError):
                raise error from None
        text = message.getvalue()
        # tyro has colours for standard error wherever standard output is a terminal.
        sys.stderr.write(text if sys.stderr.isatty() else _without_colours(text))
        raise


def _without_colours(text: str) -> str:
    return "".join(f"{Text.from_ansi(line).plain}\n" for line in text.splitlines())


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exceptions that were being handled when this one was raised, latest first."""
    cause = error.__cause__ or error.__context__
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
