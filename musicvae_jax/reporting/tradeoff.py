"""Genre against language: whether songs group by music or only by the language they are in."""

import pandas as pd
from matplotlib.figure import Figure

from musicvae_jax.reporting.scores import distinct
from musicvae_jax.reporting.style import (
    COLOURS,
    LEAK_CAPTION,
    MARKERS,
    label_axes,
    leak_mark,
    titled,
)


def language_tradeoff(summary: pd.DataFrame, title: str) -> Figure:
    """Mixing of languages and genre AMI of every representation, with the spread over seeds.

    A point to the right and above is what one looks for: genres without languages. Hollow points
    know the genre or the language otherwise than from the music.

    Args:
        summary: rows of `summary`.
        title: names the data and the number of songs.
    """
    rows = distinct(summary).dropna(subset=["language_mixing_mean", "ami_genre_mean"])
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
            label=f"{place + 1}  {row['experiment']}: {row['representation']} {marks}".rstrip(),
        )
        axis.annotate(
            str(place + 1),
            (row["language_mixing_mean"], row["ami_genre_mean"]),
            (6, 5),
            textcoords="offset points",
            fontsize="small",
        )
    axis.grid(alpha=0.3)
    label_axes(axis, "mixing of languages among neighbours (1: as in all songs)", "genre AMI")
    figure.legend(
        frameon=False,
        fontsize="small",
        loc="outside right upper",
        title=LEAK_CAPTION.replace("; ", ";\n"),
        title_fontsize="small",
        alignment="left",
    )
    return titled(figure, f"Genre and language, mean and standard deviation over seeds, {title}")
