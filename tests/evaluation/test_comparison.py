import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from musicvae_jax.evaluation.comparison import compare_paired

SCORES = st.lists(st.floats(-1, 1), min_size=2, max_size=6)


def test_a_paired_comparison_is_the_t_test_of_scipy():
    random = np.random.default_rng(0)
    first, second = random.normal(size=(2, 7))
    found = compare_paired(first, second)
    expected = stats.ttest_rel(first, second)
    interval = expected.confidence_interval(0.95)
    assert found[:5] == pytest.approx(
        (np.mean(first - second), interval.low, interval.high, expected.pvalue, 7)
    )


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        # Three seeds: the mean must be 2.484 standard deviations, the t of 4.303 over sqrt(3).
        ([1.5, 2.5, 3.5], "better"),
        ([1.4, 2.4, 3.4], "no difference at these seeds"),
        ([-1.5, -2.5, -3.5], "worse"),
        ([0.0, 0.0, 0.0], "no difference at these seeds"),
        ([0.1, -0.1, 0.0], "no difference at these seeds"),
    ],
)
def test_paired_verdicts_by_hand(differences, verdict):
    base = np.array([10.0, 30.0, 20.0])
    assert compare_paired(base + differences, base).verdict == verdict


def test_pairing_removes_what_the_seeds_have_in_common():
    second = np.array([0.1, 0.5, 0.9])
    first = second + np.array([0.02, 0.021, 0.019])
    assert stats.ttest_ind(first, second).pvalue > 0.9
    assert compare_paired(first, second).verdict == "better"


def test_methods_without_seeds_differ_by_a_number():
    found = compare_paired(np.full(3, 0.3), np.full(3, 0.1))
    assert found[:5] == pytest.approx((0.2, 0.2, 0.2, 0, 3))
    assert found.verdict == "better"
    assert compare_paired(np.full(3, 0.3), np.full(3, 0.3))[3:] == (
        1,
        3,
        "no difference at these seeds",
    )
    # 0.3 - 0.1 and the like differ by rounding.
    base = np.array([0.1, 0.7, 1.1])
    assert compare_paired(base + 0.2, base).p_value == 0


def test_one_seed_is_no_pair_to_compare():
    found = compare_paired(np.array([0.5]), np.array([0.25]))
    assert (found.difference, found.n_seeds, found.verdict) == (0.25, 1, "one seed")
    assert np.isnan(found[1:4]).all()


@pytest.mark.parametrize(("first", "second"), [([1.0, 2.0], [1.0]), ([], [])])
def test_seeds_must_be_the_same(first, second):
    message = f"got scores of {len(first)} and {len(second)} seeds, expected the same seeds"
    with pytest.raises(ValueError, match=message):
        compare_paired(np.array(first), np.array(second))


def test_without_a_difference_verdicts_are_wrong_at_the_level():
    random = np.random.default_rng(1)
    verdicts = [compare_paired(*random.normal(size=(2, 3))).verdict for _ in range(1000)]
    wrong = sum(verdict in ("better", "worse") for verdict in verdicts)
    # 50 expected, with a standard deviation of 6.9.
    assert 30 <= wrong <= 70


@given(SCORES, st.data())
def test_swapping_the_two_swaps_the_paired_verdict(first, data):
    second = data.draw(st.lists(st.floats(-1, 1), min_size=len(first), max_size=len(first)))
    one, other = compare_paired(first, second), compare_paired(second, first)
    swapped = {"better": "worse", "worse": "better"}
    assert one.p_value == other.p_value
    assert other.verdict == swapped.get(one.verdict, one.verdict)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
