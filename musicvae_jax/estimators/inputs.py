"""Arrays as scikit-learn passes them, made into examples of a network."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, check_consistent_length, validate_data

from musicvae_jax.training import Examples


def checked_features(estimator: BaseEstimator, x: Any, *, is_fit: bool = False) -> np.ndarray:
    """Features as float32 `[samples, features]`, NaN where they are missing.

    Args:
        estimator: remembers number and names of the features in fit, and compares them later.
        x: what the user passed.
        is_fit: whether this is the call of fit, which needs at least two samples.

    Raises:
        ValueError: it is no such matrix, it has infinite values, or its features are others.
    """
    return validate_data(
        estimator,
        x,
        reset=is_fit,
        dtype=np.float32,
        ensure_all_finite="allow-nan",
        ensure_min_samples=2 if is_fit else 1,
    )


def with_mask(x: np.ndarray, condition: np.ndarray | None = None) -> Examples:
    """Examples of features, where NaN means missing.

    A missing feature is read as 0, the mean of standardised features, and its reconstruction is
    left out of the loss.

    Args:
        x: float32 `[samples, features]`.
        condition: one-hot labels, `[samples, labels]`, or None.

    Example:
        >>> with_mask(np.array([[1.0, np.nan]], np.float32)).mask
        array([[1., 0.]], dtype=float32)
    """
    is_missing = np.isnan(x)
    if not is_missing.any():
        return Examples(x, condition)
    return Examples(np.where(is_missing, 0, x), condition, (~is_missing).astype(np.float32))


def checked_condition(condition: Any, x: np.ndarray) -> np.ndarray:
    """Labels as an array of objects, `[samples]`, None where they are missing.

    Missing is what pandas calls so: None, NaN, NaT and pandas.NA.

    Raises:
        ValueError: it does not have one label for each row of x.

    Example:
        >>> checked_condition(["waltz", None], np.zeros((2, 3)))
        array(['waltz', None], dtype=object)
    """
    found = np.asarray(condition, dtype=object)
    if found.ndim != 1:
        raise ValueError(
            f"condition: got an array of shape {found.shape}, expected one label for each of "
            f"{len(x)} samples"
        )
    found = check_array(found, dtype=None, ensure_2d=False, ensure_all_finite=False)
    check_consistent_length(x, found)
    labels = found.copy()
    labels[pd.isna(labels)] = None
    return labels


def checked_categories(condition: np.ndarray) -> np.ndarray:
    """The distinct labels, sorted, as an array of objects, `[categories]`.

    Args:
        condition: from `checked_condition`.

    Raises:
        ValueError: labels cannot be compared, or there are fewer than two different ones.

    Example:
        >>> checked_categories(np.array(["waltz", None, "march"], object))
        array(['march', 'waltz'], dtype=object)
    """
    labels = [label for label in condition if label is not None]
    try:
        found = sorted(set(labels))
    except TypeError as error:
        types = ", ".join(sorted({type(label).__name__ for label in labels}))
        raise ValueError(
            f"condition: got labels of type {types}, expected strings or numbers, all of one type"
        ) from error
    if len(found) < 2:
        raise ValueError(f"condition: got {len(found)} distinct label(s), expected at least 2")
    return np.array(found, dtype=object)


def one_hot(condition: np.ndarray, categories: np.ndarray) -> np.ndarray:
    """Labels as float32 `[samples, categories]`; a missing one is a row of zeros.

    Raises:
        ValueError: a label is not among the categories.

    Example:
        >>> one_hot(np.array(["b", None], object), np.array(["a", "b"], object))
        array([[0., 1.],
               [0., 0.]], dtype=float32)
    """
    place = {label: column for column, label in enumerate(categories)}
    unseen = [label for label in condition if label is not None and label not in place]
    if unseen:
        known = ", ".join(map(repr, categories))
        raise ValueError(
            f"condition: got {unseen[0]!r}, which was not among the conditions of fit; expected "
            f"one of {known}"
        )
    encoded = np.zeros((len(condition), len(categories)), np.float32)
    rows = [row for row, label in enumerate(condition) if label is not None]
    encoded[rows, [place[condition[row]] for row in rows]] = 1.0
    return encoded
