"""Caches the results of stages by the content of their inputs.

The key covers the function, the versions of its code and libraries, its threads and the arguments.
Experiments that cluster the same points share results, and a killed or repeated run continues from
them.
"""

import hashlib
import pickle
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import joblib

from musicvae_jax.runtime.cache import writing_cache
from musicvae_jax.runtime.code import NUMERICAL_PACKAGES, code_version
from musicvae_jax.runtime.workers import Workers

T = TypeVar("T")
_DIGEST_BYTES = hashlib.sha256().digest_size


class Stages:
    """Runs the calls of stages, or finds their results in the cache, and counts both.

    Args:
        folder: folder of the cache; made if it does not exist.
        fresh: compute everything again and ignore the cache.
        workers: run the calls.
    """

    def __init__(self, folder: Path, fresh: bool, workers: Workers) -> None:
        self._folder = folder
        self._fresh = fresh
        self._workers = workers
        self._counts: dict[str, Counter[Any]] = {}

    def map(
        self,
        stage: str,
        function: Callable[..., T],
        calls: Sequence[tuple[Any, ...]],
        n_songs: int,
    ) -> Iterator[T]:
        """Starts the calls and yields their results in order; equal calls are computed once.

        Args:
            stage: name of the stage in the manifest.
            function: from a module that does not import JAX, which every process would start. Its
                random numbers must be seeded by its arguments.
            calls: the arguments of each call.
            n_songs: number of songs in each call, on which its time depends.
        """
        code = code_version((function.__module__,), NUMERICAL_PACKAGES)
        name = f"{function.__module__}.{function.__qualname__}"
        version = (name, code, self._workers.threads(n_songs))
        paths = [self._folder / stage / f"{key}.pickle" for key in _keys(version, calls)]
        distinct = dict(zip(paths, calls, strict=True))
        found = {path: None if self._fresh else _read(path) for path in distinct}
        missing = [path for path in distinct if found[path] is None]
        self.count(stage, len(missing), len(distinct) - len(missing))
        computed = self._workers.map(function, [distinct[path] for path in missing], n_songs)
        return _in_order(paths, found, computed)

    def count(self, stage: str, n_computed: int, n_found: int) -> None:
        """Counts calls of a stage, including calls that `map` did not make."""
        counter = self._counts.setdefault(stage, Counter(computed=0, found=0))
        counter.update(computed=n_computed, found=n_found)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """How many calls of each stage were computed, and how many were found in the cache."""
        return {stage: dict(counter) for stage, counter in self._counts.items()}

    @property
    def folder(self) -> Path:
        """Folder of the cached results."""
        return self._folder


def _keys(version: tuple[Any, ...], calls: Sequence[tuple[Any, ...]]) -> list[str]:
    """A key for each call, the same for equal arguments."""
    # Most calls of a stage share the songs' labels, which take longer to hash than all points.
    by_id = {id(one): one for call in calls for one in call}
    digests = {place: _digest(one) for place, one in by_id.items()}
    return [_digest((version, [digests[id(one)] for one in call])) for call in calls]


def _digest(value: Any) -> str:
    return joblib.hash(value, hash_name="sha1", coerce_mmap=True)


def _in_order(
    paths: Sequence[Path], found: dict[Path, tuple[T] | None], computed: Iterator[T]
) -> Iterator[T]:
    for path in paths:
        result = found[path]
        if result is None:
            result = found[path] = (_keep(path, next(computed)),)
        yield result[0]


def _read(path: Path) -> tuple[Any] | None:
    """The cached result, in a tuple; None if there is none, or it is damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, pickled = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    # Checked first: a damaged pickle can load as something else, or take all memory.
    if hashlib.sha256(pickled).digest() != digest:
        return None
    return (pickle.loads(pickled),)


def _keep(path: Path, result: T) -> T:
    pickled = pickle.dumps(result, protocol=5)
    with writing_cache(path) as aside:
        aside.write_bytes(hashlib.sha256(pickled).digest() + pickled)
    return result
