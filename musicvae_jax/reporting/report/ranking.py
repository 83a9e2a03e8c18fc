"""The distinct representations of all suites, which of them are baselines, and which one leads."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from musicvae_jax.reporting.rivals import is_pca
from musicvae_jax.reporting.style import is_label_free, label_free

_SAME = ["representation", "n_songs", "n_clusters", "silhouette_mean", "ami_genre_mean"]


def ranked(summaries: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """One row per distinct representation: most songs first, of these the highest genre AMI.

    Scores on a label that leaked are no results, so such rows come after the others.

    Args:
        summaries: rows of `summary` of each suite.

    Returns:
        The columns of `summary`; experiments, a tuple of all that have the representation, first
        those whose own it is; and is_baseline, whether it is a baseline, or one that is an
        experiment of its own.
    """
    table = pd.concat(summaries, ignore_index=True)
    rows = []
    for _, same in table.groupby(_SAME, sort=False, dropna=False):
        own_first = same.sort_values("role", ascending=False, kind="stable")
        first = own_first.iloc[0]
        name = first["representation"]
        rows.append(
            first.to_dict()
            | {
                "experiments": tuple(dict.fromkeys(own_first["experiment"])),
                "is_baseline": bool(first["role"] == "baseline" or name == "raw" or is_pca(name)),
                "_songs": -most_songs(first),
                "_leaks": not is_label_free(first, "genre"),
            }
        )
    order = pd.DataFrame(rows).sort_values("ami_genre_mean", ascending=False, kind="stable")
    order = order.sort_values(["_songs", "_leaks"], kind="stable")
    return order.drop(columns=["_songs", "_leaks"]).reset_index(drop=True)


def by_songs(rows: pd.DataFrame) -> Iterator[tuple[int, pd.DataFrame]]:
    """Numbers of songs with the rows on them: only rows on the same songs compare.

    Args:
        rows: from `ranked`.
    """
    for n_songs, same in rows.groupby(rows.apply(most_songs, axis=1), sort=False):
        yield int(n_songs), same


def most_songs(row: pd.Series) -> int:
    """The number of songs of a row of `summary`; the largest where seeds differ.

    Example:
        >>> most_songs({"n_songs": "90-100"})
        100
    """
    return int(str(row["n_songs"]).rpartition("-")[2])


def leading(rows: pd.DataFrame) -> tuple[int, pd.DataFrame]:
    """The most songs that a model has a result on, with the rows on them.

    Where no model has a result they are the most songs that a model was run on; without models,
    the most of all.

    Args:
        rows: from `ranked`.
    """
    groups = list(by_songs(rows))
    of_models = (one for one in groups if not one[1]["is_baseline"].all())
    with_results = (one for one in groups if len(models_of(one[1])))
    return next(with_results, next(of_models, groups[0]))


def leader(rows: pd.DataFrame) -> pd.Series:
    """The row that the page is about: the best model of `leading`.

    Where no model has a result it is the first of the experiments' own representations.

    Args:
        rows: from `ranked`.
    """
    _, same = leading(rows)
    own = rows[rows["role"] == "own"]
    found = models_of(same)
    return next(one.iloc[0] for one in (found, own, rows) if len(one))


def models_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of models with a genre AMI that is a result: no baselines, and no leaks."""
    models = rows[~rows["is_baseline"]].dropna(subset="ami_genre_mean")
    return label_free(models, "genre")


def is_by_song(row: pd.Series) -> bool:
    """Whether no two songs of a row share an artist, so that artists say nothing of their own."""
    alone, score = row["one_per_artist_mean"], row["ami_genre_mean"]
    if row["resampled"]:
        return bool(row["resampled"] == "songs")
    # An exact match also stays one with fewer songs.
    return bool(score < 1 and np.isclose(alone, score, rtol=0, atol=1e-9))
