"""The clusters of a run as cards."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from musicvae_jax.reporting.report.markup import folded
from musicvae_jax.reporting.report.terms import marked

# Cards beyond these are folded: nobody reads hundreds.
_MOST_OPEN = 24
# Of the small pictures, in units of their drawing.
_HALF_HEIGHT = 24
# Share of the bands of all spectra that the pictures hold whole.
_WITHIN = 0.98


def cards_html(cards: Mapping[str, Any]) -> str:
    """The cards of a run in a grid, largest clusters first, with what explains them above.

    Args:
        cards: what cards.json holds.
    """
    clusters = sorted(cards["clusters"], key=lambda card: -card["size"])
    spectra = [card["spectrum_db"] for card in clusters if "spectrum_db" in card]
    most_db = _edge(spectra)
    found = [_card(card, cards["songs"], most_db) for card in clusters]
    rest = found[_MOST_OPEN:]
    more = "1 smaller cluster" if len(rest) == 1 else f"{len(rest)} smaller clusters"
    return (
        f"<p class='legend'>{marked(_about(cards, len(spectra), most_db))}</p>"
        + _grid(found[:_MOST_OPEN])
        + (folded(more, _grid(rest)) if rest else "")
    )


def _edge(spectra: Sequence[Sequence[float]]) -> float:
    """The decibels at the edges of the pictures, one scale for a run, so that they compare."""
    if not spectra:
        return 0.0
    # A single band far out would flatten all the others.
    return float(np.quantile(np.abs(np.concatenate(spectra)), _WITHIN))


def _about(cards: Mapping[str, Any], n_spectra: int, most_db: float) -> str:
    text = f"Clusters of {cards['representation']}, seed {cards['seed']}, largest first."
    if n_spectra:
        text += (
            " The spectrum is the cluster's mean, low frequencies on the left, against that of all "
            "songs: louder above the line, softer below it; the edges are "
            f"{most_db:.1f} dB away, and what is beyond is cut off."
        )
    return text


def _grid(cards: Sequence[str]) -> str:
    return f"<div class='cards'>{''.join(cards)}</div>"


def _card(card: Mapping[str, Any], n_songs: int, most_db: float) -> str:
    songs = "1 song" if card["size"] == 1 else f"{card['size']} songs"
    title = f"<h3>Cluster {card['cluster']}</h3>"
    size = f"<p class='size'>{songs}, {escape(_percent(card['size'] / n_songs))}</p>"
    spectrum = _spectrum_svg(card["spectrum_db"], most_db) if "spectrum_db" in card else ""
    facts = "".join(f"<h4>{head}</h4>{body}" for head, body in _facts(card))
    return f"<article class='card'>{title}{size}{spectrum}{facts}</article>"


def _percent(share: float) -> str:
    """A share above 0, which is never written as none."""
    return f"{share:.0%}" if share >= 0.005 else "<1%"


def _facts(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for label in ("genre", "language"):
        shares = card["labels"][label]
        if shares:
            yield f"{label.capitalize()}s", _shares(shares)
    artists = [
        f"{escape(name)} {escape(_percent(share))}" for name, share in card["labels"]["artist"]
    ]
    if artists:
        yield "Artists", f"<p>{', '.join(artists)}</p>"
    exemplars = "".join(_exemplar(*about) for about in card["exemplars"])
    yield marked("Exemplars"), f"<ol>{exemplars}</ol>"
    words = {language: of_one for language, of_one in card["words"].items() if of_one}
    if words:
        lines = (f"<p{_lang(name)}>{_chips(of, name)}</p>" for name, of in words.items())
        yield marked("Distinctive words"), "".join(lines)
    if card["tags"]:
        yield marked("Distinctive tags"), f"<p>{_chips(card['tags'])}</p>"


def _shares(shares: Sequence[tuple[str, float]]) -> str:
    """Labels with the share of the cluster's songs that have each, as numbers and as bars."""
    items = "".join(
        f"<li><span class='label'>{escape(name)}</span><span class='number'>"
        f"{escape(_percent(share))}</span>"
        f"<svg viewBox='0 0 100 4' preserveAspectRatio='none' aria-hidden='true'>"
        f"<rect class='bar' width='{100 * share:.4g}' height='4'/></svg></li>"
        for name, share in shares
    )
    return f"<ul class='shares'>{items}</ul>"


def _exemplar(music_id: str, title: str, artist: str) -> str:
    by = f" <span class='from'>{escape(artist)}</span>" if artist else ""
    return f"<li>{escape(title or music_id)}{by}</li>"


def _chips(words: Sequence[str], language: str = "") -> str:
    of = f"<span class='from'>{escape(language)}:</span> " if language else ""
    return of + " ".join(f"<span class='chip'>{escape(word)}</span>" for word in words)


def _lang(language: str) -> str:
    """For screen readers, which read words in their language; "" of what is no language's code."""
    return f" lang='{language}'" if re.fullmatch("[a-z]{2,3}(-[a-z]{2,4})?", language) else ""


def _spectrum_svg(spectrum_db: Sequence[float], most_db: float) -> str:
    """A mean spectrum less that of all songs: above it in one colour, below in another."""
    scale = _HALF_HEIGHT / most_db if most_db else 0.0
    width = 2 * (len(spectrum_db) - 1)
    areas = "".join(
        f"<polygon class='{name}' points='0,0 {_points(spectrum_db, side, scale)} {width},0'/>"
        for name, side in (("louder", max), ("softer", min))
    )
    box = f"0 {-_HALF_HEIGHT} {width} {2 * _HALF_HEIGHT}"
    return (
        f"<svg class='spectrum' role='img' viewBox='{box}' preserveAspectRatio='none' "
        f"aria-label='{escape(_spoken_spectrum(spectrum_db), quote=True)}'>"
        f"<g transform='scale(1,-1)'>{areas}</g><path class='axis' d='M0,0H{width}'/></svg>"
    )


def _spoken_spectrum(spectrum_db: Sequence[float]) -> str:
    """Where a cluster is loudest against all songs, for those who cannot see the picture."""
    third = max(len(spectrum_db) // 3, 1)
    parts = spectrum_db[:third], spectrum_db[third:-third], spectrum_db[-third:]
    levels = [sum(part) / len(part) if len(part) else 0.0 for part in parts]
    names = ("low", "middle", "high")
    said = ", ".join(
        f"{name} {'louder' if level > 0 else 'softer'}"
        for name, level in zip(names, levels, strict=True)
        if level
    )
    return f"Mean spectrum against all songs: {said or 'the same'}"


def _points(
    spectrum_db: Sequence[float], side: Callable[[float, float], float], scale: float
) -> str:
    levels = np.clip(scale * np.asarray(spectrum_db, float), -_HALF_HEIGHT, _HALF_HEIGHT)
    return " ".join(f"{2 * band},{side(level, 0.0):.1f}" for band, level in enumerate(levels))
