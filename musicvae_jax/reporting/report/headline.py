"""The table that readers see: one row per representation, at most seven columns, with bars."""

from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

import pandas as pd

from musicvae_jax.reporting.report.bars import Bar, bar_svg, scale_end
from musicvae_jax.reporting.report.markup import some
from musicvae_jax.reporting.report.ranking import by_songs, is_by_song
from musicvae_jax.reporting.report.terms import marked
from musicvae_jax.reporting.rivals import spoken
from musicvae_jax.reporting.style import (
    DERIVABLE_MARK,
    LEAK_MARK,
    is_label_free,
    leak_mark,
    mean_and_std,
)
from musicvae_jax.songs import LABELS

# Signs beside the words: no verdict is shown by colour alone.
_SIGNS = {"better": "▲", "worse": "▼", "negligible": "≈", "no difference shown": "○"}
_UNSURE = "?"


class Column(NamedTuple):
    """A column of the table, left out where all its cells are empty.

    Attributes:
        name: the class of its cells.
        heading: text above it.
        cell: HTML of a row's cell, given the row and the end of the scale of bars; "" for empty.
        label: kind of label that its scores are on; None for others.
        bar: the row's bar; None without any.
    """

    name: str
    heading: str
    cell: Callable[[pd.Series, float], str]
    label: str | None = None
    bar: Callable[[pd.Series], Bar] | None = None


def score_bars(rows: pd.DataFrame) -> str:
    """The table, in groups of representations of the same songs; baselines can be hidden.

    Args:
        rows: from `ranked`.
    """
    columns = [one for one in _COLUMNS if any(one.cell(row, 1.0) for _, row in rows.iterrows())]
    bars = [one.bar(row) for one in columns if one.bar for _, row in rows.iterrows()]
    end = scale_end(bars)
    heads = _head("representation", "name") + "".join(
        _head(one.heading, one.name) for one in columns
    )
    groups = list(by_songs(rows))
    bodies = "".join(_group(n_songs, of_group, columns, end) for n_songs, of_group in groups)
    return (
        f"{_legend(columns, end, len(groups))}{_switch(rows)}"
        "<table class='scores' role='table'>"
        f"<thead role='rowgroup'><tr role='row'>{heads}</tr></thead>{bodies}</table>"
    )


def _head(heading: str, kind: str) -> str:
    return f"<th role='columnheader' scope='col' class='{kind}'>{marked(heading)}</th>"


def _legend(columns: Sequence[Column], end: float, n_groups: int) -> str:
    texts = []
    if any(one.bar for one in columns):
        texts.append(f"Bars run from 0 to {end:g}.")
    if any(one.name == "genre" for one in columns):
        texts.append("The thin line is the 95 % interval, the dashed one chance.")
    texts.append("± is the spread over seeds. Grey rows are baselines.")
    if any(one.name == "mark" for one in columns):
        texts.append("Hollow bars have a leak mark.")
    if n_groups > 1:
        texts.append("Scores compare only within a group of the same songs.")
    return f"<p class='legend'>{marked(' '.join(texts))}</p>"


def _switch(rows: pd.DataFrame) -> str:
    """Shows the baselines that are hidden at first; "" where none are."""
    n_hidden = sum(len(_hidden(of_group)) for _, of_group in by_songs(rows))
    if not n_hidden:
        return ""
    more = "1 more baseline" if n_hidden == 1 else f"{n_hidden} more baselines"
    return (
        f"<label class='switch'><input type='checkbox' id='more'> Show {more}</label>"
        f"<p class='legend unprinted'>Not printed: {more}.</p>"
    )


def _hidden(rows: pd.DataFrame) -> list[int]:
    """The baselines of a group that are no experiment's own, but for the best of them."""
    is_extra = rows["is_baseline"] & (rows["role"] == "baseline")
    return rows.index[is_extra].tolist()[1:]


def _group(n_songs: int, rows: pd.DataFrame, columns: Sequence[Column], end: float) -> str:
    songs = "1 song" if n_songs == 1 else f"{n_songs} songs"
    head = (
        f"<tr role='row' class='group'><th role='rowheader' scope='rowgroup' "
        f"colspan='{len(columns) + 1}'>{songs}</th></tr>"
    )
    hidden = set(_hidden(rows))
    body = "".join(_row(row, place in hidden, columns, end) for place, row in rows.iterrows())
    return f"<tbody role='rowgroup'>{head}{body}</tbody>"


