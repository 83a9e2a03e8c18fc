"""Labels as one-hot vectors."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from musicvae_jax.errors import InputError


def vocabulary(labels: pd.Series) -> tuple[str, ...]:
    """The distinct labels except null, sorted.

    Example:
        >>> vocabulary(pd.Series(["waltz", None, "drone", "waltz"]))
        ('drone', 'waltz')
    """
    return tuple(sorted(labels.dropna().unique()))


def one_hot(labels: pd.Series, vocabulary: Sequence[str], field: str) -> np.ndarray:
    """Labels as float32 `[songs, vocabulary]`; a null label is a row of zeros.

    Args:
        labels: one per song, null where unknown.
        vocabulary: the label of each column.
        field: the kind of label ("genre"), for the error message.

    Raises:
        InputError: a label is not in the vocabulary.

    Example:
        >>> one_hot(pd.Series(["waltz", None]), ("drone", "waltz"), "genre")
        array([[0., 1.],
               [0., 0.]], dtype=float32)
    """
    codes = pd.Index(vocabulary).get_indexer(pd.Index(labels))
    unknown = labels[(codes == -1) & labels.notna()]
    if len(unknown):
        raise InputError(
            f"{field} {unknown.iloc[0]!r} (song {unknown.index[0]}) was not among the training "
            f"labels; expected one of {', '.join(vocabulary)}"
        )
    encoded = np.zeros((len(labels), len(vocabulary)), np.float32)
    known = codes >= 0
    encoded[known, codes[known]] = 1.0
    return encoded
