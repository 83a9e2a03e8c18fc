"""One row per representation: its scores under K-Means, with intervals, nulls and p-values."""

from typing import Any

import numpy as np
import pandas as pd

from musicvae_jax.reporting.rivals import against_pca, hardest
from musicvae_jax.reporting.suite_table import rows_of, value_range

_METHOD = ["experiment", "representation"]
_SCORES = ("silhouette", "shared_silhouette", "ami_genre", "ami_language", "ami_artist")
_REFERENCES = ("supervised_linear", "supervised_rbf")
_SPACES = (
    "language_probe",
    "language_mixing",
    "artist_mixing",
    "genre_precision",
    "genre_precision_others",
)


def summary(
    metrics: pd.DataFrame,
    significance: pd.DataFrame,
    spaces: pd.DataFrame,
    comparisons: pd.DataFrame,
) -> pd.DataFrame:
    """Means and standard deviations over seeds, in the order of the rows of metrics.

    Args:
        metrics: rows of metrics.csv of one or more experiments; those of K-Means are used.
        significance: their rows of significance.csv; those of the AMI with genres are used.
        spaces: their rows of spaces.csv.
        comparisons: their rows of comparisons.csv; those on genre are used.

    Returns:
        experiment, representation, role, n_clusters and n_songs (ranges where seeds differ),
        n_genre (the songs that have a genre), labels_seen, labels_derivable; NAME_mean and
        NAME_std of silhouette, shared_silhouette, ami_genre, ami_language, ami_artist,
        one_per_artist (the AMI with genres of one song per artist), supervised_linear and
        supervised_rbf (the AMI that classifiers reach with genres), language_probe,
        language_mixing, artist_mixing, genre_precision and genre_precision_others; genre_low and
        genre_high, the mean ends of the interval of ami_genre; null_high, the 95th percentile of
        chance; p_value and p_value_artists, the largest of all seeds; language_probe_chance;
        against_pca, the verdict of `compare_methods` on ami_genre, with difference_to_pca: against
        the PCA, plain or whitened, that is hardest to beat, and "" where there is no comparison;
        hardest_baseline, against_baseline and difference_to_baseline, the same of all baselines of
        the run; and resampled, what their verdict is over besides seeds, "artists" or, where no
        two songs share one, "songs". NaN where a number is not defined.
    """
    ami = significance[(significance["label"] == "genre") & (significance["score"] == "ami")]
    by_method = dict(list(ami.groupby(_METHOD)))
    of_space = dict(list(spaces.groupby(_METHOD)))
    rows = [
        _described(of_one)
        | _evidence(by_method.get(method))
        | _over_seeds(of_space[method], _SPACES)
        | {"language_probe_chance": of_space[method]["language_probe_chance"].mean()}
        for method, of_one in rows_of(metrics).groupby(_METHOD, sort=False)
    ]
    return _beside_rivals(pd.DataFrame(rows), comparisons)


def _described(rows: pd.DataFrame) -> dict[str, object]:
    first = rows.iloc[0]
    about = {name: first[name] for name in ("experiment", "representation", "role")}
    marks = {name: first[name] for name in ("labels_seen", "labels_derivable")}
    ranges = {name: value_range(rows[name]) for name in ("n_clusters", "n_songs")}
    known = {"n_genre": int(rows["n_genre"].max())}
    return about | ranges | known | marks | _over_seeds(rows, _SCORES)


def _evidence(rows: pd.DataFrame | None) -> dict[str, float]:
    """Of the AMI with genres; there is nothing where songs have fewer than two."""
    if rows is None:
        rows = pd.DataFrame(
            np.nan,
            index=[0],
            columns=[
                *("low", "high", "null_high", "p_value", "p_value_artists", "one_per_artist"),
                *_REFERENCES,
            ],
        )
    return {
        "genre_low": rows["low"].mean(),
        "genre_high": rows["high"].mean(),
        "null_high": rows["null_high"].mean(),
        "p_value": rows["p_value"].max(),
        "p_value_artists": rows["p_value_artists"].max(),
    } | _over_seeds(rows, ("one_per_artist", *_REFERENCES))


def _over_seeds(rows: pd.DataFrame, names: tuple[str, ...]) -> dict[str, float]:
    means = {f"{name}_mean": rows[name].mean() for name in names}
    return means | {f"{name}_std": rows[name].std() for name in names}


def _beside_rivals(table: pd.DataFrame, comparisons: pd.DataFrame) -> pd.DataFrame:
    on_genre = comparisons[comparisons["label"] == "genre"]
    of_pca, of_any = (_hardest(table, rows) for rows in (against_pca(on_genre), on_genre))
    return table.assign(
        against_pca=_column(of_pca, "verdict", ""),
        difference_to_pca=_column(of_pca, "difference", np.nan),
        hardest_baseline=_column(of_any, "against", ""),
        against_baseline=_column(of_any, "verdict", ""),
        difference_to_baseline=_column(of_any, "difference", np.nan),
        resampled=[_resampled(one) for one in of_any],
    )


def _hardest(table: pd.DataFrame, comparisons: pd.DataFrame) -> list[pd.Series | None]:
    """For each row the comparison that is hardest to win; None without any."""
    found = {method: hardest(rows) for method, rows in comparisons.groupby(_METHOD)}
    return [found.get(method) for method in table[_METHOD].itertuples(index=False, name=None)]


def _column(found: list[pd.Series | None], name: str, missing: str | float) -> list[Any]:
    return [missing if one is None else one[name] for one in found]


def _resampled(found: pd.Series | None) -> str:
    if found is None:
        return ""
    return "songs" if found["n_artists"] == found["n_songs"] else "artists"
