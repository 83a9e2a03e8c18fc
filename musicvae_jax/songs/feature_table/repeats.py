"""Rows of a table of features that say nothing new."""

import numpy as np
import pandas as pd

from musicvae_jax.songs.table import Features


def repeats_notice(features: Features, table: pd.DataFrame, rows: np.ndarray) -> str:
    """A line on songs that have all numbers, labels and texts of an earlier one; "" if none has.

    Only the id differs. Such rows stay songs: where numbers are few or coarse, two songs may have
    the same.

    Args:
        features: of the songs.
        table: of the songs, see `Songs.table`.
        rows: of both, those that are used, int `[songs]`.

    Example:
        >>> twice = Features(np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]]), ("a", "b"))
        >>> repeats_notice(twice, pd.DataFrame({"music_id": ["x", "y", "z"]}), np.arange(3))
        '1 song(s) repeat an earlier one but for the id, and count all the same: row 2 is as row 0'
    """
    others = table.iloc[rows].drop(columns="music_id").dropna(axis=1, how="all")
    others["numbers"] = [hash(features.values[row].tobytes()) for row in rows]
    of_row = others.groupby(list(others), dropna=False, sort=False).ngroup().to_numpy()
    first = _first_places(of_row)
    repeats = np.flatnonzero(first != np.arange(len(rows)))
    if not len(repeats):
        return ""
    place = repeats[0]
    return (
        f"{len(repeats)} song(s) repeat an earlier one but for the id, and count all the same: "
        f"row {rows[place]} is as row {rows[first[place]]}"
    )


def _first_places(groups: np.ndarray) -> np.ndarray:
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return first[inverse]
