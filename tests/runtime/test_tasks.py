"""How far tasks are, how long they still take, and the line that says so."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from clocks import Clock
from hypothesis import given
from hypothesis import strategies as st

from musicvae_jax.runtime.tasks import Task, describe, duration


@pytest.fixture
def clock():
    return Clock()


def test_the_other_steps_take_as_long_as_those_so_far(clock):
    clock.now = 100.0
    task = Task("training", 10, "epochs", clock)
    assert task.seconds_left is None
    clock.now = 130.0
    assert task.seconds_left is None
    task.advance(3)
    assert (task.seconds, task.seconds_left) == (30.0, 70.0)
    clock.now = 134.0
    assert task.seconds_left == 66.0
    # The fourth step takes longer than the others did.
    clock.now = 160.0
    assert task.seconds_left == 60.0
    task.advance(7)
    assert task.seconds_left == 0.0


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=20), st.floats(0, 1e5))
def test_the_time_left_is_never_negative_and_falls_between_steps(steps, since):
    clock = Clock()
    task = Task("training", 20, "", clock)
    for seconds in steps:
        clock.now += seconds
        task.advance()
    before = task.seconds_left
    clock.now += since
    assert 0 <= task.seconds_left <= before


def test_no_number_of_steps_no_time_left(clock):
    task = Task("download", None, "MB", clock)
    clock.now = 5.0
    task.advance(3)
    assert task.seconds_left is None
    task.total = 6
    assert task.seconds_left == 5.0


def test_steps_that_were_there_already_took_no_time(clock):
    task = Task("training", 1000, "epochs", clock)
    clock.now = 60.0
    task.skip(500)
    assert (task.done, task.seconds_left) == (500, None)
    task.advance(10)
    assert task.seconds_left == 60.0 * 49
    # They are lost again; those that this task has done tell how long a step takes.
    task.skip(-510)
    assert (task.done, task.seconds_left) == (0, 60.0 * 100)


class Slow(int):
    """A number of steps; other threads get their turn while it is added."""

    def __radd__(self, other):
        time.sleep(1e-3)
        return other + int(self)


def test_threads_that_advance_together_lose_no_step(clock):
    task = Task("training", 80, "", clock)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: task.advance(Slow(1)), range(40)))
        list(pool.map(lambda _: task.skip(Slow(1)), range(40)))
    assert (task.done, task._skipped) == (80, 40)


def test_a_line_says_what_is_done_how_far_it_is_and_how_long_still(clock):
    tasks = [Task(name, None, "", clock) for name in ("hard_cvae", "stage 3 of 13", "training")]
    clock.now = 70.0
    assert describe(tasks) == "hard_cvae, stage 3 of 13, training: 1 min 10 s so far"
    training = Task("training", 1500, "epochs", clock)
    tasks.append(training)
    assert describe(tasks) == "hard_cvae, stage 3 of 13, training: 0 of 1,500 epochs"
    clock.now += 60.0
    training.advance(500)
    line = "hard_cvae, stage 3 of 13, training: 500 of 1,500 epochs, about 2 min left"
    assert describe(tasks) == line
    training.advance(1000)
    assert describe(tasks) == "hard_cvae, stage 3 of 13, training: 1,500 of 1,500 epochs"


def test_a_line_of_a_suite_ends_with_the_time_left_of_the_suite(clock):
    suite = Task("all experiments", 5, "", clock)
    stage = Task("experiment 1 of 5", None, "", clock)
    assert describe([suite, stage]) == "experiment 1 of 5: 0 s so far"
    clock.now = 600.0
    suite.advance()
    stages = [Task(name, None, "", clock) for name in ("experiment 2 of 5", "stage 2 of 13")]
    reading = Task("reading mels", 90, "", clock)
    clock.now = 660.0
    reading.advance(60)
    assert describe([suite, *stages, reading]) == (
        "experiment 2 of 5, stage 2 of 13, reading mels: 60 of 90, about 30 s left; "
        "all experiments: about 39 min left"
    )
    assert describe([suite]) == "all experiments: 1 of 5, about 39 min left"


def test_of_several_counted_tasks_the_line_is_on_the_one_that_goes_on(clock):
    mels, lyrics = (Task(name, 9, "", clock) for name in ("storing mels", "embedding lyrics"))
    clock.now = 1.0
    mels.advance()
    assert describe([mels, lyrics]).startswith("storing mels: 1 of 9")
    clock.now = 2.0
    lyrics.advance(2)
    line = "embedding lyrics: 2 of 9, about 10 s left"
    assert describe([mels, lyrics]) == line
    # Each once, however many they are.
    assert describe([mels, lyrics, Task("decoding", 9, "", clock)]) == line


@pytest.mark.parametrize(
    ("left", "text"),
    [(3, "10 s"), (44, "40 s"), (59, "1 min"), (100, "2 min"), (3599, "1 h"), (8100, "2 h 15 min")],
)
def test_estimates_have_no_more_digits_than_they_deserve(clock, left, text):
    task = Task("training", 2, "", clock)
    clock.now = float(left)
    task.advance()
    assert describe([task]) == f"training: 1 of 2, about {text} left"


@given(st.integers(0, 10**6))
def test_a_duration_loses_less_than_its_smaller_unit(seconds):
    parts = duration(seconds).split()
    units = {"s": 1, "min": 60, "h": 3600}
    total = sum(int(n) * units[unit] for n, unit in zip(parts[::2], parts[1::2], strict=True))
    assert 0 <= seconds - total < (60 if "h" in parts else 1)
