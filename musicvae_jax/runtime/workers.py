"""Work that is shared among processes, one per core."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
# Each imports scikit-learn, which takes some 150 MB.
_MOST_PROCESSES = 16


class Workers(NamedTuple):
    """Processes that compute side by side; none is started before there is work for them.

    Processes, not threads: much of scikit-learn holds the interpreter's lock, and its thread
    pools are limited for a whole process. The cores' threads are shared out among the processes:
    one each, unless there are more cores than processes.

    Attributes:
        min_songs: with fewer, calls take less time than the processes to start: all is done here.
    """

    min_songs: int

    def map(
        self, function: Callable[..., T], calls: Sequence[tuple[Any, ...]], n_songs: int
    ) -> Iterator[T]:
        """The results of calls, in their order; the calls start now.

        Args:
            function: of a module that imports no JAX, which every process would start.
            calls: the arguments of each.
            n_songs: what the time of a call goes with.
        """
        import joblib

        # The same number every time: joblib keeps its processes for the next call of that many.
        n_jobs = min(joblib.cpu_count(), _MOST_PROCESSES) if n_songs >= self.min_songs else 1
        tasks = (joblib.delayed(function)(*call) for call in calls)
        return joblib.Parallel(n_jobs=n_jobs, return_as="generator")(tasks)


# A single run would wait longer for its processes than for its work.
FOR_ONE_RUN = Workers(min_songs=1500)
FOR_MANY_RUNS = Workers(min_songs=200)
