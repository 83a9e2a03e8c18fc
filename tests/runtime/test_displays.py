"""Tasks under way: live on a terminal, and as a line a minute in a log."""

import re
import sys
import threading
import time
from io import StringIO

import pytest
from clocks import Clock
from rich.console import Console

from musicvae_jax.runtime.displays import LiveDisplay, LogDisplay
from musicvae_jax.runtime.tasks import Task

# Goes up a line and wipes it.
WIPED = "\x1b[1A\x1b[2K"


@pytest.fixture
def clock():
    # 14:01:31 of some day, here.
    return Clock(time.mktime((2026, 11, 27, 14, 1, 31, 0, 0, -1)))


@pytest.fixture
def tasks(clock):
    return [Task("hard_cvae", None, "", clock)]


def screen(**options):
    return Console(file=StringIO(), force_terminal=True, width=100, **options)


def log(tasks, clock):
    lines = []
    return LogDisplay(lines.append, tasks, clock), lines


def test_a_line_whenever_a_minute_has_passed(tasks, clock):
    display, lines = log(tasks, clock)
    display.start()
    clock.now += 59
    display.print_if_due()
    assert lines == []
    clock.now += 2
    display.print_if_due()
    assert lines == ["14:02:32 hard_cvae: 1 min 1 s so far"]
    clock.now += 59
    display.print_if_due()
    assert len(lines) == 1
    clock.now += 1
    display.print_if_due()
    assert len(lines) == 2
    display.stop()


def test_what_takes_less_than_a_minute_in_all_leaves_no_line(tasks, clock):
    display, lines = log(tasks, clock)
    for _ in range(3):
        display.start()
        clock.now += 19
        display.print_if_due()
        display.stop()
    assert lines == []
    display.start()
    clock.now += 3
    display.print_if_due()
    display.stop()
    assert len(lines) == 1


def test_its_thread_prints_while_another_is_busy_and_ends(tasks, clock):
    before = threading.active_count()
    printed = threading.Event()
    display = LogDisplay(lambda line: printed.set(), tasks, clock)
    display.start()
    display.stop()
    clock.now += 60
    display.start()
    assert printed.wait(60)
    assert threading.active_count() == before + 1
    display.stop()
    assert threading.active_count() == before


def shown(display):
    console = screen(color_system=None)
    console.print(display.rendered())
    return console.file.getvalue().splitlines()


def test_a_terminal_shows_the_stage_and_a_bar_for_what_is_counted(tasks, clock):
    tasks[:0] = [
        Task("all experiments", 21, "", clock),
        Task("experiment 3 of 21", None, "", clock),
    ]
    display = LiveDisplay(screen(), tasks)
    clock.now += 70
    heading, suite = shown(display)
    assert heading == "experiment 3 of 21, hard_cvae 0:01:10"
    assert re.fullmatch(r"all experiments +0/21 +0:01:10 left -:--:-- *", suite)
    tasks += [Task("training", None, "", clock), Task("training", 100, "epochs", clock)]
    clock.now += 12
    tasks[-1].advance(25)
    heading, _, training = shown(display)
    assert heading == "experiment 3 of 21, hard_cvae, training 0:00:12"
    assert re.fullmatch(r"training +━+[╸ ]+25/100 epochs 0:00:12 left 0:00:36 *", training)


def test_a_terminal_shows_bars_of_a_library_call_without_a_heading(clock):
    (bar,) = shown(LiveDisplay(screen(), [Task("reading songs", 4, "", clock)]))
    assert bar.split() == ["reading", "songs", "0/4", "0:00:00", "left", "-:--:--"]


def test_names_are_shown_not_obeyed(clock):
    name = "a\nb\x1b[31m [bold]x[/bold] :heart:"
    tasks = [Task(name, None, "", clock), Task(name, 3, "", clock)]
    as_it_is = r"a\nb\x1b[31m [bold]x[/bold] :heart:"
    heading, bar = shown(LiveDisplay(screen(), tasks))
    assert heading == f"{as_it_is} 0:00:00"
    assert bar.startswith(as_it_is)


def test_standard_output_may_be_closed(tasks, monkeypatch):
    # As Python has it after `>&-`.
    monkeypatch.setattr(sys, "stdout", None)
    console = screen()
    display = LiveDisplay(console, tasks)
    display.start()
    display.stop()
    assert "hard_cvae" in console.file.getvalue()


def test_nothing_is_left_on_a_terminal(tasks):
    console, errors, before = screen(), sys.stderr, threading.active_count()
    display = LiveDisplay(console, tasks)
    display.start()
    console.print("notice: careful")
    display.stop()
    printed = console.file.getvalue()
    assert printed.startswith("\x1b[?25l")
    _, below = printed.split("notice: careful\n")
    assert "hard_cvae" in below
    # Both lines are wiped, the empty one that ends the heading too; then the cursor is back.
    assert below.endswith(f"\r{2 * WIPED}\x1b[?25h")
    assert sys.stderr is errors
    assert threading.active_count() == before


def test_what_others_print_stays_in_its_stream(tasks, capsys):
    console = screen()
    display = LiveDisplay(console, tasks)
    display.start()
    print("a result of theirs")
    print("a warning of theirs", file=sys.stderr)
    display.stop()
    assert capsys.readouterr() == ("a result of theirs\n", "")
    assert "a warning of theirs\n" in console.file.getvalue()


def test_a_terminal_shows_them_again_after_a_pause(tasks):
    console = screen()
    display = LiveDisplay(console, tasks)
    for _ in range(2):
        display.start()
        display.stop()
    assert console.file.getvalue().count("\x1b[?25l") == 2
    assert console.file.getvalue().endswith("\x1b[?25h")


def test_no_colour_where_none_is_wanted(tasks, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    tasks.append(Task("training", 4, "", Clock()))
    console = screen()
    display = LiveDisplay(console, tasks)
    display.start()
    display.stop()
    assert "hard_cvae" in console.file.getvalue()
    assert not re.search(r"\x1b\[[0-9;]*[1-9][0-9;]*m", console.file.getvalue())
