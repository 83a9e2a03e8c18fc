"""The table of a suite: every method, mean and standard deviation over seeds."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from musicvae_jax.evaluation import EXTERNAL_METRICS

_INTERNAL_SCORES = (
    "silhouette",
    "calinski_harabasz",
    "davies_bouldin",
    "shared_silhouette",
    "shared_calinski_harabasz",
    "shared_davies_bouldin",
)
_METHOD = ["experiment", "representation", "clusterer", "scope"]


class SuiteTables(NamedTuple):
    """A suite's `summary`, and its `suite_table`."""

    summary: pd.DataFrame
    every_clusterer: pd.DataFrame


def suite_table(metrics: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One row per method: experiment, representation, clusterer and scope.

    Args:
        metrics: metrics.csv of the suite's experiments, in the order of the rows wanted.

    Returns:
        n_clusters (a range where seeds differ), n_songs, labels_seen, labels_derivable and
        noise_share, then NAME_mean and NAME_std over seeds of every score; the deviation is empty
        with one seed.
    """
    everything = pd.concat(metrics, ignore_index=True)
    # A column of nothing but empty cells comes back from CSV as numbers.
    for column in ("labels_seen", "labels_derivable"):
        everything[column] = everything[column].astype(object).fillna("")
    labels = ("genre", "language", "artist")
    external = [f"{name}_{label}" for label in labels for name in EXTERNAL_METRICS]
    rows = []
    for method, of_method in everything.groupby(_METHOD, sort=False):
        row = dict(zip(_METHOD, method, strict=True))
        row |= {
            "role": of_method["role"].iloc[0],
            "n_clusters": value_range(of_method["n_clusters"]),
            "n_songs": value_range(of_method["n_songs"]),
            "noise_share": of_method["noise_share"].mean(),
            "labels_seen": of_method["labels_seen"].iloc[0],
            "labels_derivable": of_method["labels_derivable"].iloc[0],
            "n_seeds": len(of_method),
        }
        for score in (*_INTERNAL_SCORES, *external):
            row[f"{score}_mean"] = of_method[score].mean()
            row[f"{score}_std"] = of_method[score].std()
        rows.append(row)
    return pd.DataFrame(rows)


def rows_of(table: pd.DataFrame, clusterer: str = "kmeans") -> pd.DataFrame:
    """Rows of metrics.csv or `suite_table` that score all songs under one clusterer."""
    return table[(table["clusterer"] == clusterer) & (table["scope"] == "all")]


def distinct(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of `suite_table` or `summary` without the baselines whose scores another row has.

    Many experiments have the same baselines on the same songs.
    """
    names = ["representation", "clusterer", "scope", "n_songs", "silhouette_mean", "ami_genre_mean"]
    same = [name for name in names if name in table]
    own_first = table.sort_values("role", ascending=False, kind="stable")
    repeated = own_first.duplicated(same) & (own_first["role"] == "baseline")
    return table[~repeated.reindex(table.index)]


def value_range(values: pd.Series) -> str:
    """ "9" or, where seeds differ, "5-9"."""
    low, high = values.min(), values.max()
    return str(low) if low == high else f"{low}-{high}"
