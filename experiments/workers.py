"""Work that is shared among processes, one per core."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import joblib

T = TypeVar("T")
# A process takes some two seconds to start, in which fewer songs are done without it.
_MIN_SONGS = 300
# Each imports scikit-learn, which takes some 150 MB.
_MOST = 16


def in_parallel(
    function: Callable[..., T],
    arguments: Sequence[tuple[Any, ...]],
    n_songs: int,
    advance: Callable[[], None],
) -> list[T]:
    """The results of calls, in their order.

    Processes, not threads: much of scikit-learn holds the interpreter's lock, and its thread
    pools are limited for a whole process. Each worker computes on one thread, so results do not
    depend on their number.

    Args:
        function: of a module that imports no JAX, which every process would start.
        arguments: of each call.
        n_songs: what the time of a call goes with; few are not worth starting processes for.
        advance: called after each call.
    """
    # The same number every time: joblib keeps its processes for the next call of that many.
    n_jobs = min(joblib.cpu_count(), _MOST) if n_songs >= _MIN_SONGS else 1
    calls = (joblib.delayed(function)(*one) for one in arguments)
    results = []
    for result in joblib.Parallel(n_jobs=n_jobs, return_as="generator")(calls):
        results.append(result)
        advance()
    return results