def _row(row: pd.Series, is_hidden: bool, columns: Sequence[Column], end: float) -> str:
    classes = ["baseline" if row["is_baseline"] else "model"] + ["more"] * is_hidden
    cells = "".join(_cell(row, column, end) for column in columns)
    experiments, everything = some(row["experiments"]), ", ".join(row["experiments"])
    return (
        f"<tr role='row' class='{' '.join(classes)}'><th role='rowheader' scope='row'>"
        f"<span class='name'>{escape(row['representation'])}</span> "
        f"<span class='from' title='{escape(everything, quote=True)}'>{escape(experiments)}</span>"
        f"</th>{cells}</tr>"
    )


def _cell(row: pd.Series, column: Column, end: float) -> str:
    is_leak = column.label is not None and not is_label_free(row, column.label)
    classes = column.name + (" leak" if is_leak else "")
    content = column.cell(row, end)
    label = escape(column.heading, quote=True)
    # An empty cell is a score that is not defined; on a phone it takes no room.
    return f"<td role='cell' class='{classes}' data-label='{label}'>{content}</td>"


def _genre_bar(row: pd.Series) -> Bar:
    return Bar(row["ami_genre_mean"], row["genre_low"], row["genre_high"], row["null_high"])


def _language_bar(row: pd.Series) -> Bar:
    return Bar(row["ami_language_mean"])


def _artists_bar(row: pd.Series) -> Bar:
    return Bar(row["one_per_artist_mean"])


def _k(row: pd.Series, _: float) -> str:
    return escape(str(row["n_clusters"]))


def _genre(row: pd.Series, end: float) -> str:
    low, high = row["genre_low"], row["genre_high"]
    interval = f"<span class='interval'>{low:.2f} to {high:.2f}</span>" if low == low else ""
    return _scored(row, "ami_genre", bar_svg(_genre_bar(row), end), interval)


def _language(row: pd.Series, end: float) -> str:
    return _scored(row, "ami_language", bar_svg(_language_bar(row), end))


def _artists(row: pd.Series, end: float) -> str:
    # The genre AMI itself, where no two songs share an artist.
    if is_by_song(row):
        return ""
    return _scored(row, "one_per_artist", bar_svg(_artists_bar(row), end))


def _scored(row: pd.Series, name: str, svg: str, beside: str = "") -> str:
    text = mean_and_std(row[f"{name}_mean"], row[f"{name}_std"])
    return f"{svg}<span class='number'>{text}</span> {beside}" if text else ""


def _against(row: pd.Series, _: float) -> str:
    verdict = row["against_baseline"]
    if not verdict:
        return ""
    sign = _SIGNS.get(verdict, _UNSURE)
    # Two lines have no room for the word.
    baseline = spoken(row["hardest_baseline"]).replace(" dimensions)", ")")
    words = verdict.replace("artists", row["resampled"]).replace("one seed", "unknown, one seed")
    return (
        f"<span class='verdict'><span aria-hidden='true'>{sign}</span> {escape(words)}</span> "
        f"<span class='number'>{row['difference_to_baseline']:+.3f}</span> "
        f"<span class='from'>{escape(baseline)}</span>"
    )


def _marks(row: pd.Series, _: float) -> str:
    words = {LEAK_MARK: "given", DERIVABLE_MARK: "derivable"}
    marks = {label: leak_mark(row, label) for label in LABELS}
    texts = [f"{mark} {label} {words[mark]}" for label, mark in marks.items() if mark]
    return "<br>".join(f"<span>{escape(text)}</span> " for text in texts)


def _silhouette(row: pd.Series, _: float) -> str:
    """Only where there is nothing else to show."""
    has_labels = row[["ami_genre_mean", "ami_language_mean"]].notna().any()
    return "" if has_labels else mean_and_std(row["silhouette_mean"], row["silhouette_std"])


_COLUMNS = (
    Column("k", "k", _k),
    Column("silhouette", "silhouette", _silhouette),
    Column("genre", "genre AMI", _genre, "genre", _genre_bar),
    Column("language", "language AMI", _language, "language", _language_bar),
    Column("against", "against the hardest baseline", _against),
    Column("artists", "1 song per artist", _artists, "genre", _artists_bar),
    Column("mark", "leak mark", _marks),
)
