"""Output of a run: results to standard output, progress and notices to standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from musicvae_jax.runtime.printable import printable

# Wide enough for the score table when the output goes to a file.
_FILE_WIDTH = 150


class Terminal:
    """The two streams of one run."""

    def __init__(self, is_quiet: bool = False, is_command: bool = True) -> None:
        """Opens both streams.

        Args:
            is_quiet: print nothing, as in all but the first of several processes.
            is_command: whether a command runs; for a library call, everything goes to standard
                error.
        """
        self._out = _console(stderr=not is_command, quiet=is_quiet)
        self._err = _console(stderr=True, quiet=is_quiet)

    def say(self, line: str) -> None:
        """Prints a line of the result."""
        _print_line(self._out, line)

    def show(self, table: RenderableType) -> None:
        """Prints a table of the result."""
        self._out.print(table)

    def notice(self, line: str) -> None:
        """Prints a warning; the run continues."""
        _print_line(self._err, f"notice: {line}")

    @contextmanager
    def progress(self, name: str, total: int) -> Iterator[Callable[..., None]]:
        """Shows a bar with the time left, on a terminal only; yields `advance(steps=1)`."""
        if total == 0:
            yield lambda steps=1: None  # noqa: ARG005 - as the others are called
            return
        columns = (
            TextColumn("{task.description:24}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        disable = not self._err.is_terminal
        with Progress(*columns, console=self._err, disable=disable, transient=True) as bars:
            task = bars.add_task(name, total=total)
            yield lambda steps=1: bars.advance(task, steps)


def _print_line(console: Console, line: str) -> None:
    # Nothing in a song's title or a file's name may act as markup, emoji code or control sequence.
    console.print(printable(line), markup=False, emoji=False, highlight=False, soft_wrap=True)


def _console(stderr: bool, quiet: bool) -> Console:
    console = Console(stderr=stderr, quiet=quiet)
    if console.is_terminal:
        return console
    return Console(stderr=stderr, quiet=quiet, width=_FILE_WIDTH)
