"""The folded tables: what the table of the page has no room for, and the other clusterers."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from html import escape

import pandas as pd

from musicvae_jax.evaluation import EXTERNAL_METRICS, metrics_with_nulls
from musicvae_jax.reporting.columns import COLUMNS
from musicvae_jax.reporting.report.markup import folded, some
from musicvae_jax.reporting.report.terms import marked
from musicvae_jax.reporting.style import leak_mark, mean_and_std
from musicvae_jax.reporting.suite_table import distinct, rows_of
from musicvae_jax.songs import LABELS

# What the table of the page shows.
_SHOWN = ("ami_genre", "ami_language")
_INTERNAL = {"calinski_harabasz": "Calinski-Harabasz", "davies_bouldin": "Davies-Bouldin"}
# Columns of a summary, by the table that they are in; the others are in the table of the page.
_GEOMETRY = ("silhouette", "in raw features")
_GENRE = (
    *("chance", "p, artists", "supervised reference", "nearest has the genre", "of other artists"),
)
_LANGUAGE = ("language probe", "its chance", "language mixing", "artist AMI")
_Cell = Callable[[pd.Series], str]


def more_scores(rows: pd.DataFrame, every_clusterer: pd.DataFrame) -> str:
    """The scores under K-Means that the table of the page leaves out, in folded tables.

    Args:
        rows: from `ranked`.
        every_clusterer: rows of `suite_table`.
    """
    kmeans = rows_of(every_clusterer)
    keys = ["experiment", "representation", "role"]
    by_method = rows.merge(kmeans, on=keys, how="left", suffixes=("", "_again"))
    by_method["experiment"] = by_method["experiments"].map(some)
    has_labels = by_method[["ami_genre_mean", "ami_language_mean"]].notna().any(axis=None)
    geometry = _GEOMETRY if has_labels else _GEOMETRY[1:]
    tables = {
        "Shape of the clusters": _chosen(geometry) | _external_or_internal(_INTERNAL),
        "Agreement with genres": _external_or_internal(_headings("genre")) | _chosen(_GENRE),
        "Languages and artists": _chosen(_LANGUAGE)
        | _external_or_internal(_headings("language") | _headings("artist")),
    }
    drawn = {title: _table(title, by_method, columns) for title, columns in tables.items()}
    return "".join(folded(f"{title}, K-Means", table) for title, table in drawn.items() if table)


def other_clusterers(every_clusterer: pd.DataFrame) -> str:
    """The scores under every clusterer but K-Means, folded; "" where there is no other.

    Args:
        every_clusterer: rows of `suite_table`.
    """
    rows = every_clusterer.drop(rows_of(every_clusterer).index)
    if rows.empty:
        return ""
    about: dict[str, _Cell] = {
        "clusterer": _clusterer,
        "songs": lambda row: str(row["n_songs"]),
        "clusters": lambda row: str(row["n_clusters"]),
        "noise": lambda row: f"{row['noise_share']:.0%}" if row["noise_share"] else "",
    }
    scores = _external_or_internal(
        {f"ami_{label}": f"{label} AMI" for label in LABELS}
        | _headings("genre")
        | _headings("language")
        | {"silhouette": "silhouette"}
        | _INTERNAL
    )
    text = "An empty cell is a score that is not defined, such as that of one cluster."
    if (rows["noise_share"] > 0).any():
        text = (
            "Songs left as noise count as one more cluster, except in rows “clustered songs”. "
            + text
        )
    title = "Other clusterers"
    return folded(title, f"<p>{marked(text)}</p>{_table(title, distinct(rows), about | scores)}")


def _clusterer(row: pd.Series) -> str:
    return row["clusterer"] + (", clustered songs" if row["scope"] == "clustered" else "")


def _headings(label: str) -> dict[str, str]:
    """Metrics on a label that no other table has: all that have nulls on genre, NMI on language."""
    names = {"genre": metrics_with_nulls(), "language": ("nmi",), "artist": ()}[label]
    found = {f"{name}_{label}": f"{label} {EXTERNAL_METRICS[name].heading}" for name in names}
    return {score: heading for score, heading in found.items() if score not in _SHOWN}


def _external_or_internal(headings: Mapping[str, str]) -> dict[str, _Cell]:
    return {heading: partial(_score, score) for score, heading in headings.items()}


def _score(score: str, row: pd.Series) -> str:
    digits = 1 if score == "calinski_harabasz" else 3
    text = mean_and_std(row[f"{score}_mean"], row[f"{score}_std"], digits)
    return text + (leak_mark(row, score) if text else "")


def _chosen(headings: tuple[str, ...]) -> dict[str, _Cell]:
    return {heading: COLUMNS[heading] for heading in headings}


def _table(title: str, rows: pd.DataFrame, columns: Mapping[str, _Cell]) -> str:
    """Columns without a number are left out; "" where no column is left."""
    cells = {
        heading: [cell(row) for _, row in rows.iterrows()] for heading, cell in columns.items()
    }
    cells = {heading: texts for heading, texts in cells.items() if any(texts)}
    if not cells:
        return ""
    heads = "".join(f"<th scope='col'>{marked(heading)}</th>" for heading in cells)
    body = "".join(_rows(rows, cells))
    return (
        # It can be wider than the page, so the keyboard must be able to scroll it.
        f"<div class='wide' tabindex='0' role='region' aria-label='{escape(title, quote=True)}'>"
        "<table><thead><tr><th scope='col'>experiment</th>"
        f"<th scope='col'>{marked('representation')}</th>{heads}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _rows(rows: pd.DataFrame, cells: Mapping[str, list[str]]) -> Iterator[str]:
    for place, (_, row) in enumerate(rows.iterrows()):
        texts = "".join(f"<td>{escape(of_column[place])}</td>" for of_column in cells.values())
        yield (
            f"<tr class='{escape(row['role'])}'><td>{escape(row['experiment'])}</td>"
            f"<th scope='row'>{escape(row['representation'])}</th>{texts}</tr>"
        )
