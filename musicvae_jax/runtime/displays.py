"""Two ways to show the tasks under way: live on a terminal, or a line a minute in a log."""

import math
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from musicvae_jax.runtime.printable import printable
from musicvae_jax.runtime.tasks import Task, describe

_SECONDS_BETWEEN_LINES = 60
_WIDEST_BAR = 40
_SECONDS_BETWEEN_REFRESHES = 0.25


class Display(Protocol):
    """Shows tasks from `start` to `stop`, which can follow each other again and again."""

    def start(self) -> None:
        """Begins to show them."""

    def stop(self) -> None:
        """Ends it; no thread and nothing on the screen is left."""


class NoDisplay:
    """Shows nothing."""

    def start(self) -> None:
        """Does nothing."""

    def stop(self) -> None:
        """Does nothing."""


class _Ticker:
    """Calls a function now and then: the main thread may be within a library for minutes.

    Args:
        tick: the function.
        pause: the seconds until it is called next.
    """

    def __init__(self, tick: Callable[[], None], pause: Callable[[], float]) -> None:
        self._tick = tick
        self._pause = pause
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends it, and its thread."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._pause()):
            self._tick()


class LiveDisplay:
    """Shows tasks below what is printed, and wipes them away at the end.

    Args:
        console: of a terminal; what is printed on it meanwhile appears above.
        tasks: those under way, outermost first; the caller changes them.
    """

    def __init__(self, console: Console, tasks: Sequence[Task]) -> None:
        self._console = console
        self._tasks = tasks
        self._running = ExitStack()

    def start(self) -> None:
        """Begins to show them."""
        live = Live(
            console=self._console,
            get_renderable=self.rendered,
            # Its own thread would outlive it for a moment.
            auto_refresh=False,
            transient=True,
            # It goes to standard error then: on a screen only, where both are one.
            redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
        )
        # Also if a signal interrupts the others.
        self._running.callback(self._console.show_cursor)
        self._running.enter_context(live)
        ticker = _Ticker(live.refresh, lambda: _SECONDS_BETWEEN_REFRESHES)
        self._running.callback(ticker.stop)

    def stop(self) -> None:
        """Wipes them away."""
        self._running.close()

    def rendered(self) -> RenderableType:
        """What is shown now: one line on what is done, then a bar for each task with steps."""
        tasks = list(self._tasks)
        without_steps = [task for task in tasks if not task.total]
        bars = Table.grid(padding=(0, 1))
        for task in tasks:
            if task.total:
                bars.add_row(*self._row(task))
        if not without_steps:
            return bars
        names = ", ".join(printable(task.name) for task in without_steps)
        heading = Text(names, no_wrap=True)
        heading.append(f" {_clock_text(without_steps[-1].seconds)}", "progress.elapsed")
        return Group(heading, bars)

    def _row(self, task: Task) -> tuple[RenderableType, ...]:
        width = min(_WIDEST_BAR, self._console.width // 3)
        return (
            Text(printable(task.name)),
            ProgressBar(task.total, task.done, width),
            Text(f"{task.done:,}/{task.total:,} {task.unit}".rstrip(), "progress.download"),
            Text(_clock_text(task.seconds), "progress.elapsed"),
            "left",
            Text(_clock_text(task.seconds_left), "progress.remaining"),
        )


def _clock_text(seconds: float | None) -> str:
    return "-:--:--" if seconds is None else str(timedelta(seconds=int(seconds)))


class LogDisplay:
    """Prints a line on the tasks whenever a minute has passed.

    Args:
        print_line: prints a line of the log.
        tasks: those under way, outermost first; the caller changes them.
        clock: the time in seconds since the epoch.
    """

    def __init__(
        self,
        print_line: Callable[[str], None],
        tasks: Sequence[Task],
        clock: Callable[[], float],
    ) -> None:
        self._print_line = print_line
        self._tasks = tasks
        self._clock = clock
        self._due = math.inf
        self._running = ExitStack()

    def start(self) -> None:
        """Begins; the minute goes on if it has been stopped meanwhile."""
        self._due = min(self._due, self._clock() + _SECONDS_BETWEEN_LINES)
        ticker = _Ticker(self.print_if_due, lambda: max(0.0, self._due - self._clock()))
        self._running.callback(ticker.stop)

    def stop(self) -> None:
        """Ends it."""
        self._running.close()

    def print_if_due(self) -> None:
        """Prints a line if a minute has passed since the last one, or since the start."""
        now = self._clock()
        if now >= self._due:
            self._due = now + _SECONDS_BETWEEN_LINES
            of_day = time.strftime("%H:%M:%S", time.localtime(now))
            self._print_line(f"{of_day} {describe(self._tasks)}")
