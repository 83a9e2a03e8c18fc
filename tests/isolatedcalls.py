"""Functions that end as calls in other processes can."""

import os
import signal
import sys
import time


def double(number: int) -> int:
    return 2 * number


def process_id(seconds: float = 0.0) -> int:
    time.sleep(seconds)
    return os.getpid()


def fail(message: str) -> None:
    raise ValueError(message)


def leave(code: int) -> None:
    os._exit(code)


def crash(number: int) -> None:
    os.kill(os.getpid(), number)


def hang() -> None:
    # As a C library that never comes back: no Python signal handler could run.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    while True:
        time.sleep(3600)


def fill(n_bytes: int) -> int:
    return len(bytearray(n_bytes))


def chatter() -> str:
    print("to standard output")
    os.write(1, b"past Python\n" * 1000)
    os.write(2, b"to standard error\n")
    return "done"


def is_imported(module: str) -> bool:
    return module in sys.modules


def do(name: str, *arguments: object) -> object:
    """Calls a function of this module by name."""
    return globals()[name](*arguments)
