"""Whether one method scores above another by more than seeds differ."""

from typing import Literal, NamedTuple

import numpy as np
from scipy import stats

PairedVerdict = Literal["better", "worse", "no difference at these seeds", "one seed"]


class PairedComparison(NamedTuple):
    """Scores of two methods that were run with the same seeds on the same songs.

    Attributes:
        difference: of the means, first less second.
        low: lower end of the interval of the mean difference over seeds; NaN with one seed.
        high: its upper end.
        p_value: of the paired t-test, two-sided, in [0, 1]; NaN with one seed.
        n_seeds: pairs compared.
        verdict: better or worse where the p-value is below the level.
    """

    difference: float
    low: float
    high: float
    p_value: float
    n_seeds: int
    verdict: PairedVerdict


def compare_paired(first: np.ndarray, second: np.ndarray, level: float = 0.05) -> PairedComparison:
    """Compares two methods by a paired t-test over the differences of their seeds.

    The t-test assumes normal differences. A test that flips their signs would assume less, but its
    smallest two-sided p-value is 2 / 2^seeds: .25 with three seeds, and below .05 only with six or
    more. With three seeds the mean difference must be at least 2.5 standard deviations of the
    differences, so "no difference at these seeds" most often means too few seeds.

    If neither method depends on the seed, they differ by the same number every time; its sign is
    then the verdict and the p-value is 0. Only seeds vary here; the intervals in `evaluation` are
    about other songs. Several comparisons at level .05 each are wrong together more often than
    that.

    Args:
        first: scores that are better when higher, `[seeds]`, none NaN; negate others.
        second: scores of the other method, `[seeds]`, in the same order of seeds.
        level: of the test and, as 1 - level, of the interval; in (0, 1).

    Raises:
        ValueError: different numbers of seeds, or none.

    References:
        Student, The Probable Error of a Mean, 1908.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    if first.shape != second.shape or first.size == 0:
        raise ValueError(
            f"got scores of {first.size} and {second.size} seeds, expected the same seeds, one or "
            "more"
        )
    differences, n_seeds = first - second, len(first)
    difference = float(differences.mean())
    if n_seeds == 1:
        return PairedComparison(difference, np.nan, np.nan, np.nan, 1, "one seed")
    error = float(differences.std(ddof=1) / np.sqrt(n_seeds))
    # Differences that only rounding tells apart are the same.
    if error <= 1e-12 * max(np.abs(first).max(), np.abs(second).max()):
        error = 0.0
    margin = float(stats.t.ppf(1 - level / 2, n_seeds - 1)) * error
    p_value = _p_value(difference, error, n_seeds)
    verdict = "no difference at these seeds"
    if p_value < level:
        verdict = "better" if difference > 0 else "worse"
    return PairedComparison(
        difference, difference - margin, difference + margin, p_value, n_seeds, verdict
    )


def _p_value(difference: float, error: float, n_seeds: int) -> float:
    if error == 0:
        return float(difference == 0)
    return float(2 * stats.t.sf(abs(difference) / error, n_seeds - 1))
