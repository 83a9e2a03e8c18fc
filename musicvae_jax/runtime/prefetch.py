"""Computing the next item while the current one is in use."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class _End:
    """What follows the last item."""


def one_ahead(items: Iterator[T]) -> Generator[T]:
    """Yields the items; a thread computes each while the one before it is in use.

    At most one finished item waits. An error in computing an item is raised in its place. Closing
    the iterator waits for the item that is being computed.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        pending = pool.submit(next, items, _End())
        while not isinstance(item := pending.result(), _End):
            pending = pool.submit(next, items, _End())
            yield item
