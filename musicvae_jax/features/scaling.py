"""Standardisation fitted on training songs, and the balance between blocks of features."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np

Array = TypeVar("Array")

# About the smallest difference in level that is heard.
LEAST_SCALE_DB = 1.0


class Scaler(NamedTuple):
    """What standardisation subtracts and divides by, each float32 `[features]`."""

    mean: np.ndarray
    scale: np.ndarray


def fit_scaler(values: np.ndarray, widths: Sequence[int], least_scales: Sequence[float]) -> Scaler:
    """Mean and standard deviation of each feature over songs, blocks balanced.

    Several blocks side by side are scaled so that each carries the same total variance, and all
    together as much as they have features: a block of 60 is not drowned by one of 512, and a
    model's reconstruction error keeps its size. A single block is plainly standardised.

    Args:
        values: `[songs, features]`, the training songs only.
        widths: features of each block, in order; their sum is the number of features.
        least_scales: smallest deviation of each block, in the unit of its values. Without it a mel
            band that is at the bottom of the range in nearly every training song would be divided
            by next to nothing, and the one held-out song that differs would be tens or thousands
            of deviations away.

    Example:
        >>> fit_scaler(np.array([[1.0, 5.0], [5.0, 5.0]]), [2], [1.0])
        Scaler(mean=array([3., 5.], dtype=float32), scale=array([2., 1.], dtype=float32))
    """
    mean = values.mean(axis=0, dtype=np.float64)
    deviation = values.std(axis=0, dtype=np.float64)
    least = np.repeat(np.asarray(least_scales, np.float64), widths)
    scale = np.maximum(deviation, least) / np.repeat(block_weights(widths), widths)
    return Scaler(mean.astype(np.float32), scale.astype(np.float32))


def block_weights(widths: Sequence[int]) -> np.ndarray:
    """Factor per block that gives blocks of unit-variance features equal total variance.

    Args:
        widths: features of each block.

    Returns:
        `[blocks]`; the total variance stays the number of features, and one block's factor is 1.

    Example:
        >>> block_weights([1, 1, 4]) ** 2
        array([2. , 2. , 0.5])
    """
    share = sum(widths) / len(widths)
    return np.sqrt(share / np.asarray(widths, np.float64))


def standardise(values: Array, scaler: Scaler) -> Array:
    """Features `[..., features]` less the scaler's mean, in units of its scale, float32.

    NumPy arrays give NumPy arrays, and JAX arrays JAX arrays.

    Example:
        >>> standardise(np.array([1.0, 5.0]), Scaler(np.array([3.0, 5.0]), np.array([2.0, 1.0])))
        array([-1.,  0.], dtype=float32)
    """
    return ((values - scaler.mean) / scaler.scale).astype(np.float32)


def unstandardise(values: Array, scaler: Scaler) -> Array:
    """The inverse of `standardise`.

    Example:
        >>> unstandardise(np.array([-1.0, 0.0]), Scaler(np.array([3.0, 5.0]), np.array([2.0, 1.0])))
        array([1., 5.])
    """
    return values * scaler.scale + scaler.mean
