"""How the numbers of a summary are written, in the terminal and on the page."""

from collections.abc import Callable
from functools import partial

import pandas as pd

from musicvae_jax.reporting.style import leak_mark, mean_and_std


def _mean(name: str, label: str | None, row: pd.Series) -> str:
    """With the mark of the label that the score is against, if it is against one."""
    text = mean_and_std(row[f"{name}_mean"], row[f"{name}_std"])
    return text + (leak_mark(row, label) if text and label else "")


def _interval(row: pd.Series) -> str:
    low, high = row["genre_low"], row["genre_high"]
    return "" if low != low else f"{low:.2f} to {high:.2f}{leak_mark(row, 'genre')}"


def _number(name: str, row: pd.Series) -> str:
    value = row[name]
    return "" if value != value else f"{value:.3f}"


def _reference(row: pd.Series) -> str:
    """Mean AMI of the linear / the Gaussian classifier."""
    linear, rbf = row["supervised_linear_mean"], row["supervised_rbf_mean"]
    return "" if linear != linear else f"{linear:.2f} / {rbf:.2f}{leak_mark(row, 'genre')}"


def _against_pca(row: pd.Series) -> str:
    verdict = row["against_pca"]
    return f"{row['difference_to_pca']:+.3f}, {verdict}" if verdict else ""


# Heading to its cell for a row of `summary`; "" for what is not defined.
COLUMNS: dict[str, Callable[[pd.Series], str]] = {
    "silhouette": partial(_mean, "silhouette", None),
    "in raw features": partial(_mean, "shared_silhouette", None),
    "genre AMI": partial(_mean, "ami_genre", "genre"),
    "95 % interval": _interval,
    "chance": partial(_number, "null_high"),
    "supervised reference": _reference,
    "p, artists": partial(_number, "p_value_artists"),
    "1 song per artist": partial(_mean, "one_per_artist", "genre"),
    "against PCA": _against_pca,
    "language AMI": partial(_mean, "ami_language", "language"),
    "language probe": partial(_mean, "language_probe", "language"),
    "its chance": partial(_number, "language_probe_chance"),
    "language mixing": partial(_mean, "language_mixing", "language"),
    "artist AMI": partial(_mean, "ami_artist", "artist"),
    "nearest has the genre": partial(_mean, "genre_precision", "genre"),
    "of other artists": partial(_mean, "genre_precision_others", "genre"),
}
