"""Tables of scores: for the terminal, and for the results of a suite."""

from collections.abc import Sequence

import pandas as pd
from rich.table import Table
from rich.text import Text

from musicvae_jax.reporting.style import LEAK_CAPTION, LEAK_MARK, mean_and_std, seen_labels

_TERMINAL_SCORES = {
    "silhouette": "silhouette",
    "ami_genre": "genre AMI",
    "nmi_genre": "genre NMI",
    "ari_genre": "genre ARI",
    "purity_genre": "genre purity",
    "ami_language": "language AMI",
    "ami_artist": "artist AMI",
}
_SUITE_SCORES = (
    "silhouette",
    "calinski_harabasz",
    "davies_bouldin",
    *(
        f"{score}_{label}"
        for label in ("genre", "language", "artist")
        for score in ("ari", "nmi", "ami", "purity")
    ),
)
_METHOD = ["experiment", "representation", "clusterer", "scope"]


def score_table(metrics: pd.DataFrame, title: str, clusterer: str = "kmeans") -> Table:
    """Scores per representation, mean and standard deviation over seeds, for the terminal.

    A score against a label that the representation has seen is marked: it measures what the
    model was told, not what it found. An empty cell is a score that is not defined.

    Args:
        metrics: rows of metrics.csv, of one or more experiments.
        title: the table's title.
        clusterer: whose rows are shown, of scope "all".
    """
    shown = rows_of(metrics, clusterer)
    table = Table(title=Text(title), title_justify="left", title_style="bold", header_style="")
    table.add_column("representation", overflow="fold")
    table.add_column("k", justify="right")
    for heading in _TERMINAL_SCORES.values():
        table.add_column(heading, justify="right")
    any_leak = False
    for _, rows in shown.groupby(["experiment", "representation"], sort=False):
        seen = seen_labels(rows["labels_seen"].iloc[0])
        any_leak |= bool(seen)
        cells = []
        for column in _TERMINAL_SCORES:
            text = mean_and_std(rows[column].mean(), rows[column].std())
            mark = LEAK_MARK if text and column.split("_")[-1] in seen else ""
            cells.append(text + mark)
        table.add_row(str(rows["representation"].iloc[0]), _range(rows["n_clusters"]), *cells)
    if any_leak:
        table.caption = LEAK_CAPTION
        table.caption_justify = "left"
    return table


def suite_table(metrics: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One row per method: experiment, representation, clusterer and scope.

    Args:
        metrics: metrics.csv of the suite's experiments, in the order of the rows wanted.

    Returns:
        n_clusters (a range where seeds differ), n_songs, labels_seen and noise_share, then
        NAME_mean and NAME_std over seeds of every score; the deviation is empty with one seed.
    """
    everything = pd.concat(metrics, ignore_index=True)
    # A column of nothing but empty cells comes back from CSV as numbers.
    everything["labels_seen"] = everything["labels_seen"].astype(object).fillna("")
    rows = []
    for method, of_method in everything.groupby(_METHOD, sort=False):
        row = dict(zip(_METHOD, method, strict=True))
        row |= {
            "role": of_method["role"].iloc[0],
            "n_clusters": _range(of_method["n_clusters"]),
            "n_songs": _range(of_method["n_songs"]),
            "noise_share": of_method["noise_share"].mean(),
            "labels_seen": of_method["labels_seen"].iloc[0],
            "n_seeds": len(of_method),
        }
        for score in _SUITE_SCORES:
            row[f"{score}_mean"] = of_method[score].mean()
            row[f"{score}_std"] = of_method[score].std()
        rows.append(row)
    return pd.DataFrame(rows)


def rows_of(table: pd.DataFrame, clusterer: str = "kmeans") -> pd.DataFrame:
    """Rows of metrics.csv or `suite_table` that score all songs under one clusterer."""
    return table[(table["clusterer"] == clusterer) & (table["scope"] == "all")]


def distinct(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of `suite_table` without the baselines whose scores another row has.

    Many experiments have the same baselines on the same songs.
    """
    same = ["representation", "clusterer", "scope", "n_songs", "silhouette_mean", "ami_genre_mean"]
    own_first = table.sort_values("role", ascending=False, kind="stable")
    repeated = own_first.duplicated(same) & (own_first["role"] == "baseline")
    return table[~repeated.reindex(table.index)]


def _range(values: pd.Series) -> str:
    low, high = values.min(), values.max()
    return str(low) if low == high else f"{low}-{high}"
