"""A suite's results as one self-contained HTML page."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import pandas as pd

from musicvae_jax.evaluation import EXTERNAL_METRICS, metrics_with_nulls
from musicvae_jax.evaluation.verdicts import NEGLIGIBLE
from musicvae_jax.reporting.cluster_html import cards_html
from musicvae_jax.reporting.columns import COLUMNS
from musicvae_jax.reporting.style import LEAK_CAPTION, leak_mark, mean_and_std
from musicvae_jax.reporting.suite_table import distinct, rows_of

# The metrics that each kind of label begins with; the others follow for genre alone.
_LEADING = {"genre": ("ami", "nmi"), "language": ("ami", "nmi"), "artist": ("ami",)}
_INTERNAL = {
    "silhouette": "silhouette",
    "calinski_harabasz": "Calinski-Harabasz",
    "davies_bouldin": "Davies-Bouldin",
}
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; }
.alarms { border: 2px solid #D55E00; border-radius: 0.4rem; padding: 0 1rem; }
.alarms h2 { margin-top: 0.7rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.85rem; white-space: nowrap; }
th, td { padding: 0.25rem 0.6rem; text-align: right; border-bottom: 1px solid #8884; }
th:first-child, td:first-child, .text { text-align: left; }
tr.baseline { opacity: 0.75; font-style: italic; }
figure { margin: 1.5rem 0; } figcaption { font-size: 0.9rem; }
img { max-width: 100%; height: auto; background: white; }
dl { display: grid; grid-template-columns: max-content auto; gap: 0.2rem 1rem; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
"""


class SuiteTables(NamedTuple):
    """A suite's `summary`, and its `suite_table`."""

    summary: pd.DataFrame
    every_clusterer: pd.DataFrame


def page(
    title: str,
    about_data: Mapping[str, object],
    alarms: Mapping[str, Sequence[str]],
    answers: Sequence[str],
    tables: Mapping[str, SuiteTables],
    cards: Mapping[str, Mapping[str, Any]],
    figures: Mapping[str, tuple[bytes, str]],
    about_run: Mapping[str, object],
) -> str:
    """The page; it needs no server, no network and no script.

    Args:
        title: of the page.
        about_data: what the songs are, name to value.
        alarms: experiment to lines on what makes its results doubtful; they come first.
        answers: sentences, the first of them the most important.
        tables: suite to its tables.
        cards: experiment to what its cards.json holds.
        figures: name to a PNG's bytes and a caption.
        about_run: versions, device and the like, name to value.
    """
    sections = [
        f"<h1>{escape(title)}</h1>",
        *_alarms(alarms),
        "<h2>What the numbers say</h2>",
        "<ul>" + "".join(f"<li>{escape(sentence)}</li>" for sentence in answers) + "</ul>",
        "<p>Better and worse mean with other seeds and with other artists of the same kind: the "
        f"95 % intervals over both exclude 0, and the difference is at least {NEGLIGIBLE} AMI. "
        "A song without an artist counts as by one of its own. "
        "These sentences are no statement about other kinds of music.</p>",
        "<h2>The songs</h2>",
        _definitions(about_data),
    ]
    for suite, table in tables.items():
        sections += [f"<h2>{escape(suite)} experiments</h2>", *_suite(table)]
    sections.append("<h2>What is in the clusters</h2>")
    sections += [_cards(name, of_run) for name, of_run in cards.items()]
    sections.append("<h2>Figures</h2>")
    sections += [_figure(name, png, caption) for name, (png, caption) in figures.items()]
    sections += ["<h2>How it was made</h2>", _definitions(about_run)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(sections)
        + "\n</body></html>\n"
    )


def _alarms(alarms: Mapping[str, Sequence[str]]) -> list[str]:
    items = [
        f"<li><strong>{escape(name)}</strong>: {escape(line)}</li>"
        for name, lines in alarms.items()
        for line in lines
    ]
    if not items:
        return []
    return [f"<aside class='alarms'><h2>Alarms</h2><ul>{''.join(items)}</ul></aside>"]


