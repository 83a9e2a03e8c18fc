import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from musicvae_jax.evaluation.comparison import compare_paired, side_of_zero

SCORES = st.lists(st.floats(-1, 1), min_size=2, max_size=6)


def side(first, second):
    found = compare_paired(np.array(first), np.array(second))
    return side_of_zero(found.low, found.high)


def test_a_paired_comparison_is_the_t_test_of_scipy():
    random = np.random.default_rng(0)
    first, second = random.normal(size=(2, 7))
    for level in (0.95, 0.5):
        interval = stats.ttest_rel(first, second).confidence_interval(level)
        assert compare_paired(first, second, level) == pytest.approx(
            (np.mean(first - second), interval.low, interval.high, 7)
        )


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        # Three seeds: the mean must be 2.484 standard deviations, the t of 4.303 over sqrt(3).
        ([1.5, 2.5, 3.5], 1),
        ([1.4, 2.4, 3.4], 0),
        ([-1.5, -2.5, -3.5], -1),
        ([0.0, 0.0, 0.0], 0),
        ([0.1, -0.1, 0.0], 0),
    ],
)
def test_sides_of_zero_by_hand(differences, expected):
    base = np.array([10.0, 30.0, 20.0])
    assert side(base + differences, base) == expected


def test_pairing_removes_what_the_seeds_have_in_common():
    second = np.array([0.1, 0.5, 0.9])
    first = second + np.array([0.02, 0.021, 0.019])
    assert stats.ttest_ind(first, second).pvalue > 0.9
    assert side(first, second) == 1


def test_methods_without_seeds_differ_by_a_number():
    found = compare_paired(np.full(3, 0.3), np.full(3, 0.1))
    assert found == pytest.approx((0.2, 0.2, 0.2, 3))
    # 0.3 - 0.1 and the like differ by rounding.
    base = np.array([0.1, 0.7, 1.1])
    found = compare_paired(base + 0.2, base)
    assert found.low == found.high


def test_one_seed_is_no_pair_to_compare():
    found = compare_paired(np.array([0.5]), np.array([0.25]))
    assert (found.difference, found.n_seeds) == (0.25, 1)
    assert np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize(("first", "second"), [([1.0, 2.0], [1.0]), ([], [])])
def test_seeds_must_be_the_same(first, second):
    message = f"got scores of {len(first)} and {len(second)} seeds, expected the same seeds"
    with pytest.raises(ValueError, match=message):
        compare_paired(np.array(first), np.array(second))


def test_without_a_difference_intervals_exclude_zero_as_often_as_they_say():
    random = np.random.default_rng(1)
    wrong = sum(side(*random.normal(size=(2, 3))) != 0 for _ in range(1000))
    # 50 expected, with a standard deviation of 6.9.
    assert 30 <= wrong <= 70


@given(SCORES, st.data())
def test_swapping_the_two_turns_the_interval_around(first, data):
    second = data.draw(st.lists(st.floats(-1, 1), min_size=len(first), max_size=len(first)))
    one, other = compare_paired(first, second), compare_paired(second, first)
    assert side(first, second) == -side(second, first)
    assert one[:3] == pytest.approx((-other.difference, -other.high, -other.low))
