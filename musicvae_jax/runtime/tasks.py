"""The tasks under way: what they are, how far they are, and how long they still take."""

from collections.abc import Callable, Iterable
from threading import Lock

_MINUTE, _HOUR = 60, 3600


class Task:
    """A piece of work, perhaps of several steps.

    Attributes:
        name: what is done.
        total: number of steps; None if there are none, or as long as nobody knows.
        unit: what the steps are, such as "epochs"; "" if the name says it.
        done: number of steps done.

    Args:
        name, total, unit: the attributes.
        clock: the time in seconds.
    """

    def __init__(self, name: str, total: int | None, unit: str, clock: Callable[[], float]) -> None:
        self.name = name
        self.total = total
        self.unit = unit
        self.done = 0
        self._skipped = 0
        self._lock = Lock()
        self._clock = clock
        self._started = self.changed = clock()

    def advance(self, steps: int = 1) -> None:
        """Counts steps that are done; from any thread."""
        with self._lock:
            self.done += steps
            # When it last went on.
            self.changed = self._clock()

    def skip(self, steps: int) -> None:
        """Counts steps that an earlier command has done; fewer than 0 if they are lost again."""
        with self._lock:
            self.done += steps
            self._skipped += steps

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return self._clock() - self._started

    @property
    def seconds_left(self) -> float | None:
        """Seconds that the other steps take at the mean speed so far; None before the first step.

        Steps that were skipped say nothing about the speed.

        Example:
            >>> times = iter([0.0, 20.0, 25.0])
            >>> task = Task("training", 10, "epochs", lambda: next(times))
            >>> task.advance(2)
            >>> task.seconds_left
            75.0
        """
        n_timed = self.done - self._skipped
        if not self.total or not n_timed:
            return None
        of_a_step = (self.changed - self._started) / n_timed
        # A step that takes longer than those before it is taken to be about to end.
        of_this_step = min(self._clock() - self.changed, of_a_step)
        return max(0.0, (self.total - self.done) * of_a_step - of_this_step)


def describe(tasks: Iterable[Task]) -> str:
    """One line on tasks, of which each is a part of the one before it; there is at least one.

    Example:
        >>> tasks = [Task("hard_cvae", None, "", lambda: 0.0)]
        >>> describe(tasks)
        'hard_cvae: 0 s so far'
        >>> describe([*tasks, Task("training", 100, "epochs", lambda: 0.0)])
        'hard_cvae, training: 0 of 100 epochs'
    """
    tasks = list(tasks)
    names = [task.name for task in tasks if not task.total]
    last = max((place for place, task in enumerate(tasks) if not task.total), default=-1)
    parts, wholes = tasks[last + 1 :], [task for task in tasks[: max(last, 0)] if task.total]
    if parts:
        # Several can be open at once, though only one of them goes on.
        part = max(parts, key=lambda task: task.changed)
        if part.name not in names:
            names.append(part.name)
        unit = f" {part.unit}" if part.unit else ""
        state = f"{part.done:,} of {part.total:,}{unit}" + _left(part, ", ")
    else:
        state = f"{duration(tasks[last].seconds)} so far"
    return f"{', '.join(names)}: {state}" + "".join(_left(one, f"; {one.name}: ") for one in wholes)


def _left(task: Task, before: str) -> str:
    seconds = task.seconds_left
    if not seconds:
        return ""
    # An estimate has no more digits than it deserves.
    step = _MINUTE if seconds > _MINUTE else 10
    return f"{before}about {duration(max(step, step * round(seconds / step)))} left"


def duration(seconds: float) -> str:
    """A duration in its two largest units.

    Example:
        >>> duration(9.7), duration(70), duration(120), duration(7500)
        ('9 s', '1 min 10 s', '2 min', '2 h 5 min')
    """
    whole = int(seconds)
    hours, minutes = whole // _HOUR, whole % _HOUR // _MINUTE
    if hours:
        parts = ((hours, "h"), (minutes, "min"))
    else:
        parts = ((minutes, "min"), (whole % _MINUTE, "s"))
    return " ".join(f"{n} {unit}" for n, unit in parts if n) or "0 s"