def _suite(tables: SuiteTables) -> list[str]:
    table = tables.every_clusterer
    parts = [
        "<p>K-Means; mean ± standard deviation over seeds. Baselines in italics. The interval is "
        "that of other artists (95 %); chance is the 95th percentile of shuffled labels, p the "
        "share of shuffles over whole artists that score as high (the largest of all seeds). The "
        "supervised reference is the genre AMI of a linear / a Gaussian (RBF) support vector "
        "machine that predicts the genres of unseen artists from the same points; clusters can "
        "pass it, since a genre of a single artist cannot be predicted. A probe reads the language "
        "of unseen artists from the points; mixing is 1 where languages are neighbours as if "
        "shuffled. “Against PCA” is the difference in genre AMI to the PCA, plain or whitened, "
        "that is hardest to beat. It is better or worse if the 95 % intervals over seeds and over "
        f"artists both exclude 0, and negligible if below {NEGLIGIBLE}.</p>",
        _summary(distinct(tables.summary)),
        "<details><summary>Every score</summary>",
        _scores(distinct(rows_of(table))),
        "</details>",
        "<details><summary>Every clusterer</summary>",
        "<p>DBSCAN leaves noise: scope “all” counts it as one more cluster, “clustered” leaves it "
        "out. An empty cell is a score that is not defined, such as that of one cluster.</p>",
        _scores(table),
        "</details>",
    ]
    if any(leak_mark(row, score) for _, row in table.iterrows() for score in _headings()):
        parts.append(f"<p>{escape(LEAK_CAPTION)}: such a score measures what went in.</p>")
    return parts


def _headings() -> dict[str, str]:
    """Scores of `suite_table` that the page has room for, and the headings above them."""
    names = dict(_LEADING)
    names["genre"] += tuple(name for name in metrics_with_nulls() if name not in names["genre"])
    external = {
        f"{name}_{label}": f"{label} {EXTERNAL_METRICS[name].heading}"
        for label, of_label in names.items()
        for name in of_label
    }
    return external | _INTERNAL


def _scores(table: pd.DataFrame) -> str:
    headings = _headings()
    heads = ["experiment", "representation", "clusterer", "songs", "clusters", "noise"]
    head = "".join(f"<th class='text'>{name}</th>" for name in heads[:3])
    head += "".join(f"<th>{name}</th>" for name in (*heads[3:], *headings.values()))
    rows = []
    for _, row in table.iterrows():
        clusterer = row["clusterer"] + (", clustered songs" if row["scope"] == "clustered" else "")
        noise = f"{row['noise_share']:.0%}" if row["noise_share"] else ""
        cells = [
            f"<td class='text'>{escape(str(v))}</td>"
            for v in (row["experiment"], row["representation"], clusterer)
        ]
        cells += [f"<td>{escape(str(v))}</td>" for v in (row["n_songs"], row["n_clusters"], noise)]
        for score in headings:
            digits = 1 if score == "calinski_harabasz" else 3
            text = mean_and_std(row[f"{score}_mean"], row[f"{score}_std"], digits)
            mark = leak_mark(row, score) if text else ""
            cells.append(f"<td>{text}{mark}</td>")
        rows.append(f"<tr class='{escape(row['role'])}'>{''.join(cells)}</tr>")
    body = f"<tbody>{''.join(rows)}</tbody>"
    return f"<div class='wide'><table><thead><tr>{head}</tr></thead>{body}</table></div>"


def _summary(table: pd.DataFrame) -> str:
    heads = ("experiment", "representation", "songs", "k")
    head = "".join(f"<th class='text'>{name}</th>" for name in heads[:2])
    head += "".join(f"<th>{escape(name)}</th>" for name in (*heads[2:], *COLUMNS))
    rows = []
    for _, row in table.iterrows():
        names = (row["experiment"], row["representation"])
        numbers = (row["n_songs"], row["n_clusters"], *(show(row) for show in COLUMNS.values()))
        texts = [f"<td class='text'>{escape(name)}</td>" for name in names]
        texts += [f"<td>{escape(str(number))}</td>" for number in numbers]
        rows.append(f"<tr class='{escape(row['role'])}'>{''.join(texts)}</tr>")
    body = f"<tbody>{''.join(rows)}</tbody>"
    return f"<div class='wide'><table><thead><tr>{head}</tr></thead>{body}</table></div>"


def _cards(experiment: str, cards: Mapping[str, Any]) -> str:
    name = escape(f"{experiment}: {cards['representation']}, seed {cards['seed']}")
    return f"<details><summary>{name}</summary>{cards_html(cards)}</details>"


def _figure(name: str, png: bytes, caption: str) -> str:
    data = base64.b64encode(png).decode()
    return (
        f"<figure><img alt='{escape(caption, quote=True)}' src='data:image/png;base64,{data}'>"
        f"<figcaption><b>{escape(name)}</b>: {escape(caption)}</figcaption></figure>"
    )


def _definitions(facts: Mapping[str, object]) -> str:
    items = "".join(
        f"<dt>{escape(str(name))}</dt><dd>{escape(str(value))}</dd>"
        for name, value in facts.items()
    )
    return f"<dl>{items}</dl>"
