"""The knee of a curve, for the elbow of the inertia and for the eps of DBSCAN."""

import numpy as np


def knee(x: np.ndarray, y: np.ndarray) -> int:
    """Index of the point farthest below the chord from the curve's first point to its last.

    For convex curves, rising or falling; the first of several such points, and 0 for a straight
    line, which has none. Kneedle with its largest maximum only, without smoothing and sensitivity.

    Args:
        x: strictly rising, `[points]`, at least one.
        y: `[points]`.

    Example:
        >>> knee(np.array([2, 3, 4, 5]), np.array([9.0, 3.0, 2.0, 1.0]))
        1

    References:
        Satopaa, Albrecht, Irwin and Raghavan, Finding a "Kneedle" in a Haystack, 2011.
    """
    if len(x) < 3:
        return 0
    # Scaling both axes to [0, 1], as the paper does, does not move the largest distance.
    chord = y[0] + (y[-1] - y[0]) * ((x - x[0]) / (x[-1] - x[0]))
    below = chord - y
    index = int(np.argmax(below))
    # Rounding bends a straight line a little.
    return index if below[index] > 1e-12 * np.abs(y).max() else 0
