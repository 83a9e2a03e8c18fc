"""Genre against language: whether songs group by music or only by the language they are in."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from musicvae_jax.reporting.style import (
    COLOURS,
    LEAK_CAPTION,
    MARKERS,
    label_axes,
    leak_mark,
)
from musicvae_jax.reporting.suite_table import distinct

# Where the number of a point may stand, in points from its middle, the best places first.
_PLACES = [
    (radius * x, radius * y)
    for radius in (11, 17, 25, 33)
    for x, y in (
        (1, 0.8),
        (-1, 0.8),
        (1, -0.8),
        (-1, -0.8),
        (0, 1.2),
        (0, -1.2),
        (1.3, 0),
        (-1.3, 0),
    )
]
_LABEL_SIZE = (10, 8)


def language_tradeoff(summary: pd.DataFrame, title: str) -> Figure:
    """Mixing of languages and genre AMI of every own representation, with the spread over seeds.

    The best points are to the right and above: genres without languages. Hollow points were given
    the genre or the language. Baselines are drawn only as experiments of their own.

    Args:
        summary: rows of `summary`.
        title: names the data and the number of songs.
    """
    rows = distinct(summary[summary["role"] == "own"])
    rows = rows.dropna(subset=["language_mixing_mean", "ami_genre_mean"])
    figure = Figure(figsize=(13, 7), layout="constrained")
    axis = figure.subplots()
    for place, (_, row) in enumerate(rows.iterrows()):
        colour = COLOURS[place % len(COLOURS)]
        marks = leak_mark(row, "genre") + leak_mark(row, "language")
        axis.errorbar(
            row["language_mixing_mean"],
            row["ami_genre_mean"],
            xerr=row["language_mixing_std"],
            yerr=row["ami_genre_std"],
            marker=MARKERS[place // len(COLOURS) % len(MARKERS)],
            color=colour,
            markerfacecolor="white" if marks else colour,
            markersize=8,
            capsize=2,
            linestyle="none",
            label=f"{place + 1}  {row['experiment']}: {row['representation']} {marks}".rstrip()
            + f", {row['n_songs']} songs",
        )
    axis.grid(alpha=0.3)
    label_axes(axis, "mixing of languages among neighbours (1: as if shuffled)", "genre AMI")
    figure.legend(
        frameon=False,
        fontsize="small",
        loc="outside right upper",
        title=LEAK_CAPTION.replace("; ", ";\n"),
        title_fontsize="small",
        alignment="left",
    )
    # Not the figure's title: the legend stands as high.
    heading = f"Genre and language, mean and standard deviation over seeds, {title}"
    axis.set_title(heading, fontsize="medium", parse_math=False)
    # Only now is it known where on the page the points are.
    figure.draw_without_rendering()
    _number(axis, rows[["language_mixing_mean", "ami_genre_mean"]].to_numpy(float))
    return figure


def _number(axis: Axes, points: np.ndarray) -> None:
    """Writes each point's number beside it, where no other point or number is."""
    # Pixels to points, in which places are given.
    on_page = axis.transData.transform(points) * 72 / axis.figure.dpi
    taken = [*on_page]
    for number, (point, at) in enumerate(zip(points, on_page, strict=True), start=1):
        free = (
            place
            for place in _PLACES
            if all((np.abs(at + place - other) > _LABEL_SIZE).any() for other in taken)
        )
        place = next(free, _PLACES[0])
        taken.append(at + place)
        far = np.hypot(*place) > 17
        axis.annotate(
            str(number),
            point,
            place,
            textcoords="offset points",
            fontsize="small",
            ha="center",
            va="center",
            arrowprops={"arrowstyle": "-", "linewidth": 0.5} if far else None,
        )
