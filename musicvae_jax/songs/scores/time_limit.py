"""A limit on the time that a block may take."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Ends the block after so many seconds.

    Without effect where Python has no timer (Windows) and outside a process's main thread.

    Args:
        seconds: above 0.

    Raises:
        TimeoutError: the block took longer.

    Example:
        >>> with time_limit(10):
        ...     print("done")
        done
    """
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as Python calls it
        raise TimeoutError(f"took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
