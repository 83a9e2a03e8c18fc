"""Makes the caches of parts of the songs, in parallel processes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from musicvae_jax.runtime.workers import most_processes, processes
from musicvae_jax.songs import Part

OnRows = Callable[[int], None]
# With fewer rows, starting processes takes longer than the work.
_MIN_ROWS = 500


@dataclass(frozen=True)
class Share:
    """Which parts a process makes when several processes share a cache folder.

    Process `index` of `count` makes the parts index, index + count, ...; once all have made theirs,
    every process finds all parts.
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
    """Makes missing parts by calling `make(part, how, on_rows)`, which writes its result to a file.

    Uses processes, since the interpreter's lock would hold threads back. A single part is made in
    this process.

    Args:
        make: from a module that does not import JAX, which every process would start.
        parts: all parts.
        calls: the missing parts, and the argument `how` of each.
        n_jobs: number of processes; by default one per core, unless there is little to do.
        on_rows: called with the number of rows done: first those that are not missing, if any are;
            then after each block of rows in this process, or after each part in other processes.
    """
    n_there = sum(part.n_rows for part in parts) - sum(part.n_rows for part, _ in calls)
    if calls and n_there and on_rows:
        on_rows(n_there)
    n_jobs = min(_n_processes(calls) if n_jobs is None else n_jobs, len(calls))
    if n_jobs <= 1:
        for part, how in calls:
            make(part, how, on_rows)
        return
    import joblib

    tasks = (joblib.delayed(_make_elsewhere)(make, part, how) for part, how in calls)
    # One at a time: parts take seconds, and a batch would be reported, or lost, as a whole.
    in_processes = processes(n_jobs, batch_size=1, return_as="generator_unordered")
    for n_rows in in_processes(tasks):
        if on_rows:
            on_rows(n_rows)


def _n_processes(calls: Sequence[tuple[Part, Any]]) -> int:
    if len(calls) <= 1 or sum(part.n_rows for part, _ in calls) < _MIN_ROWS:
        return 1
    return most_processes()


def _make_elsewhere(make: Callable[..., None], part: Part, how: Any) -> int:
    make(part, how, None)
    return part.n_rows
