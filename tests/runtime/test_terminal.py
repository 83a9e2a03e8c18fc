"""What reaches a terminal: text of anyone, which it must not obey, results, notices, progress."""

import os
import pty
import re
import subprocess
import sys
import threading
import unicodedata
from contextlib import suppress

import pytest
from clocks import Clock
from hypothesis import given
from hypothesis import strategies as st
from processes import clean_environment
from rich.table import Table

from musicvae_jax.errors import EXIT_BAD_INPUT, EXIT_INTERRUPTED, EXIT_UNREAD, InputError
from musicvae_jax.runtime.command import run_command
from musicvae_jax.runtime.printable import printable
from musicvae_jax.runtime.tasks import describe
from musicvae_jax.runtime.terminal import Terminal

COLOUR = re.compile(r"\x1b\[[0-9;]*[1-9][0-9;]*m")
HOSTILE = "\x1b]0;mine\x07 [red]x[/red] :heart: a\r\nb\t\x9b2J \u202eabc \udcff"
SHOWN = r"\x1b]0;mine\x07 [red]x[/red] :heart: a\r\nb\t\x9b2J \u202eabc \udcff"


@given(st.text(st.characters(codec=None)))
def test_no_character_is_left_that_a_terminal_obeys(text):
    shown = printable(text)
    assert {unicodedata.category(one) for one in shown}.isdisjoint({"Cc", "Cs", "Zl", "Zp"})
    assert len(shown) >= len(text)
    assert printable(shown) == shown
    shown.encode("utf-8")


# The last has a joiner that Persian needs.
@pytest.mark.parametrize(
    "text", ["", "Ação, “Música”", "Привет", "音楽\u3000音", "\u0646\u06cc\u200c\u0641"]
)
def test_text_of_any_language_stays_as_it_is(text):
    assert printable(text) == text


def test_lines_and_notices_are_shown_not_obeyed(capsys):
    terminal = Terminal()
    terminal.say(HOSTILE)
    terminal.notice(HOSTILE)
    printed = capsys.readouterr()
    assert printed.out == f"{SHOWN}\n"
    assert printed.err == f"notice: {SHOWN}\n"


def test_errors_are_shown_not_obeyed(capsys):
    def work(arguments, notices_only):
        raise InputError(f"{HOSTILE}.wav: broken")

    assert run_command([], work) == EXIT_BAD_INPUT
    assert capsys.readouterr().err == f"error: {SHOWN}.wav: broken\n"


@pytest.fixture
def clock():
    return Clock()


def test_notices_only_leaves_notices(capsys):
    terminal = Terminal(notices_only=True)
    with terminal.task("mine"), terminal.progress("training", 3) as advance:
        advance()
        terminal.say("a result")
        terminal.show(Table("a table"))
        terminal.notice("careful")
    assert capsys.readouterr() == ("", "notice: careful\n")


def test_what_prints_nothing_starts_nothing(capsys):
    before = threading.active_count()
    for options in ({"is_quiet": True}, {"is_command": False}, {"notices_only": True}):
        terminal = Terminal(**options)
        with terminal.task("mine"):
            assert threading.active_count() == before
    assert capsys.readouterr() == ("", "")


def test_stages_have_their_place(clock):
    terminal, names = Terminal(clock=clock), ("songs", "features", "training")
    with terminal.task("mine"):
        with terminal.stage("features", names):
            assert describe(terminal._tasks) == "mine, stage 2 of 3, features: 0 s so far"
        assert describe(terminal._tasks) == "mine: 0 s so far"


def test_colours_that_are_forced_into_a_file_bring_no_live_display(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Terminal().task("mine"):
        pass
    assert capsys.readouterr() == ("", "")


def test_an_error_ends_what_shows_the_task():
    before, terminal = threading.active_count(), Terminal()
    with pytest.raises(ValueError, match="mine"), terminal.task("a"), terminal.task("b"):
        raise ValueError("mine")
    assert threading.active_count() == before
    with terminal.progress("nothing to do", 0) as advance:
        advance()
        assert threading.active_count() == before


def printed_to(out, err):
    """What a command leaves in a file that takes results or notices; and its exit code."""
    script = """
from musicvae_jax.runtime.command import run_command
from musicvae_jax.runtime.terminal import Terminal

def work(arguments, notices_only):
    terminal = Terminal()
    terminal.notice("careful")
    for _ in range(2):
        terminal.say("a result")

raise SystemExit(run_command([], work))
"""
    command = [sys.executable, "-c", script]
    return subprocess.run(command, env=clean_environment(), stdout=out, stderr=err).returncode


def test_results_outlive_the_reader_of_notices(tmp_path, unread):
    with (tmp_path / "out").open("w") as out:
        assert printed_to(out, unread) == 0
    assert (tmp_path / "out").read_text() == "a result\na result\n"


def test_a_command_ends_whose_results_nobody_reads(tmp_path, unread):
    with (tmp_path / "err").open("w") as err:
        assert printed_to(unread, err) == EXIT_UNREAD
    assert (tmp_path / "err").read_text() == "notice: careful\n"


# What a user sees: both streams on one screen of 80 columns, a task, a result and a notice; then
# Ctrl-C.
ON_A_SCREEN = """
import os, signal
from musicvae_jax.runtime.command import run_command
from musicvae_jax.runtime.terminal import Terminal

def work(arguments, notices_only):
    terminal = Terminal(notices_only=notices_only)
    with terminal.task("mine"), terminal.progress("training", 4, "epochs") as advance:
        advance()
        terminal.say("a result")
        print("by a callback")
        terminal.notice("careful")
        os.kill(os.getpid(), signal.SIGINT)

raise SystemExit(run_command([], work))
"""


def on_a_screen(**changes):
    """What reaches the screen, and the exit code."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ON_A_SCREEN],
        env=clean_environment(**{"TERM": "xterm", "COLUMNS": "80", "NO_COLOR": ""} | changes),
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    printed = b""
    # Reading what has been closed is an error on Linux, and the end elsewhere.
    with suppress(OSError):
        while block := os.read(ours, 1 << 16):
            printed += block
    os.close(ours)
    return printed.decode(), process.wait()


def test_a_screen_shows_tasks_and_is_clean_after_an_interrupt():
    printed, code = on_a_screen()
    assert code == EXIT_INTERRUPTED
    assert "training" in printed
    assert "1/4 epochs" in printed
    # https://no-color.org: an empty variable does not count.
    assert COLOUR.search(printed)
    # They stand at the start of lines that were wiped, and stay.
    for line in ("a result", "by a callback", "notice: careful"):
        assert re.search(
            rf"(\r|\x1b\[2K|\x1b\[\?25[hl]|careful\r\n|callback\r\n){line}\r\n", printed
        )
    assert re.search(r"\x1b\[2K(\x1b\[\?25h)+error: interrupted\r\n$", printed)
    assert printed.count("\x1b[?25h") >= printed.count("\x1b[?25l") == 2


def test_a_screen_without_colours():
    printed, _ = on_a_screen(NO_COLOR="1")
    assert "1/4 epochs" in printed
    assert not COLOUR.search(printed)


def test_a_screen_that_understands_no_control_sequence():
    printed, code = on_a_screen(TERM="dumb")
    assert printed.splitlines() == [
        "a result",
        "by a callback",
        "notice: careful",
        "error: interrupted",
    ]
    assert code == EXIT_INTERRUPTED
