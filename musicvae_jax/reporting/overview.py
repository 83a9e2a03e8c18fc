"""All K-Means scores of a suite in one figure."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from musicvae_jax.reporting.style import COLOURS, LEAK_CAPTION, label_axes, leak_mark, titled
from musicvae_jax.reporting.suite_table import distinct, rows_of

_SCORES = {"ami_genre": "genre AMI", "ami_language": "language AMI", "silhouette": "silhouette"}


def comprehensive_results(table: pd.DataFrame, title: str) -> Figure:
    """Genre AMI, language AMI and silhouette of every representation under K-Means.

    A score against a label that the representation was given is drawn hollow and marked.

    Args:
        table: rows of `suite_table`, K-Means ones are used.
        title: names the data and the number of songs.
    """
    rows = distinct(rows_of(table))[::-1]
    names = [
        f"{row.experiment}: {row.representation} (n = {row.n_songs})" for row in rows.itertuples()
    ]
    figure = Figure(figsize=(15, 0.27 * len(rows) + 2.2), layout="constrained")
    axes = figure.subplots(1, len(_SCORES), sharey=True)
    for axis, (score, heading) in zip(axes, _SCORES.items(), strict=True):
        for place, (_, row) in enumerate(rows.iterrows()):
            mark = leak_mark(row, score)
            colour = COLOURS[0] if row["role"] == "own" else COLOURS[1]
            axis.errorbar(
                row[f"{score}_mean"],
                place,
                xerr=row[f"{score}_std"],
                marker="o" if row["role"] == "own" else "s",
                color=colour,
                markerfacecolor="white" if mark else colour,
                capsize=2,
                markersize=6,
            )
            if mark and row[f"{score}_mean"] == row[f"{score}_mean"]:
                axis.annotate(
                    mark, (row[f"{score}_mean"], place), (7, 3), textcoords="offset points"
                )
        axis.set_yticks(range(len(rows)), names, fontsize="small", parse_math=False)
        axis.set_ylim(-0.8, len(rows) - 0.2)
        axis.grid(axis="x", alpha=0.3)
        axis.axvline(0, color="#888888", linewidth=0.8)
        label_axes(axis, heading, "")
    handles = [
        Line2D(
            [], [], linestyle="none", marker="o", color=COLOURS[0], label="the experiment's own"
        ),
        Line2D([], [], linestyle="none", marker="s", color=COLOURS[1], label="baseline"),
        Line2D(
            [],
            [],
            linestyle="none",
            marker="o",
            color=COLOURS[0],
            markerfacecolor="white",
            label=LEAK_CAPTION,
        ),
    ]
    figure.legend(handles=handles, frameon=False, ncols=3, loc="outside lower center")
    return titled(figure, f"K-Means, mean and standard deviation over seeds, {title}")
