"""Stopping when SIGINT (Ctrl-C) or SIGTERM (a scheduler) arrives.

A signal ends the work at once, except within `defer_signals`: there it is only recorded, and the
work stops where it can be resumed. A second signal ends it at once everywhere.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from musicvae_jax.errors import EXIT_INTERRUPTED, EXIT_STOPPED, StoppedError

_EXIT_CODES: dict[int, int] = {signal.SIGINT: EXIT_INTERRUPTED, signal.SIGTERM: EXIT_STOPPED}
# Module state, since signal handlers belong to the process.
_received: list[int] = []
_is_deferred = False


def stop_requested() -> bool:
    """Whether a signal has arrived since `handle_signals` began."""
    return bool(_received)


def received_stop() -> StoppedError | None:
    """The stop that the first signal since `handle_signals` began has asked for."""
    return _stop(_received[0]) if _received else None


def exit_code(error: KeyboardInterrupt) -> int:
    """The exit code of a process that stops; the signal may have reached another one of its run."""
    if _received:
        return _EXIT_CODES[_received[0]]
    return EXIT_STOPPED if isinstance(error, StoppedError) else EXIT_INTERRUPTED


@contextmanager
def handle_signals() -> Iterator[None]:
    """Handles signals as this module says until the block ends; for the main thread only.

    Raises:
        StoppedError: a signal arrived.
    """
    _received.clear()
    before = {number: signal.signal(number, _receive) for number in _EXIT_CODES}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def defer_signals() -> Iterator[None]:
    """Only records the first signal within the block, which asks `stop_requested`."""
    global _is_deferred
    _is_deferred = True
    try:
        yield
    finally:
        _is_deferred = False


def _receive(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as Python calls it
    _received.append(number)
    if not _is_deferred or len(_received) > 1:
        raise _stop(number)


def _stop(number: int) -> StoppedError:
    return StoppedError("stopped" if number == signal.SIGTERM else "interrupted")
