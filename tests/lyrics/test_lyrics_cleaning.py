"""Lyrics without section marks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from songfiles import LYRIC_LINES

from musicvae_jax import lyrics

MARKS = ("[Chorus]", "[Verse 2: Ana & Bia]", "(Refrão 2x)", "Refrain 2", "x2", "[Pre-Chorus] x2")


@pytest.mark.parametrize("mark", [*MARKS, "(bis)", "[Guitar Solo]", "Chorus:", "[No lyrics]"])
def test_section_marks_are_left_out(mark):
    assert lyrics.clean(f"{mark}\nla la\n\n{mark}\n lo \t lo") == "la la\nlo lo"


@pytest.mark.parametrize(
    "line",
    [
        "Solo",
        "(Solo tú)",
        "(was ist's?)",
        "[her] garden",
        "Bis",
        "break my heart",
        "verse 1: hello",
        "Bridge over troubled water",
        "in the chorus of the birds",
    ],
)
def test_what_may_be_sung_stays(line):
    assert lyrics.clean(f"[Chorus]\n{line}") == line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[Chorus] la la", "la la"),
        ("[Chorus] bis morgen", "bis morgen"),
        ("la la (x2)", "la la"),
        ("ma\u0303\u200bo\x00", "m\u00e3o"),
    ],
)
def test_marks_within_a_line_and_unicode(text, expected):
    assert lyrics.clean(text) == expected


@pytest.mark.parametrize("text", [*MARKS, "", " \n", "...", "[Verse 1]\n\n[Instrumental]"])
def test_marks_alone_are_no_lyrics(text):
    assert lyrics.clean(text) == ""


@settings(max_examples=50)
@given(
    st.lists(
        st.one_of(st.sampled_from([*MARKS, "(", "[", "]", ")", "x2", "\n", " "]), st.text()),
        max_size=8,
    ).map("".join)
)
def test_cleaning_twice_changes_nothing_more(text):
    once = lyrics.clean(text)
    assert lyrics.clean(once) == once


@settings(max_examples=30)
@given(st.lists(st.sampled_from(LYRIC_LINES), min_size=1, max_size=8), st.data())
def test_sung_lines_survive_any_marks_between_them(lines, data):
    marked = [f"{data.draw(st.sampled_from(MARKS))}\n{line}" for line in lines]
    assert lyrics.clean("\n\n".join(marked)) == "\n".join(lines)
