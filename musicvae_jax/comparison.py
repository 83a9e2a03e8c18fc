"""Whether one representation scores above another by more than seeds differ."""

from typing import Literal, NamedTuple

import numpy as np

Verdict = Literal["above", "below", "within the spread", "one seed"]


class Comparison(NamedTuple):
    """Scores of two representations over the same seeds.

    Attributes:
        difference: of the means, first less second.
        spread: standard deviation of a difference between two single runs; NaN with one seed.
        verdict: above or below by more than the spread, or why neither can be said.
    """

    difference: float
    spread: float
    verdict: Verdict


def compare(first: np.ndarray, second: np.ndarray) -> Comparison:
    """Compares scores over seeds, `[seeds]` each, none NaN.

    This is a description of the seeds that were run, not a test: it says nothing of other songs.
    Representations that do not depend on the seed still have the spread of their clusterings.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    difference = float(first.mean() - second.mean())
    if min(len(first), len(second)) < 2:
        return Comparison(difference, np.nan, "one seed")
    spread = float(np.sqrt(first.var(ddof=1) + second.var(ddof=1)))
    if abs(difference) <= spread:
        return Comparison(difference, spread, "within the spread")
    return Comparison(difference, spread, "above" if difference > 0 else "below")
