"""Checks of what callers of the library pass: one line says what arrived and what was expected."""

from collections.abc import Iterable, Sequence
from numbers import Integral

import numpy as np

from musicvae_jax.config.checks import require_type
from musicvae_jax.errors import InputError
from musicvae_jax.representations import Representation


def checked_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """Seeds as a tuple; raises `InputError` unless they are integers from 0 to 2**32 - 1."""
    if not isinstance(seeds, Iterable):
        raise InputError(f"seeds: got {seeds!r}, expected a sequence of integers, such as (0, 1)")
    seeds = tuple(seeds)
    for seed in seeds:
        if not isinstance(seed, Integral) or not 0 <= seed < 2**32:
            raise InputError(f"seeds: got {seed!r}, expected integers from 0 to 2**32 - 1")
    if not seeds:
        raise InputError("seeds: got none, expected at least one")
    return tuple(map(int, seeds))


def check_representation(one: Representation) -> None:
    """Raises `InputError` unless it is a representation whose arrays fit its songs."""
    require_type("representation", one, Representation)
    for what, array, axes in (
        ("points", one.points, ("seeds", "songs", "dimensions")),
        ("known", one.known, ("songs",)),
    ):
        check_axes(f"{what} of {one.name}", array, axes, len(one.songs))


def check_finite_points(one: Representation) -> None:
    """Raises `InputError` if a song that is known has NaN or infinity in its point."""
    places = np.flatnonzero(one.known)
    for seed, points in enumerate(one.points):
        # One seed at a time: points may be memory-mapped and large.
        broken = places[~np.isfinite(points[places]).all(axis=1)]
        if len(broken):
            row = broken[0]
            value = points[row][~np.isfinite(points[row])][0]
            raise InputError(
                f"points of {one.name}: got {value} for song {one.songs[row]}, row {row} of seed "
                f"{seed}, expected finite numbers for all songs that are known"
            )


def check_axes(what: str, array: np.ndarray, axes: tuple[str, ...], n_songs: int) -> None:
    """Raises `InputError` unless an array has these axes, and as many songs on that of songs."""
    require_type(what, array, np.ndarray)
    if array.ndim != len(axes) or 0 in array.shape:
        raise InputError(
            f"{what}: got shape {array.shape}, expected [{', '.join(axes)}], none of them 0"
        )
    place = axes.index("songs")
    if array.shape[place] != n_songs:
        raise InputError(
            f"{what}: got {array.shape[place]} on axis {place}, expected {n_songs}, the number of "
            "songs"
        )
