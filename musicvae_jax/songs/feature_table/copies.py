"""Columns of numbers that are a label in other words: as features they would give it away."""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from musicvae_jax.songs.table import LABELS, Features

# What agrees on fewer songs may agree by chance.
_LEAST_ROWS = 5


def find_copies(
    features: Features, table: pd.DataFrame, taken: Collection[str] = ()
) -> dict[str, str]:
    """Columns that are copies of a label of the same songs, to why.

    A column is a copy if it says which label a song has and the label says which number, for all
    songs where both are known; there must be two labels or more with five songs each. Columns of
    two numbers are one-hot if each tells the songs of one label from all others, five or more on
    either side, and together they do so for two labels or more.

    Args:
        features: of the songs.
        table: of the songs, see `Songs.table`.
        taken: columns that are features whatever they hold.

    Example:
        >>> codes = np.repeat([[7.0, 1.5], [8.0, 1.5]], 5, axis=0) + [[0, i] for i in range(10)]
        >>> genres = ["Rock"] * 5 + ["Jazz"] * 5
        >>> table = pd.DataFrame({"genre": genres, "language": None, "artist": None})
        >>> find_copies(Features(codes, ("code", "tempo")), table)
        {'code': 'copy of genre'}
    """
    labels = {name: pd.factorize(table[name])[0] for name in LABELS if table[name].notna().any()}
    if not labels:
        return {}
    columns = {
        name: pd.factorize(features.values[:, place])[0]
        for place, name in enumerate(features.names)
        if name not in taken
    }
    found: dict[str, str] = {}
    for label, codes in labels.items():
        copies = [name for name, column in columns.items() if _is_copy(column, codes)]
        found = dict.fromkeys(copies, f"copy of {label}") | found
        found = dict.fromkeys(_one_hot(columns, codes), f"one-hot {label}") | found
    return found


def _is_copy(column: np.ndarray, label: np.ndarray) -> bool:
    both = (column >= 0) & (label >= 0)
    column, label = column[both], label[both]
    # Most features have no number twice, which shows at once.
    if np.count_nonzero(np.bincount(column) >= _LEAST_ROWS) < 2:
        return False
    n_labels = len(pd.unique(label))
    if len(pd.unique(column)) != n_labels:
        return False
    return len(np.unique(np.stack([column, label]), axis=1)[0]) == n_labels


def _one_hot(columns: Mapping[str, np.ndarray], label: np.ndarray) -> list[str]:
    """The columns that tell the songs of one label from all others, if there are such labels."""
    label_of = {name: _label_of(column, label) for name, column in columns.items()}
    labels = {one for one in label_of.values() if one is not None}
    return [name for name, one in label_of.items() if one is not None] if len(labels) > 1 else []


def _label_of(column: np.ndarray, label: np.ndarray) -> int | None:
    """The label whose songs have one of the two numbers, while no other song has it."""
    both = (column >= 0) & (label >= 0)
    column, label = column[both], label[both]
    counts = np.bincount(column)
    numbers = np.flatnonzero(counts)
    if len(numbers) != 2 or counts[numbers].min() < _LEAST_ROWS:
        return None
    one, other = (np.unique(label[column == number]) for number in numbers)
    for labels, rest in ((one, other), (other, one)):
        # Two labels are told apart by a copy.
        if len(labels) == 1 < len(rest) and labels[0] not in rest:
            return int(labels[0])
    return None
