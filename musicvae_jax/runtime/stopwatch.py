"""The time that stages take."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import perf_counter


class Stopwatch:
    """Wall-clock seconds of each stage, in the order they ran.

    Args:
        show: shows the stage of this name while a block runs; shows nothing by default.
    """

    def __init__(self, show: Callable[[str], AbstractContextManager[object]] = nullcontext) -> None:
        self.seconds: dict[str, float] = {}
        self._show = show

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time of a block to that of its stage, and shows that it runs."""
        start = perf_counter()
        with self._show(name):
            yield
        before = self.seconds.get(name, 0.0)
        self.seconds[name] = round(before + perf_counter() - start, 3)
