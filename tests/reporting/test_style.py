import numpy as np
import pytest

from musicvae_jax.reporting.style import folded, is_label_free, leak_mark, mean_and_std


@pytest.mark.parametrize(
    ("seen", "derivable", "marks"),
    [
        ("", "", ["", ""]),
        (np.nan, np.nan, ["", ""]),
        ("genre", "", ["†", ""]),
        ("genre language", np.nan, ["†", "†"]),
        ("genre", "language", ["†", "‡"]),
    ],
)
def test_marks_of_what_was_given_and_of_what_follows(seen, derivable, marks):
    row = {"labels_seen": seen, "labels_derivable": derivable}
    kinds = ["genre", "ami_language"]
    assert [leak_mark(row, kind) for kind in kinds] == marks
    assert [is_label_free(row, kind) for kind in kinds] == [not mark for mark in marks]


@pytest.mark.parametrize(
    ("mean", "std", "digits", "text"),
    [
        (0.5124, 0.0041, 3, "0.512 ±.004"),
        (12.34, 1.26, 1, "12.3 ±1.3"),
        (-0.012, np.nan, 3, "-0.012"),
        (np.nan, np.nan, 3, ""),
    ],
)
def test_mean_and_deviation_as_text(mean, std, digits, text):
    assert mean_and_std(mean, std, digits) == text


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("run:\na+b, n=5", ["run:", "a+b, n=5"]),
        ("one+two+seven", ["one+two+", "seven"]),
        ("no_place_to_break", ["no_place_t", "o_break"]),
    ],
)
def test_folded_text_is_whole_and_fits(text, lines):
    assert folded(text, 10).splitlines() == lines
