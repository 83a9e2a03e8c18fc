"""Mean spectra of clusters."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from musicvae_jax.reporting.style import COLOURS, label_axes, titled

_COLUMNS = 5


def cluster_spectra(cards: Mapping[str, Any], title: str) -> Figure | None:
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
