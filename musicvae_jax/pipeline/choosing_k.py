"""The curve over k of a rule that needs more than the curves of K-Means."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice, starmap
from typing import Any

import numpy as np

from musicvae_jax.clustering import KCurves, sample_songs
from musicvae_jax.config import K_RULES, ClusterConfig, load_function

# Yields what a function returns for each of the calls' arguments.
Run = Callable[[Callable[..., float], Sequence[tuple[Any, ...]]], Iterable[float]]


def is_measured(config: ClusterConfig) -> bool:
    """Whether a rule chooses k by a curve that it has to measure."""
    return config.k is None and K_RULES[config.choose_k].measure != ""


def with_measured(
    curves: Sequence[KCurves],
    points: Sequence[np.ndarray],
    seeds: Sequence[int],
    config: ClusterConfig,
    run: Run = starmap,
) -> list[KCurves]:
    """Adds to the curves the one that `config.choose_k` measures, if it chooses k and has one.

    Args:
        curves: one per seed.
        points: `[songs, dimensions]`, one per seed; a sample is used if there are more than
            `config.exact_songs` songs.
        seeds: of the curves, and of the measurements.
        config: settings of the clusterings.
        run: runs the measurements, in any order, and yields their values in that of the calls.
    """
    if not is_measured(config):
        return list(curves)
    measure = load_function(f"evaluation.{K_RULES[config.choose_k].measure}")
    places = sample_songs(len(points[0]), config.exact_songs, seeds[0])
    calls = [
        (x[places], int(k), config, seed, len(seeds))
        for x, seed, curve in zip(points, seeds, curves, strict=True)
        for k in curve.k
    ]
    values = iter(run(measure, calls))
    return [
        curve._replace(**{config.choose_k: np.array(list(islice(values, len(curve.k))))})
        for curve in curves
    ]
