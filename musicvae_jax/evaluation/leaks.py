"""Which labels a representation knows without having found them in the music."""

from collections.abc import Collection, Mapping

import pandas as pd

from musicvae_jax.evaluation.external import homogeneity

# Lyrics are written in a language, and one that nothing gives is detected from them. musicnn was
# trained on listeners' tags, many of which are genres (Pons and Serra, musicnn, 2019).
_TELLS = {"lyrics": "language", "musicnn_tags": "genre"}
# Whoever knows a label that explains this share of another's entropy knows the other too.
_DERIVED = 0.95


def derivable_labels(columns: Collection[str], labels: Mapping[str, pd.Series]) -> tuple[str, ...]:
    """Labels that follow from the columns that a representation was computed from.

    The language follows from lyrics, which are written in it and from which it may be detected, and
    the genre from musicnn_tags, which name genres. A label follows from another one that explains
    at least 95 % of its entropy on these songs: genre from artist in 4MuLA, where an artist has one
    genre, and language from genre in a collection whose genres are national. Labels that follow
    from such labels are among them.

    Args:
        columns: such as "melspectrogram", "lyrics", "musicnn_tags" and labels.
        labels: kind ("genre") to one label per song, null where unknown.

    Returns:
        Kinds of label that are not themselves among the columns.
    """
    known = set(columns)
    known |= {label for column, label in _TELLS.items() if column in known and label in labels}
    while found := _next(known, labels):
        known |= found
    return tuple(label for label in labels if label in known and label not in columns)


def _next(known: Collection[str], labels: Mapping[str, pd.Series]) -> set[str]:
    """Labels that are not known, and follow from one that is."""
    given = [labels[name] for name in labels if name in known]
    return {
        kind
        for kind, values in labels.items()
        if kind not in known and any(_explains(one, values) for one in given)
    }


def _explains(given: pd.Series, values: pd.Series) -> bool:
    known = (given.notna() & values.notna()).to_numpy()
    codes, sources = (pd.factorize(one[known])[0] for one in (values, given))
    return len(set(codes)) >= 2 and homogeneity(codes, sources) >= _DERIVED
