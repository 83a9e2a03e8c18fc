import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicvae_jax.comparison import compare

# Variances 0.02 and 0.02: a spread of 0.2.
LOW, HIGH = [0.1, 0.3], [0.5, 0.7]
SCORES = st.lists(st.floats(-1, 1), min_size=2, max_size=6)


@pytest.mark.parametrize(
    ("first", "second", "difference", "verdict"),
    [
        (HIGH, LOW, 0.4, "above"),
        (LOW, HIGH, -0.4, "below"),
        ([0.2, 0.4], LOW, 0.1, "within the spread"),
        (LOW, [0.2, 0.4], -0.1, "within the spread"),
    ],
)
def test_verdicts_by_hand(first, second, difference, verdict):
    found = compare(first, second)
    assert found.difference == pytest.approx(difference)
    assert found.spread == pytest.approx(0.2)
    assert found.verdict == verdict


def test_a_difference_of_exactly_the_spread_is_within_it():
    # Two variances of 2: a spread of 2.
    assert compare([1.0, 3.0], [-1.0, 1.0]) == (2.0, 2.0, "within the spread")
    assert compare([1.0, 1.0], [1.0, 1.0]) == (0.0, 0.0, "within the spread")


def test_without_any_spread_every_difference_counts():
    assert compare([0.5, 0.5], [0.25, 0.25]) == (0.25, 0.0, "above")


@pytest.mark.parametrize(("first", "second"), [([0.5], [0.25]), ([0.5], LOW), (LOW, [0.5])])
def test_one_seed_says_nothing(first, second):
    found = compare(first, second)
    assert found.verdict == "one seed"
    assert found.difference == pytest.approx(np.mean(first) - np.mean(second))
    assert np.isnan(found.spread)


def test_numbers_of_seeds_may_differ_and_series_do_not_align():
    first = pd.Series([0.5, 0.7, 0.6], index=[7, 8, 9])
    found = compare(first, pd.Series(LOW))
    assert found.difference == pytest.approx(0.4)
    assert found.spread == pytest.approx(np.sqrt(0.01 + 0.02))


@given(SCORES, SCORES)
def test_swapping_the_two_swaps_the_verdict(first, second):
    one, other = compare(first, second), compare(second, first)
    swapped = {"above": "below", "below": "above"}
    assert one.difference == -other.difference
    assert one.spread == other.spread
    assert other.verdict == swapped.get(one.verdict, one.verdict)
