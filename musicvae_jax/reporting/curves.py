"""Curves over epochs and over the number of clusters."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.typing import LineStyleType

from musicvae_jax.reporting.style import COLOURS, folded, label_axes, titled

SWEPT = ["beta", "learning_rate"]
# Dashes, and the colour where colours do not tell members of a sweep apart.
_SIDES: dict[str, tuple[LineStyleType, str]] = {
    "train": ("-", COLOURS[0]),
    "heldout": ("--", COLOURS[3]),
}
_PANELS = (
    ("reconstruction_nats", "reconstruction\n(nats per example)"),
    ("kl_nats", "KL (nats per example)"),
)


def training_curves(history: pd.DataFrame, title: str) -> Figure:
    """Reconstruction, KL and active latent dimensions over epochs, one line per model.

    Args:
        history: history.csv of one run; a KL without values (an autoencoder) is left out. A sweep
            of KL weights or step sizes has one colour for each, else training and held-out songs
            have.
        title: names the experiment, the data and the number of songs.
    """
    panels = [p for p in _PANELS if _has_values(history, p[0])]
    width = 4.2 * (len(panels) + 1)
    figure = Figure(figsize=(width, 3.8), layout="constrained")
    *axes, last = figure.subplots(1, len(panels) + 1)
    for axis, panel in zip(axes, panels, strict=True):
        _training_panel(axis, history, *panel)
    _explain(axes[0], history)
    _active_panel(last, history)
    return titled(figure, f"{title}; one line per seed")


def training_overview(histories: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """The training curves of several runs, one row each.

    Args:
        histories: experiment to its history.csv, of trained models.
        title: names the data and the number of songs.
    """
    figure = Figure(figsize=(12.6, 3.1 * len(histories) + 0.4), layout="constrained")
    grid = figure.subplots(len(histories), len(_PANELS) + 1, squeeze=False)
    for (*axes, last), (name, history) in zip(grid, histories.items(), strict=True):
        for axis, (column, label) in zip(axes, _PANELS, strict=True):
            if _has_values(history, column):
                _training_panel(axis, history, column, label)
            else:
                axis.set_axis_off()
        _explain(axes[0], history)
        _active_panel(last, history)
        axes[0].set_title(name, fontsize="medium", loc="left", weight="bold", parse_math=False)
    return titled(figure, f"training curves, {title}; one line per seed")


def _has_values(history: pd.DataFrame, column: str) -> bool:
    return bool(history[f"train_{column}"].notna().any())


def swept_colours(table: pd.DataFrame) -> dict[tuple[Any, ...], str]:
    """A colour for each (beta, step size) of a table that has columns of them."""
    pairs = table[SWEPT].drop_duplicates().sort_values(SWEPT)
    return {
        pair: COLOURS[place % len(COLOURS)]
        for place, pair in enumerate(pairs.itertuples(index=False, name=None))
    }


def _training_panel(axis: Axes, history: pd.DataFrame, column: str, label: str) -> None:
    colours = swept_colours(history)
    for (*swept, _), rows in history.groupby([*SWEPT, "seed"]):
        for side, (dashes, colour) in _SIDES.items():
            axis.plot(
                rows["epoch"],
                rows[f"{side}_{column}"],
                linestyle=dashes,
                color=colours[tuple(swept)] if len(colours) > 1 else colour,
                alpha=0.8,
                linewidth=1.2,
            )
    label_axes(axis, "epoch", label)


def _active_panel(axis: Axes, history: pd.DataFrame) -> None:
    colours = swept_colours(history)
    for (*swept, _), rows in history.groupby([*SWEPT, "seed"]):
        colour = colours[tuple(swept)]
        axis.plot(rows["epoch"], rows["active_units"], color=colour, alpha=0.8, linewidth=1.2)
    axis.set_ylim(bottom=0)
    label_axes(axis, "epoch", "active latent dimensions")


def _explain(axis: Axes, history: pd.DataFrame) -> None:
    """A legend for a whole row, in the panel whose curves fall and leave a corner free."""
    colours = swept_colours(history)
    is_sweep = len(colours) > 1
    handles = [
        Line2D([], [], color=colour, label=swept_name(history, *swept))
        for swept, colour in (colours.items() if is_sweep else ())
    ]
    handles += [
        Line2D([], [], linestyle=dashes, color="black" if is_sweep else colour, label=name)
        for name, (dashes, colour) in zip(("training", "held out"), _SIDES.values(), strict=True)
    ]
    axis.legend(handles=handles, frameon=False, fontsize="small", ncols=2 if is_sweep else 1)


def swept_name(table: pd.DataFrame, beta: float, learning_rate: float) -> str:
    """What of the two differs between the models of a table; "" if nothing does."""
    names = {"beta": f"beta {beta:g}", "learning_rate": f"step size {learning_rate:g}"}
    return ", ".join(name for column, name in names.items() if table[column].nunique() > 1)


# The first two always, the others only where they were measured.
_SELECTION = {
    "inertia": "inertia",
    "silhouette": "mean silhouette",
    "stability": "stability\n(AMI under other songs)",
    "pac": "ambiguous pairs\n(PAC under other songs)",
}
_ALWAYS = 2


def cluster_selection(curves: pd.DataFrame, title: str) -> Figure:
    """K-Means inertia (the elbow curve) and silhouette over k: each seed, and their mean.

    With the stability or the PAC, where it was measured.

    Args:
        curves: cluster_selection.csv, of one representation.
        title: names the experiment, the data and the number of songs.
    """
    n_panels = len(_selection_columns(curves))
    figure = Figure(figsize=(4.5 * n_panels, 3.8), layout="constrained")
    axes = figure.subplots(1, n_panels)
    _selection_row(axes, curves)
    handles = dict(zip(*reversed(axes[1].get_legend_handles_labels()), strict=True))
    axes[1].legend(handles.values(), handles.keys(), frameon=False)
    return titled(figure, title)


def selection_overview(curves: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """The curves over k of several representations, two of them a row.

    Args:
        curves: representation to its rows of cluster_selection.csv.
        title: names the data and the number of songs.
    """
    n_rows = -(-len(curves) // 2)
    n_panels = max(len(_selection_columns(of_one)) for of_one in curves.values())
    figure = Figure(figsize=(7 * n_panels, 2.7 * n_rows + 0.8), layout="constrained")
    grid = figure.subplots(n_rows, 2 * n_panels, squeeze=False)
    places = [row[first : first + n_panels] for row in grid for first in (0, n_panels)]
    for axes, (name, of_one) in zip(places, curves.items(), strict=False):
        n_drawn = len(_selection_columns(of_one))
        _selection_row(axes[:n_drawn], of_one)
        for axis in axes[:n_drawn]:
            axis.set_title(folded(name, 48), fontsize="small", parse_math=False)
        for axis in axes[n_drawn:]:
            axis.set_axis_off()
    for axes in places[len(curves) :]:
        for axis in axes:
            axis.set_axis_off()
    handles = dict(zip(*reversed(grid[0][1].get_legend_handles_labels()), strict=True))
    figure.legend(
        handles.values(),
        handles.keys(),
        frameon=False,
        ncols=len(handles),
        loc="outside lower center",
    )
    return titled(figure, f"K-Means over the number of clusters, {title}")


def _selection_columns(curves: pd.DataFrame) -> list[str]:
    """The columns that have a panel each."""
    return [
        column
        for place, column in enumerate(_SELECTION)
        if place < _ALWAYS or (column in curves and curves[column].notna().any())
    ]


def _selection_row(axes: Sequence[Axes], curves: pd.DataFrame) -> None:
    n_seeds = curves["seed"].nunique()
    columns = _selection_columns(curves)
    mean = curves.groupby("k")[columns].mean()
    chosen = mean[mean.index.isin(curves.loc[curves["chosen"], "k"])]
    for axis, column in zip(axes, columns, strict=True):
        if n_seeds > 1:
            for _, rows in curves.groupby("seed"):
                axis.plot(rows["k"], rows[column], color=COLOURS[5], linewidth=1, label="one seed")
        label = "mean over seeds" if n_seeds > 1 else "one seed"
        axis.plot(mean.index, mean[column], color=COLOURS[0], marker="o", markersize=4, label=label)
        axis.plot(
            chosen.index,
            chosen[column],
            linestyle="none",
            marker="o",
            markersize=13,
            markerfacecolor="none",
            color=COLOURS[3],
            label="used here",
        )
        axis.locator_params("x", integer=True)
        label_axes(axis, "number of clusters k", _SELECTION[column])
