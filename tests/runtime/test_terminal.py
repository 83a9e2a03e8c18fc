"""Songs' titles and files' names are anyone's text; a terminal must not obey them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicvae_jax.errors import EXIT_BAD_INPUT, InputError
from musicvae_jax.runtime.command import run_command
from musicvae_jax.runtime.printable import printable
from musicvae_jax.runtime.terminal import Terminal

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
