"""Output of a run: results to standard output, progress and notices to standard error."""

import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from rich.console import Console, RenderableType

from musicvae_jax.runtime.displays import Display, LiveDisplay, LogDisplay, NoDisplay
from musicvae_jax.runtime.printable import printable
from musicvae_jax.runtime.tasks import Task

# Wide enough for the score table when the output goes to a file.
_FILE_WIDTH = 150


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Falls silent on standard error; what ends a command is that nobody reads its results."""
        self.quiet = True
        # Rich's own exits, whichever stream has broken.
        if not self.stderr:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


class Terminal:
    """The two streams of one run."""

    def __init__(
        self,
        is_quiet: bool = False,
        is_command: bool = True,
        notices_only: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Opens both streams.

        Args:
            is_quiet: print nothing, as in all but the first of several processes.
            is_command: whether a command runs; for a library call, everything goes to standard
                error, and progress is shown on a terminal only.
            notices_only: print no results and no progress.
            clock: the time in seconds since the epoch.
        """
        self._clock = clock
        self._err = _console(stderr=True, quiet=is_quiet)
        self._out = self._err
        if is_command:
            self._out = _console(stderr=False, quiet=is_quiet or notices_only)
        self._tasks: list[Task] = []
        shows = not (is_quiet or notices_only)
        self._display: Display = self._best_display(is_command) if shows else NoDisplay()

    def say(self, line: str) -> None:
        """Prints a line of the result."""
        with self._hidden_tasks():
            _print_line(self._out, line)

    def show(self, table: RenderableType) -> None:
        """Prints a table of the result."""
        with self._hidden_tasks():
            self._out.print(table)

    def notice(self, line: str) -> None:
        """Prints a warning; the run continues."""
        _print_line(self._err, f"notice: {line}")

    @contextmanager
    def task(self, name: str, total: int | None = None, unit: str = "") -> Iterator[Task]:
        """Shows a task until the block ends, as a part of the task around it, if there is one.

        On a terminal with a clock, and a bar if it has steps; otherwise by a line a minute.

        Args:
            name: what is done.
            total: number of its steps; `Task.advance` counts them.
            unit: what the steps are; "" if the name says it.
        """
        task = Task(name, total, unit, self._clock)
        is_outermost = not self._tasks
        self._tasks.append(task)
        try:
            if is_outermost:
                self._display.start()
            yield task
        finally:
            if is_outermost:
                self._display.stop()
            self._tasks.remove(task)

    @contextmanager
    def progress(self, name: str, total: int, unit: str = "") -> Iterator[Callable[..., None]]:
        """Shows a task of so many steps, perhaps none; yields `advance(steps=1)`."""
        if total == 0:
            yield lambda steps=1: None  # noqa: ARG005 - as the others are called
            return
        with self.task(name, total, unit) as task:
            yield task.advance

    @contextmanager
    def stage(self, name: str, names: Sequence[str]) -> Iterator[None]:
        """Shows which of the stages of a run the block is.

        Args:
            name: of this stage.
            names: of all stages, in their order.
        """
        with self.task(f"stage {names.index(name) + 1} of {len(names)}"), self.task(name):
            yield

    def _best_display(self, is_command: bool) -> Display:
        if self._err.is_interactive:
            return LiveDisplay(self._err, self._tasks)
        if is_command:
            print_line = partial(_print_line, self._err)
            return LogDisplay(print_line, self._tasks, self._clock)
        return NoDisplay()

    @contextmanager
    def _hidden_tasks(self) -> Iterator[None]:
        """Hides the tasks: both streams may lead to one screen, and each knows only its own."""
        if not self._tasks or self._out is self._err or not self._out.is_terminal:
            yield
            return
        self._display.stop()
        try:
            yield
        finally:
            self._display.start()


def _print_line(console: Console, line: str) -> None:
    # Nothing in a song's title or a file's name may act as markup, emoji code or control sequence.
    console.print(printable(line), markup=False, emoji=False, highlight=False, soft_wrap=True)


def _console(stderr: bool, quiet: bool) -> Console:
    console = _Console(stderr=stderr, quiet=quiet)
    if not console.is_terminal:
        console = _Console(stderr=stderr, quiet=quiet, width=_FILE_WIDTH)
    # FORCE_COLOR asks for colours in a file, not for what erases itself.
    console.is_interactive = console.is_interactive and console.file.isatty()
    return console
