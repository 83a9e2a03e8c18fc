"""Scores as bars: a length, the interval as a whisker, chance as a dashed line."""

import math
from typing import NamedTuple

# The drawing's width and height, in units of its own: it is stretched to the room there is.
_WIDTH, _HEIGHT = 100, 12
_BAR_TOP, _BAR_HEIGHT, _CAP = 2, 8, 3


class Bar(NamedTuple):
    """A score with what is known of it; NaN for what is not.

    Attributes:
        score: where the bar ends; it starts at 0.
        low: lower end of the interval.
        high: upper end.
        chance: what is no better than chance.
    """

    score: float
    low: float = float("nan")
    high: float = float("nan")
    chance: float = float("nan")


def scale_end(bars: list[Bar]) -> float:
    """A round number that no bar passes, and no interval; at most 1, where intervals are cut off.

    Example:
        >>> scale_end([Bar(0.31, 0.2, 0.42)]), scale_end([])
        (0.5, 0.1)
    """
    largest = max((end for bar in bars for end in bar if end == end), default=0.0)
    return min(max(1, math.ceil(largest * 10)), 10) / 10


def bar_svg(bar: Bar, end: float) -> str:
    """The drawing; "" without a score. What it shows must stand beside it as text.

    Args:
        bar: what to draw; the part below 0 is left out.
        end: the score at the right edge, see `scale_end`.
    """
    if bar.score != bar.score:
        return ""
    middle = _HEIGHT // 2
    parts = [
        f"<rect class='bar' y='{_BAR_TOP}' width='{_place(bar.score, end)}' "
        f"height='{_BAR_HEIGHT}'/>"
    ]
    if bar.low == bar.low and bar.high == bar.high:
        low, high = _place(bar.low, end), _place(bar.high, end)
        top, bottom = middle - _CAP, middle + _CAP
        path = f"M{low},{middle}H{high}M{low},{top}V{bottom}M{high},{top}V{bottom}"
        parts += [f"<path class='halo' d='{path}'/>", f"<path class='whisker' d='{path}'/>"]
    if bar.chance == bar.chance:
        place = _place(bar.chance, end)
        path = f"M{place},0V{_HEIGHT}"
        parts += [f"<path class='halo' d='{path}'/>", f"<path class='chance' d='{path}'/>"]
    return (
        f"<svg class='score' viewBox='0 0 {_WIDTH} {_HEIGHT}' preserveAspectRatio='none' "
        f"aria-hidden='true'>{''.join(parts)}</svg>"
    )


def _place(score: float, end: float) -> str:
    share = min(max(score / end, 0.0), 1.0)
    return f"{_WIDTH * share:.4g}"
