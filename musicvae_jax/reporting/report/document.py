"""The page: its parts in the order in which people read them."""

from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any, NamedTuple

import pandas as pd

from musicvae_jax.evaluation.verdicts import NEGLIGIBLE
from musicvae_jax.reporting.report.cards import cards_html
from musicvae_jax.reporting.report.figures import figures_html
from musicvae_jax.reporting.report.headline import score_bars
from musicvae_jax.reporting.report.maps import Maps, maps_html
from musicvae_jax.reporting.report.markup import definitions, folded
from musicvae_jax.reporting.report.more_scores import more_scores, other_clusterers
from musicvae_jax.reporting.report.opening import Opening, opening
from musicvae_jax.reporting.report.ranking import leader, ranked
from musicvae_jax.reporting.report.terms import glossary, marked
from musicvae_jax.reporting.song_map import content_policy
from musicvae_jax.reporting.style import leak_mark
from musicvae_jax.reporting.suite_table import SuiteTables
from musicvae_jax.songs import LABELS

# The map is a document of its own, but heeds the policy of the page that it stands in as well.
_WITHOUT_SCRIPTS = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)
_LEADS = {"found": "Found", "certainty": "How sure", "worth": "Worth"}
_READING = (
    "Scores are of K-Means, mean ± standard deviation over seeds. The interval is that of other "
    "artists, and chance the end below which 95 % of shuffles of the genres score.",
    "Better and worse mean with other seeds and with other artists of the same kind: both 95 % "
    f"intervals of the difference exclude 0, and it is at least {NEGLIGIBLE} AMI. A song without "
    "an artist counts as by one of its own. None of it is a statement about other kinds of music.",
    "Clusters can pass the supervised reference, since a genre of a single artist cannot be "
    "predicted from other artists.",
)
_READING_MARKS = (
    "A score with a leak mark measures what went in: † the representation was given this label; "
    "‡ it follows from what the representation was given."
)


class Contents(NamedTuple):
    """What the page shows.

    Attributes:
        title: of the page.
        tables: suite to its tables; at least one.
        alarms: experiment to lines on what makes its results doubtful.
        answers: sentences on the questions that the experiments ask.
        maps: the map, and links to others.
        cards: experiment to what its cards.json holds.
        figures: title to a WebP's bytes and a caption.
        about_data: what the songs are, name to value.
        about_run: versions, device and the like, name to value.
    """

    title: str
    tables: Mapping[str, SuiteTables]
    alarms: Mapping[str, Sequence[str]] = {}
    answers: Sequence[str] = ()
    maps: Maps = Maps()
    cards: Mapping[str, Mapping[str, Any]] = {}
    figures: Mapping[str, tuple[bytes, str]] = {}
    about_data: Mapping[str, object] = {}
    about_run: Mapping[str, object] = {}


def page(contents: Contents) -> str:
    """The page; it needs no server, no network and, but for the map, no script."""
    rows = ranked(one.summary for one in contents.tables.values())
    best = leader(rows)
    alarmed = [name for name, lines in contents.alarms.items() if lines]
    names = (*best["experiments"], *contents.cards)
    first = next((name for name in names if name in contents.cards), "")
    sections = {
        "": _alarms(contents.alarms) + _opening(opening(rows, alarmed)),
        "Map": maps_html(contents.maps),
        "Scores": score_bars(rows),
        "Clusters": _clusters(best, first, contents.cards[first]) if first else "",
        "Figures": figures_html(contents.figures),
        "More": _more(contents, rows, first),
    }
    body = "\n".join(_section(*one) for one in sections.items() if one[1])
    title = escape(contents.title)
    policy = content_policy() if contents.maps.document else _WITHOUT_SCRIPTS
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>\n{stylesheet()}</style>\n</head>\n"
        f"<body>\n<header><h1>{title}</h1></header>\n<main>\n{body}\n</main>\n{glossary(body)}\n"
        "</body>\n</html>\n"
    )


def stylesheet() -> str:
    """The page's CSS, a file beside this module."""
    return files(__package__).joinpath("page.css").read_text(encoding="utf-8")


def _has_marks(rows: pd.DataFrame) -> bool:
    return any(leak_mark(row, label) for _, row in rows.iterrows() for label in LABELS)


def _section(heading: str, content: str) -> str:
    head = f"<h2>{heading}</h2>" if heading else ""
    kind = heading.lower() or "first"
    return f"<section class='{kind}-section'>{head}{content}</section>"


def _alarms(alarms: Mapping[str, Sequence[str]]) -> str:
    """Whose results are doubtful, and folded below it why; "" without any."""
    items = [
        f"<li><strong>{escape(name)}</strong>: {escape(line)}</li>"
        for name, lines in alarms.items()
        for line in lines
    ]
    if not items:
        return ""
    names = ", ".join(name for name, lines in alarms.items() if lines)
    lines = folded(f"Doubtful: {names}", f"<ul>{''.join(items)}</ul>")
    return f"<aside class='alarms' aria-label='Alarms'>{lines}</aside>"


def _clusters(best: pd.Series, experiment: str, cards: Mapping[str, Any]) -> str:
    """An experiment's cards; above them why they are of another model than the page is about."""
    note = ""
    if cards["representation"] != best["representation"] or experiment not in best["experiments"]:
        text = (
            f"These are not the clusters of {best['representation']}: cards are made only of the "
            f"first model of each experiment, here of {experiment}."
        )
        note = f"<p class='legend'>{marked(text)}</p>"
    return note + cards_html(cards)


def _opening(sentences: Opening) -> str:
    items = "".join(
        f"<p><strong>{_LEADS[name]}</strong> <span>{marked(sentence)}</span></p>"
        for name, sentence in sentences._asdict().items()
    )
    return f"<div class='opening'>{items}</div>"


def _more(contents: Contents, rows: pd.DataFrame, first: str) -> str:
    """Everything else, folded."""
    every = pd.concat([one.every_clusterer for one in contents.tables.values()], ignore_index=True)
    reading = [*_READING, _READING_MARKS] if _has_marks(rows) else _READING
    others = {name: cards for name, cards in contents.cards.items() if name != first}
    parts = {
        "What the experiments asked": _list(contents.answers),
        "How to read the scores": "".join(f"<p>{marked(text)}</p>" for text in reading),
        "The songs": definitions(contents.about_data),
        "How it was made": definitions(contents.about_run),
    }
    asked, how_to_read, songs, made = (
        folded(name, content) if content else "" for name, content in parts.items()
    )
    cards = "".join(folded(name, cards_html(of_run)) for name, of_run in others.items())
    clusters = folded("Clusters of the other experiments", cards) if cards else ""
    scores = more_scores(rows, every) + other_clusterers(every)
    return asked + clusters + scores + how_to_read + songs + made


def _list(sentences: Sequence[str]) -> str:
    items = "".join(f"<li>{marked(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""
