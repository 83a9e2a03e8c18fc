"""What is cached of each part of the songs is made part by part, in processes side by side."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from musicvae_jax.songs import Part

OnRows = Callable[[int], None]
# With fewer rows than these, the processes would take longer to start than to work.
_MIN_ROWS = 500
# Each takes some 250 MB.
_MOST_PROCESSES = 16


class Share(NamedTuple):
    """Which of the parts a process makes, where several have a cache folder in common.

    Process `index` of `count` makes the parts index, index + count, ...; when all have made
    theirs, each finds all of them.
    """

    index: int = 0
    count: int = 1

    def of(self, parts: Sequence[Part]) -> Sequence[Part]:
        """The parts of this share, in order."""
        if not 0 <= self.index < self.count:
            raise ValueError(f"share: got index {self.index}, expected 0 <= index < {self.count}")
        return parts[self.index :: self.count]


EVERYTHING = Share()


def make_parts(
    make: Callable[..., None],
    parts: Sequence[Part],
    calls: Sequence[tuple[Part, Any]],
    n_jobs: int | None,
    on_rows: OnRows | None,
) -> None:
    """Makes what is missing: `make(part, how, on_rows)`, which leaves its result in a file.

    Processes, not threads, which one interpreter would hold back; a part alone is made here.

    Args:
        make: of a module that imports no JAX, which every process would start.
        parts: all that are wanted.
        calls: those of them that are not there yet, and how each is made.
        n_jobs: number of processes; by default one per core, unless there is little to do.
        on_rows: called with the number of rows that are done: if some are missing, those that are
            not; then after each block of rows in this process, after each part in others.
    """
    import joblib

    n_there = sum(part.n_rows for part in parts) - sum(part.n_rows for part, _ in calls)
    if calls and n_there and on_rows:
        on_rows(n_there)
    if n_jobs is None:
        is_little = sum(part.n_rows for part, _ in calls) < _MIN_ROWS
        n_jobs = 1 if is_little else min(joblib.cpu_count(), _MOST_PROCESSES)
    n_jobs = min(n_jobs, len(calls))
    if n_jobs <= 1:
        for part, how in calls:
            make(part, how, on_rows)
        return
    tasks = (joblib.delayed(_make_elsewhere)(make, part, how) for part, how in calls)
    # One at a time: parts take seconds, and a batch would be reported, and lost, as a whole.
    parallel = joblib.Parallel(n_jobs=n_jobs, batch_size=1, return_as="generator_unordered")
    for n_rows in parallel(tasks):
        if on_rows:
            on_rows(n_rows)


def _make_elsewhere(make: Callable[..., None], part: Part, how: Any) -> int:
    make(part, how, None)
    return part.n_rows
