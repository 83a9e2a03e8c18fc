"""The clusters of a run: their cards as HTML, their spectra as a figure."""

from collections.abc import Callable, Mapping, Sequence
from html import escape

import numpy as np
from matplotlib.figure import Figure

from musicvae_jax.reporting.style import COLOURS, label_axes, titled

_COLUMNS = 5
# Of the small pictures in HTML, in pixels.
_HALF_HEIGHT = 24


def cards_html(cards: Mapping) -> str:
    """The cards of a run, one below the other.

    Args:
        cards: what cards.json holds.
    """
    spectra = [card["spectrum_db"] for card in cards["clusters"] if "spectrum_db" in card]
    # One scale, so that the pictures of a run compare.
    most_db = max((abs(db) for spectrum in spectra for db in spectrum), default=0.0)
    return "".join(_card(card, cards["songs"], most_db) for card in cards["clusters"])


def cluster_spectra(cards: Mapping, title: str) -> Figure | None:
    """How each cluster's mean spectrum differs from that of all songs; None without spectra.

    Args:
        cards: what cards.json holds.
        title: names the representation, the data and the number of songs.
    """
    with_spectrum = [card for card in cards["clusters"] if "spectrum_db" in card]
    if not with_spectrum:
        return None
    n_columns = min(_COLUMNS, len(with_spectrum))
    n_rows = -(-len(with_spectrum) // n_columns)
    figure = Figure(figsize=(2.6 * n_columns + 1, 1.9 * n_rows + 1), layout="constrained")
    axes = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True)
    for place, axis in enumerate(axes.ravel()):
        last_row = place + n_columns >= len(with_spectrum)
        if place >= len(with_spectrum):
            axis.set_visible(False)
            continue
        card = with_spectrum[place]
        spectrum = np.array(card["spectrum_db"])
        bands = np.arange(len(spectrum))
        # The side of the line says above or below too, not only the colour.
        axis.fill_between(bands, spectrum, 0, where=spectrum >= 0, color=COLOURS[1], linewidth=0)
        axis.fill_between(bands, spectrum, 0, where=spectrum <= 0, color=COLOURS[0], linewidth=0)
        axis.axhline(0, color="black", linewidth=0.6)
        genre = card["labels"]["genre"][0][0] if card["labels"]["genre"] else ""
        name = f"{card['cluster']} (n = {card['size']})\n{genre}"
        axis.set_title(name, fontsize="small", parse_math=False)
        axis.tick_params(labelbottom=last_row)
        label_axes(
            axis, "mel band" if last_row else "", "dB against all" if place % n_columns == 0 else ""
        )
    return titled(figure, f"mean spectra of clusters, with their most frequent genre, {title}")


def _card(card: Mapping, n_songs: int, most_db: float) -> str:
    facts = {
        f"{kind}s": ", ".join(f"{name} {share:.0%}" for name, share in card["labels"][kind])
        for kind in ("genre", "language", "artist")
    }
    facts["nearest the centre"] = "; ".join(
        " by ".join(part for part in (title or music_id, artist) if part)
        for music_id, title, artist in card["exemplars"]
    )
    facts |= {f"words ({language})": ", ".join(words) for language, words in card["words"].items()}
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


def _points(spectrum_db: Sequence[float], side: Callable, scale: float) -> str:
    return " ".join(f"{2 * band},{scale * side(db, 0):.1f}" for band, db in enumerate(spectrum_db))
