"""The clusters of a run: their cards as HTML, their spectra as a figure."""

from collections.abc import Mapping
from html import escape

import numpy as np
from matplotlib.figure import Figure

from musicvae_jax.reporting.style import COLOURS, label_axes, titled

_COLUMNS = 5


def cards_html(cards: Mapping) -> str:
    """The cards of a run, one below the other.

    Args:
        cards: what cards.json holds.
    """
    return "".join(_card(card, cards["songs"]) for card in cards["clusters"])


def cluster_spectra(cards: Mapping, title: str) -> Figure | None:
    """How each cluster's mean spectrum differs from that of all songs; None without spectra.

    Args:
        cards: what cards.json holds.
        title: names the representation, the data and the number of songs.
    """
    shown = [card for card in cards["clusters"] if "spectrum_db" in card]
    if not shown:
        return None
    n_columns = min(_COLUMNS, len(shown))
    n_rows = -(-len(shown) // n_columns)
    figure = Figure(figsize=(2.6 * n_columns + 1, 1.9 * n_rows + 1), layout="constrained")
    axes = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True)
    for place, axis in enumerate(axes.ravel()):
        last_row = place + n_columns >= len(shown)
        if place >= len(shown):
            axis.set_visible(False)
            continue
        card = shown[place]
        spectrum = np.array(card["spectrum_db"])
        bands = np.arange(len(spectrum))
        # Above and below are told by the side of the line as well as by colour.
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


def _card(card: Mapping, n_songs: int) -> str:
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
    share = card["size"] / n_songs
    head = f"<h4>Cluster {card['cluster']}: {card['size']} songs, {share:.0%}</h4>"
    return f"{head}<dl>{items}</dl>"
