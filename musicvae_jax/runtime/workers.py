"""Work spread over processes, one per core."""

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
# Each takes about 250 MB.
_MOST_PROCESSES = 16
_MOST_IDLE_SECONDS = 24 * 3600


def most_processes() -> int:
    """One per core, up to a limit."""
    import joblib

    return min(joblib.cpu_count(), _MOST_PROCESSES)


def processes(n: int, **settings: Any) -> Any:
    """joblib's processes for one set of calls: those of the set before, if these are as many.

    They idle while a model trains. joblib by itself ends idle ones after five minutes, and starts
    all anew for another number of them or another such time; each start takes seconds.

    Args:
        n: number of processes, at least 1.
        settings: further arguments of `joblib.Parallel`, which is returned.
    """
    import joblib

    return joblib.Parallel(n_jobs=n, idle_worker_timeout=_MOST_IDLE_SECONDS, **settings)


class Workers(NamedTuple):
    """Worker processes; they start when there is work for them.

    Processes, not threads: much of scikit-learn holds the interpreter's lock, and its thread
    pools are limited for a whole process. Each process gets an equal share of the cores.

    Attributes:
        min_songs: with fewer songs this process does the work: starting others takes longer.
    """

    min_songs: int

    def map(
        self, function: Callable[..., T], calls: Sequence[tuple[Any, ...]], n_songs: int
    ) -> Generator[T]:
        """Starts the calls at once and yields their results in order.

        Args:
            function: from a module that does not import JAX, which every process would start.
            calls: the arguments of each call.
            n_songs: number of songs in each call, on which its time depends.
        """
        import joblib

        if not calls:
            return _ended_with_the_last(iter(()), 0)
        tasks = (joblib.delayed(function)(*call) for call in calls)
        results = processes(self._processes(n_songs), return_as="generator")(tasks)
        return _ended_with_the_last(results, len(calls))

    def threads(self, n_songs: int) -> int:
        """Number of threads of a call, on which the last digits of its numbers depend."""
        import joblib

        return joblib.cpu_count() // self._processes(n_songs)

    def _processes(self, n_songs: int) -> int:
        # Always the same number: joblib reuses its processes only for calls with that many.
        return most_processes() if n_songs >= self.min_songs else 1


def _ended_with_the_last(results: Iterator[T], n_results: int) -> Generator[T]:
    """The results, from a generator that has ended when the last of them is yielded.

    joblib takes a generator that was not read to its end for one that was given up, and stops the
    processes, which may be at work for another.
    """
    for place in range(n_results):
        result = next(results)
        if place == n_results - 1:
            next(results, None)
        yield result


# A suite starts its processes once; a single run of few songs would mostly wait for them.
FOR_ONE_RUN = Workers(min_songs=1500)
FOR_MANY_RUNS = Workers(min_songs=200)
