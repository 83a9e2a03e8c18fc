"""The cards of a run's clusters as HTML."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from musicvae_jax.reporting.style import COLOURS

# Of the small pictures, in pixels.
_HALF_HEIGHT = 24


def cards_html(cards: Mapping[str, Any]) -> str:
    """The cards of a run, one below the other.

    Args:
        cards: what cards.json holds.
    """
    spectra = [card["spectrum_db"] for card in cards["clusters"] if "spectrum_db" in card]
    # One scale, so that the pictures of a run compare.
    most_db = max((abs(db) for spectrum in spectra for db in spectrum), default=0.0)
    return "".join(_card(card, cards["songs"], most_db) for card in cards["clusters"])


def _card(card: Mapping[str, Any], n_songs: int, most_db: float) -> str:
    facts = {
        f"{label}s": ", ".join(f"{name} {share:.0%}" for name, share in card["labels"][label])
        for label in ("genre", "language", "artist")
    }
    facts["nearest the centre"] = "; ".join(
        " by ".join(part for part in (title or music_id, artist) if part)
        for music_id, title, artist in card["exemplars"]
    )
    facts |= {f"words ({language})": ", ".join(words) for language, words in card["words"].items()}
    facts["tags"] = ", ".join(card["tags"])
    items = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items() if value
    )
    if "spectrum_db" in card:
        items += f"<dt>mean spectrum</dt><dd>{_spectrum_svg(card['spectrum_db'], most_db)}</dd>"
    songs = "1 song" if card["size"] == 1 else f"{card['size']} songs"
    head = f"<h4>Cluster {card['cluster']}: {songs}, {card['size'] / n_songs:.0%}</h4>"
    return f"{head}<dl>{items}</dl>"


def _spectrum_svg(spectrum_db: Sequence[float], most_db: float) -> str:
    """A mean spectrum less that of all songs: above it in one colour, below in another."""
    scale = _HALF_HEIGHT / most_db if most_db else 0.0
    width = 2 * (len(spectrum_db) - 1)
    areas = "".join(
        f"<polygon fill='{colour}' points='0,0 {_points(spectrum_db, side, scale)} {width},0'/>"
        for colour, side in ((COLOURS[1], max), (COLOURS[0], min))
    )
    about = (
        f"against all songs, mel bands 0 to {len(spectrum_db) - 1}, upper edge +{most_db:.1f} dB"
    )
    box = f"0 {-_HALF_HEIGHT} {width} {2 * _HALF_HEIGHT}"
    return (
        f"<svg role='img' width='{width}' height='{2 * _HALF_HEIGHT}' viewBox='{box}'>"
        f"<g transform='scale(1,-1)'>{areas}</g>"
        f"<line x1='0' x2='{width}' y1='0' y2='0' stroke='black' stroke-width='0.6'/></svg> {about}"
    )


def _points(spectrum_db: Sequence[float], side: Callable[..., Any], scale: float) -> str:
    return " ".join(f"{2 * band},{scale * side(db, 0):.1f}" for band, db in enumerate(spectrum_db))
