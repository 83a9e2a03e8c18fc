"""Columns of numbers that are a label by their names, though no label was read from them."""

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from musicvae_jax.songs.feature_table.columns import normal_name
from musicvae_jax.songs.table import Features

_LABEL = r"(?:sub_?)?genre|label|class|target|cluster|category|artist|language|lang"
_CODED = r"encoded|enc|codes?|idx|index|num|int|label|class|category"
_CODE = re.compile(rf"(?:encoded_)?(?:{_LABEL})(?:_?(?:{_CODED}))?")
_ONE_HOT = re.compile(rf"({_LABEL})_.+")
# Codes of labels are shared by many songs; a count or a measure may have any value.
_LEAST_ROWS_PER_VALUE = 5


class NamedLabels(NamedTuple):
    """Columns with names of labels.

    Attributes:
        left_out: those whose numbers are those of a label too, to why they are no features.
        doubtful: those whose numbers may be.
    """

    left_out: dict[str, str]
    doubtful: tuple[str, ...]


def find_named_labels(features: Features, taken: Collection[str] = ()) -> NamedLabels:
    """Columns whose names are those of a label, such as `class` or `genre_encoded`.

    They are labels if they hold whole numbers, with five songs or more for each on average. Columns
    such as `genre_Jazz` and `genre_Rock` are if each song has a 1 in one of them and a 0 in all
    others. What holds whole numbers but has fewer songs for each is doubtful.

    Args:
        features: of the songs.
        taken: columns that are features whatever their names.

    Example:
        >>> values = np.repeat([[1, 120], [2, 140]], 5, axis=0)
        >>> find_named_labels(Features(values, ("class", "tempo")))
        NamedLabels(left_out={'class': 'label by its name'}, doubtful=())
    """
    names = [name for name in features.names if name not in taken]
    left_out, doubtful = {}, []
    for name in names:
        if _CODE.fullmatch(normal_name(name)) and _is_whole(column := _known(features, name)):
            if len(column) >= _LEAST_ROWS_PER_VALUE * len(np.unique(column)):
                left_out[name] = "label by its name"
            else:
                doubtful.append(name)
    for prefix, group in _one_hot_groups(names).items():
        columns = features.columns(group).values
        if len(group) > 1 and np.isin(columns, (0, 1)).all() and (columns.sum(axis=1) == 1).all():
            left_out |= dict.fromkeys(group, f"one-hot {prefix}")
    return NamedLabels(left_out, tuple(name for name in doubtful if name not in left_out))


def _known(features: Features, name: str) -> np.ndarray:
    column = features.values[:, features.names.index(name)]
    return column[~np.isnan(column)]


def _is_whole(column: np.ndarray) -> bool:
    return bool(np.isfinite(column).all() and (column % 1 == 0).all())


def _one_hot_groups(names: Sequence[str]) -> dict[str, list[str]]:
    """What stands before the values in the names of columns, to the columns."""
    groups = defaultdict(list)
    for name in names:
        if found := _ONE_HOT.fullmatch(normal_name(name)):
            groups[found[1]].append(name)
    return groups
