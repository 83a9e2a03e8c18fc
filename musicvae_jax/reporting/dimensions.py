"""What each latent dimension of a VAE says of a song."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from musicvae_jax.evaluation.posterior_health import ACTIVE_VARIANCE
from musicvae_jax.reporting.curves import SWEPT, swept_colours, swept_name
from musicvae_jax.reporting.style import label_axes, titled


def posterior_dimensions(dimensions: pd.DataFrame, title: str) -> Figure:
    """KL of the latent dimensions from the largest to the smallest, one line per model.

    A filled point is an active dimension; the legend says how many are. A sweep has one colour
    for each KL weight and step size.

    Args:
        dimensions: posterior.csv of one run.
        title: names the experiment, the data and the number of songs.
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    colours = swept_colours(dimensions)
    for (*swept, _), rows in dimensions.groupby([*SWEPT, "seed"]):
        _line(axis, rows, colours[tuple(swept)])
    handles = [
        Line2D([], [], color=colour, marker="o", markersize=4, label=_label(dimensions, *swept))
        for swept, colour in colours.items()
    ]
    if not dimensions["active"].all():
        hollow: dict[str, Any] = {"markerfacecolor": "white", "color": "black", "linestyle": "none"}
        text = f"not active: means vary by at most {ACTIVE_VARIANCE:g}"
        handles.append(Line2D([], [], marker="o", markersize=4, label=text, **hollow))
    axis.legend(handles=handles, frameon=False, fontsize="small")
    axis.set_ylim(bottom=0)
    axis.locator_params("x", integer=True)
    label_axes(axis, "latent dimensions, sorted", "KL (nats per example)")
    return titled(figure, f"{title}; one line per seed")


def _line(axis: Axes, rows: pd.DataFrame, colour: str) -> None:
    rows = rows.sort_values("kl_nats", ascending=False)
    rank = np.arange(1, len(rows) + 1)
    kl, active = rows["kl_nats"].to_numpy(), rows["active"].to_numpy(bool)
    axis.plot(rank, kl, color=colour, alpha=0.8, linewidth=1.2)
    for mask, face in ((active, colour), (~active, "white")):
        axis.plot(
            rank[mask],
            kl[mask],
            linestyle="none",
            marker="o",
            markersize=4,
            color=colour,
            markerfacecolor=face,
        )


def _label(dimensions: pd.DataFrame, beta: float, learning_rate: float) -> str:
    is_one = (dimensions["beta"] == beta) & (dimensions["learning_rate"] == learning_rate)
    of_seeds = dimensions[is_one].groupby("seed")["active"]
    low, high = of_seeds.sum().min(), of_seeds.sum().max()
    active = f"{low}" if low == high else f"{low}-{high}"
    name = swept_name(dimensions, beta, learning_rate)
    return f"{name + ': ' if name else ''}{active} of {of_seeds.size().max()} active"
