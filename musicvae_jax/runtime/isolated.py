"""Calls in processes of their own, so that a crash or a hang costs one call and nothing else.

Each process gets one call at a time over a pipe. One that dies is replaced. The processes import
only what the called function needs, and never the script that runs; so, unlike multiprocessing's,
they can be used from any script. For POSIX systems.
"""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, NamedTuple

_PROGRAM = f"from {__name__} import serve; serve()"
# The processes already share the cores, and every thread takes memory.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


class Call(NamedTuple):
    """The arguments of a call, and how long it may take."""

    arguments: tuple[Any, ...]
    seconds: float


class Outcome(NamedTuple):
    """What a call returned, or in one line why it did not ("" if it did)."""

    value: Any
    error: str


def isolated_calls(
    function: Callable[..., Any], calls: Sequence[Call], n_processes: int, memory_bytes: int
) -> Generator[tuple[int, Outcome]]:
    """Makes the calls and yields the place and the outcome of each, in the order they end.

    A call that raises, kills its process or takes too long has an error instead of a value. What
    the function prints is discarded. Closing the iterator kills the processes, and they end if this
    one is killed.

    Args:
        function: of a module that can be imported by name.
        calls: arguments and results can be pickled.
        n_processes: number of processes, at least 1.
        memory_bytes: of data that each process may hold; an allocation beyond it fails.

    Raises:
        RuntimeError: a process cannot start.
    """
    workers = [_Worker(function, memory_bytes) for _ in range(min(n_processes, len(calls)))]
    if not workers:
        return
    idle: SimpleQueue[_Worker] = SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def make(call: Call) -> Outcome:
        worker = idle.get()
        try:
            return worker.make(call)
        finally:
            idle.put(worker)

    pool = ThreadPoolExecutor(len(workers))
    try:
        places = {pool.submit(make, call): place for place, call in enumerate(calls)}
        for done in as_completed(places):
            yield places[done], done.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.kill()
        pool.shutdown()
        for worker in workers:
            worker.close()


class _Worker:
    """A process that makes calls; started when the first arrives, and again after it died."""

    def __init__(self, function: Callable[..., Any], memory_bytes: int) -> None:
        self._setup = (function, memory_bytes)
        self._process: subprocess.Popen[bytes] | None = None
        self._is_over = False

    def make(self, call: Call) -> Outcome:
        process = self._process or self._start()
        try:
            return _answer(process, call)
        except (EOFError, OSError, pickle.UnpicklingError):
            code = self.close()
            return Outcome(None, _cause_of_death(code, call.seconds))

    def kill(self) -> None:
        """Ends the process at once, and with it the call that another thread waits for."""
        self._is_over = True
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> int:
        """Waits for the process, which has ended or is about to, and returns its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        for pipe in (process.stdin, process.stdout):
            # What was meant for a process that died is still in the buffer.
            with suppress(BrokenPipeError):
                _open(pipe).close()
        return process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        path = os.pathsep.join(folder or str(Path.cwd()) for folder in sys.path)
        process = self._process = subprocess.Popen(
            # Without -P the folder that the command runs in could hide modules.
            [sys.executable, "-P", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | _ONE_THREAD | {"PYTHONPATH": path},
            # Ctrl-C goes to this process only, which then ends the others.
            start_new_session=True,
        )
        if self._is_over:
            process.kill()
        try:
            _answer(process, self._setup)
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            code = self.close()
            raise RuntimeError(f"a worker process cannot start (exit code {code})") from error
        return process


def serve() -> None:
    """Makes the calls that arrive on standard input until it ends; for processes of this module."""
    # Windows has none, and others import this module.
    import resource

    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What libraries print must not get between the replies.
    _discard(sys.stdout.fileno())
    function, memory_bytes = pickle.load(sys.stdin.buffer)
    _, most_bytes = resource.getrlimit(resource.RLIMIT_DATA)
    if most_bytes == resource.RLIM_INFINITY or memory_bytes < most_bytes:
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, most_bytes))
    _send(replies, None)
    # From here on errors are part of the replies; C libraries print about every damaged block.
    _discard(sys.stderr.fileno())
    while True:
        try:
            call = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        # The signal ends the process even within a C library, and without the process that waits.
        signal.setitimer(signal.ITIMER_REAL, call.seconds)
        outcome = _outcome(function, call)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _send(replies, outcome)


def _outcome(function: Callable[..., Any], call: Call) -> Outcome:
    try:
        return Outcome(function(*call.arguments), "")
    except Exception as error:  # noqa: BLE001 - the caller gets it
        message = str(error).strip().split("\n")[0]
        return Outcome(None, f"{type(error).__name__}: {message}" if message else repr(error))


def _answer(process: subprocess.Popen[bytes], message: Any) -> Any:
    """What a process replies to a message."""
    _send(_open(process.stdin), message)
    return pickle.load(_open(process.stdout))


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    """A pipe of a process, which has one because it was started so."""
    assert pipe is not None
    return pipe


def _send(pipe: IO[bytes], message: Any) -> None:
    pipe.write(pickle.dumps(message))
    pipe.flush()


def _discard(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _cause_of_death(code: int, seconds: float) -> str:
    if code == -signal.SIGALRM:
        return f"took longer than {seconds:.0f} s"
    if code < 0:
        return f"crashed ({signal.Signals(-code).name})"
    return f"ended its process with exit code {code}"
