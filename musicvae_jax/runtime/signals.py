"""Being asked to stop: by the person at the keyboard, or by a scheduler that wants the machine.

A signal ends the work at once, except within `held`: there it is only noted, and the work stops
where it can go on from later. A second one ends it at once everywhere.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from musicvae_jax.errors import EXIT_INTERRUPTED, EXIT_STOPPED, StoppedError

_EXIT_CODES = {signal.SIGINT: EXIT_INTERRUPTED, signal.SIGTERM: EXIT_STOPPED}
# Signals belong to the process, and so does what is known of them.
_received: list[int] = []
_held = False


def is_stop_asked() -> bool:
    """Whether a signal has come."""
    return bool(_received)


def exit_code(error: KeyboardInterrupt) -> int:
    """What a process that was asked to stop exits with; another one of its run may have been."""
    if _received:
        return _EXIT_CODES[_received[0]]
    return EXIT_STOPPED if isinstance(error, StoppedError) else EXIT_INTERRUPTED


@contextmanager
def heeded() -> Iterator[None]:
    """Within, signals do what this module says; to be called in the main thread."""
    _received.clear()
    before = {number: signal.signal(number, _receive) for number in _EXIT_CODES}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def held() -> Iterator[None]:
    """Within, a first signal is only noted."""
    global _held
    _held = True
    try:
        yield
    finally:
        _held = False


def _receive(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as Python calls it
    _received.append(number)
    if not _held or len(_received) > 1:
        raise StoppedError("stopped" if number == signal.SIGTERM else "interrupted")
