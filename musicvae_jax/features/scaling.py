"""Standardisation fitted on training songs, and the balance between blocks of features."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from musicvae_jax.errors import InputError

Array = TypeVar("Array")

# About the smallest audible difference in level.
LEAST_SCALE_DB = 1.0
# Relative to the mean; float32 rounds to about a tenth of it.
_LEAST_DEVIATION = 1e-6


class Scaler(NamedTuple):
    """The mean that standardisation subtracts and the scale it divides by, float32 `[features]`."""

    mean: np.ndarray
    scale: np.ndarray


def fit_scaler(values: np.ndarray, widths: Sequence[int], least_scales: Sequence[float]) -> Scaler:
    """Mean and standard deviation of each feature over songs, with the blocks balanced.

    Every block gets the same total variance, and the sum over blocks is the number of features. So
    a block of 60 is not drowned out by one of 512, and the reconstruction error keeps its size. A
    single block is simply standardised.

    Args:
        values: `[songs, features]`, the training songs only.
        widths: number of features of each block, in order; they add up to the number of features.
        least_scales: smallest standard deviation of each block, in the unit of its values. Without
            it, a mel band that is at the bottom of the range in nearly every training song would be
            divided by almost nothing, and a held-out song that differs would be tens or thousands
            of standard deviations away. 0 for values of any unit: each is divided by its own
            standard deviation, or by 1 if it is constant.

    Example:
        >>> fit_scaler(np.array([[1.0, 5.0], [5.0, 5.0]]), [2], [1.0])
        Scaler(mean=array([3., 5.], dtype=float32), scale=array([2., 1.], dtype=float32))
    """
    mean = values.mean(axis=0, dtype=np.float64)
    deviation = values.std(axis=0, dtype=np.float64)
    least = np.repeat(np.asarray(least_scales, np.float64), widths)
    scale = np.maximum(deviation, least)
    # Up to rounding, a constant feature has no deviation, and must not be blown up.
    scale[scale <= _LEAST_DEVIATION * np.abs(mean)] = 1.0
    scale /= np.repeat(block_weights(widths), widths)
    return Scaler(mean.astype(np.float32), scale.astype(np.float32))


def block_weights(widths: Sequence[int]) -> np.ndarray:
    """The factor for each block that gives blocks of unit-variance features equal total variance.

    Args:
        widths: number of features of each block.

    Returns:
        `[blocks]`. The total variance remains the number of features; a single block's factor is 1.

    Example:
        >>> block_weights([1, 1, 4]) ** 2
        array([2. , 2. , 0.5])
    """
    share = sum(widths) / len(widths)
    return np.sqrt(share / np.asarray(widths, np.float64))


def singular_weights(blocks: Sequence[np.ndarray], names: Sequence[str]) -> np.ndarray:
    """The factor for each block that gives all the same largest singular value.

    With equal total variance, a block of many unrelated dimensions counts as much as one whose
    dimensions agree. Here the strongest direction of every block has the same variance instead.

    Args:
        blocks: the training songs that have the block, `[songs, width]` each.
        names: of the blocks, for errors.

    Returns:
        `[blocks]`. The total variance becomes the number of features, as in `block_weights`.

    Raises:
        InputError: a block is the same for all of its songs.

    Example:
        >>> flat, long = np.array([[-1.0, 0.0], [1.0, 0.0]]), np.array([[-9.0], [9.0]])
        >>> (singular_weights([flat, long], ["flat", "long"]) * [1, 9]).round(3)
        array([1.225, 1.225])

    References:
        Escofier and Pagès, Multiple Factor Analysis (AFMULT Package), 1994.
    """
    weights, total = [], 0.0
    for block, name in zip(blocks, names, strict=True):
        covariance = np.atleast_2d(np.cov(block, rowvar=False, bias=True))
        largest = np.linalg.eigvalsh(covariance)[-1]
        if largest <= 1e-12:
            raise InputError(
                f"features.blocks: {name} is the same for all {len(block)} training songs that "
                "have it, expected a block that varies: features.balance 'mfa' divides by its "
                "largest singular value"
            )
        weights.append(1 / np.sqrt(largest))
        total += np.trace(covariance) / largest
    n_features = sum(block.shape[1] for block in blocks)
    return np.array(weights) * np.sqrt(n_features / total)


def standardise(values: Array, scaler: Scaler) -> Array:
    """Features `[..., features]` minus the scaler's mean, divided by its scale, float32.

    A NumPy array gives a NumPy array, a JAX array a JAX array.

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
