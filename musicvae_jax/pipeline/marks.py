"""The marks of a representation: labels that it was given, and labels that follow from those."""

from collections.abc import Mapping

import pandas as pd

from musicvae_jax.evaluation import derivable_labels
from musicvae_jax.pipeline.listing import Representation

MARKS = ("labels_seen", "labels_derivable")


def marks(one: Representation, labels: Mapping[str, pd.Series]) -> dict[str, str]:
    """`MARKS` as they stand in every table that has scores against labels.

    Args:
        one: the representation.
        labels: kind ("genre") to one label per song, null where unknown.
    """
    derivable = derivable_labels(one.columns_seen, labels)
    return dict(zip(MARKS, (" ".join(one.labels_seen), " ".join(derivable)), strict=True))
