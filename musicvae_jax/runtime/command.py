"""What all commands share: reading arguments, one-line errors, exit codes, --debug."""

import contextlib
import io
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from musicvae_jax.errors import EXIT_BAD_INPUT, EXIT_FAILED, InputError
from musicvae_jax.runtime.printable import printable
from musicvae_jax.runtime.signals import exit_code, handle_signals

T = TypeVar("T")


def run_command(arguments: Sequence[str], work: Callable[[Sequence[str]], None]) -> int:
    """Does the work and returns the exit code; a failure is one line on standard error.

    Args:
        arguments: of the command line. --debug, which shows the traceback of an error, may stand
            anywhere among them.
        work: takes the other arguments.

    Raises:
        SystemExit: tyro has printed help, or which argument is wrong.
    """
    debug = "--debug" in arguments
    try:
        with handle_signals():
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
    try:
        with contextlib.redirect_stderr(message):
            return read()
    except SystemExit as stop:
        # tyro reports a config's ValueError as one of its own; ours already says everything.
        for error in _causes(stop):
            if isinstance(error, InputError):
                raise error from None
        sys.stderr.write(message.getvalue())
        raise


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exceptions that were being handled when this one was raised, latest first."""
    cause = error.__cause__ or error.__context__
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
