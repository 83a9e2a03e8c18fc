"""How far two methods that ran with the same seeds differ, over those seeds."""

from typing import NamedTuple

import numpy as np
from scipy import stats


class PairedComparison(NamedTuple):
    """Scores of two methods that were run with the same seeds on the same songs.

    Attributes:
        difference: of the means, first less second.
        low: lower end of the interval of the mean difference over seeds; NaN with one seed.
        high: its upper end.
        n_seeds: pairs compared.
    """

    difference: float
    low: float
    high: float
    n_seeds: int


def compare_paired(first: np.ndarray, second: np.ndarray, level: float = 0.95) -> PairedComparison:
    """The interval of the paired t-test over the differences of two methods' seeds.

    With three seeds the mean difference must be at least 2.5 standard deviations of the
    differences for a 95 % interval to exclude 0. If neither method depends on the seed, they differ
    by the same number every time, and both ends are that number.

    Only seeds vary here, so the interval says nothing about other songs: see `compare_methods`.

    Args:
        first: scores of a method, `[seeds]`, none NaN.
        second: scores of the other method, `[seeds]`, in the same order of seeds.
        level: nominal coverage, in (0, 1).

    Raises:
        ValueError: different numbers of seeds, or none.

    Example:
        >>> compare_paired(np.array([0.75, 0.5]), np.array([0.5, 0.25]))
        PairedComparison(difference=0.25, low=0.25, high=0.25, n_seeds=2)

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
        return PairedComparison(difference, np.nan, np.nan, 1)
    error = float(differences.std(ddof=1) / np.sqrt(n_seeds))
    # Differences that only rounding tells apart are the same.
    if error <= 1e-12 * max(np.abs(first).max(), np.abs(second).max()):
        error = 0.0
    margin = float(stats.t.ppf((1 + level) / 2, n_seeds - 1)) * error
    return PairedComparison(difference, difference - margin, difference + margin, n_seeds)


def side_of_zero(low: float, high: float) -> int:
    """1 for an interval above 0, -1 for one below, 0 for one that holds it or is not known.

    Example:
        >>> side_of_zero(0.01, 0.02), side_of_zero(-0.01, 0.02), side_of_zero(np.nan, np.nan)
        (1, 0, 0)
    """
    return int(low > 0) - int(high < 0)
