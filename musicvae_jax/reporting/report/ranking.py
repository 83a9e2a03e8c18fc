"""The distinct representations of all suites, which of them are baselines, and which one leads."""

from collections.abc import Iterable, Iterator

import pandas as pd

from musicvae_jax.reporting.rivals import is_pca
from musicvae_jax.reporting.style import is_label_free, label_free
from musicvae_jax.reporting.suite_table import distinct

_SAME = ["representation", "n_songs", "n_clusters", "silhouette_mean", "ami_genre_mean"]


def ranked(summaries: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """One row per distinct representation: most songs first, of these the highest genre AMI.

    Scores on a label that leaked are no results, so such rows come after the others.

    Args:
        summaries: rows of `summary` of each suite.

    Returns:
        The columns of `summary`; experiments, a tuple of all that have the representation; and
        is_baseline, whether it is a baseline, or one that is an experiment of its own.
    """
    table = distinct(pd.concat(summaries, ignore_index=True))
    rows = []
    for _, same in table.groupby(_SAME, sort=False, dropna=False):
        first = same.iloc[0]
        name = first["representation"]
        rows.append(
            first.to_dict()
            | {
                "experiments": tuple(same["experiment"]),
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


def leader(rows: pd.DataFrame) -> pd.Series:
    """The row that the page is about: the best model on most songs, that was not given the genre.

    Where there is no such model it is the first of the experiments' own representations.

    Args:
        rows: from `ranked`.
    """
    _, largest = next(by_songs(rows))
    own = rows[rows["role"] == "own"]
    found = models_of(largest)
    return next(one.iloc[0] for one in (found, own, rows) if len(one))


def models_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of models with a genre AMI that is a result: no baselines, and no leaks."""
    models = rows[~rows["is_baseline"]].dropna(subset="ami_genre_mean")
    return label_free(models, "genre")
