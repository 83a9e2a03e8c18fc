"""Tables and figures of finished runs. Reads results, computes nothing but means over seeds."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.table import Table
from rich.text import Text

# Okabe and Ito's palette, told apart by readers with any common colour blindness; its yellow is
# left out, too pale on white. Marker shapes carry what eight colours cannot.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
_MARKERS = ("o", "^", "s", "D", "v", "P", "X")
_UNKNOWN_COLOUR = "#BBBBBB"
_MAX_NAMED = 24
_LEAK_MARK = "†"
_TABLE_SCORES = {
    "silhouette": "silhouette",
    "ami_genre": "genre AMI",
    "nmi_genre": "genre NMI",
    "ari_genre": "genre ARI",
    "purity_genre": "genre purity",
    "ami_language": "language AMI",
    "ami_artist": "artist AMI",
}


def score_table(metrics: pd.DataFrame, title: str) -> Table:
    """Scores per representation, mean and standard deviation over seeds, for the terminal.

    A score against a label that the representation has seen is marked: it measures what the
    model was told, not what it found. An empty cell is a score that is not defined.

    Args:
        metrics: rows of metrics.csv of one experiment.
        title: the table's title.
    """
    table = Table(title=Text(title), title_justify="left", title_style="bold", header_style="")
    table.add_column("representation", no_wrap=True)
    table.add_column("k", justify="right")
    for heading in _TABLE_SCORES.values():
        table.add_column(heading, justify="right")
    for representation, rows in metrics.groupby("representation", sort=False):
        seen = rows["labels_seen"].iloc[0].split()
        cells = []
        for column in _TABLE_SCORES:
            mark = _LEAK_MARK if column.split("_")[-1] in seen else ""
            cells.append(_mean_and_std(rows[column]) + mark)
        table.add_row(str(representation), _range(rows["n_clusters"]), *cells)
    if metrics["labels_seen"].any():
        table.caption = f"{_LEAK_MARK} the representation was given this label"
        table.caption_justify = "left"
    return table


def _mean_and_std(values: pd.Series) -> str:
    if values.isna().all():
        return ""
    mean = f"{values.mean():.3f}"
    if len(values) == 1:
        return mean
    # Short enough to wrap into two even lines on a narrow terminal.
    return f"{mean} ±{values.std():.3f}".replace("±0", "±")


def _range(values: pd.Series) -> str:
    low, high = values.min(), values.max()
    return str(low) if low == high else f"{low}-{high}"


def training_curves(history: pd.DataFrame, title: str) -> Figure:
    """Reconstruction, KL and active latent dimensions over epochs, one line per seed.

    Args:
        history: history.csv; a KL column without values (an autoencoder) is left out.
        title: names the experiment, the data and the number of songs.
    """
    panels = [("reconstruction_nats", "reconstruction (nats per song)")]
    if history["train_kl_nats"].notna().any():
        panels.append(("kl_nats", "KL (nats per song)"))
    figure = Figure(figsize=(4.2 * (len(panels) + 1), 3.8), layout="constrained")
    axes = figure.subplots(1, len(panels) + 1)
    for axis, (column, label) in zip(axes, panels, strict=False):
        for side, style in (("train", "-"), ("heldout", "--")):
            for seed, rows in history.groupby("seed"):
                axis.plot(
                    rows["epoch"],
                    rows[f"{side}_{column}"],
                    linestyle=style,
                    color=_COLOURS[0 if side == "train" else 3],
                    alpha=0.8,
                    label={"train": "training", "heldout": "held out"}[side]
                    if seed == history["seed"].iloc[0]
                    else None,
                )
        _label(axis, "epoch", label)
        axis.legend(frameon=False)
    for _, rows in history.groupby("seed"):
        axes[-1].plot(rows["epoch"], rows["active_units"], color=_COLOURS[0], alpha=0.8)
    axes[-1].set_ylim(bottom=0)
    _label(axes[-1], "epoch", "active latent dimensions")
    return _titled(figure, f"{title}; one line per seed")


def cluster_selection(curves: pd.DataFrame, title: str) -> Figure:
    """K-Means inertia (the elbow curve) and silhouette over k: each seed, and their mean.

    Args:
        curves: cluster_selection.csv.
        title: names the experiment, the data and the number of songs.
    """
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    axes = figure.subplots(1, 2)
    by_seed = curves.groupby("seed")
    mean = curves.groupby("k").mean()
    chosen = mean[mean["chosen"] == 1]
    for axis, column in zip(axes, ("inertia", "silhouette"), strict=True):
        for _, rows in by_seed:
            axis.plot(rows["k"], rows[column], color=_COLOURS[5], linewidth=1, label="one seed")
        label = "mean over seeds" if len(by_seed) > 1 else None
        axis.plot(mean.index, mean[column], color=_COLOURS[0], marker="o", label=label)
        axis.plot(
            chosen.index,
            chosen[column],
            linestyle="none",
            marker="o",
            markersize=13,
            markerfacecolor="none",
            color=_COLOURS[3],
            label="used here",
        )
        axis.xaxis.get_major_locator().set_params(integer=True)
    _label(axes[0], "number of clusters k", "inertia (within-cluster sum of squares)")
    _label(axes[1], "number of clusters k", "mean silhouette")
    handles = dict(zip(*reversed(axes[1].get_legend_handles_labels()), strict=True))
    axes[1].legend(handles.values(), handles.keys(), frameon=False)
    return _titled(figure, title)


def projection(
    coordinates: np.ndarray, groups: dict[str, pd.Series], method: str, title: str
) -> Figure:
    """A 2-D projection once per grouping, coloured and marked by its groups.

    Args:
        coordinates: `[songs, 2]`.
        groups: panel title to one group per song, null where unknown. The 24 largest groups are
            named; smaller ones are drawn together as "other".
        method: "t-SNE" or "UMAP".
        title: names the experiment, the data and the number of songs.
    """
    figure = Figure(figsize=(5.2 * len(groups), 5.2))
    axes = np.atleast_1d(figure.subplots(1, len(groups), gridspec_kw={"wspace": 0.1}))
    for axis, (name, values) in zip(axes, groups.items(), strict=True):
        _scatter_groups(axis, coordinates, values)
        axis.set_title(f"coloured by {name}", fontsize="medium")
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_box_aspect(1)
        _label(axis, f"{method} 1", f"{method} 2")
    return _titled(figure, title)


def _scatter_groups(axis: Axes, coordinates: np.ndarray, values: pd.Series) -> None:
    sizes = values.value_counts()
    named: Sequence = sorted(sizes.index[:_MAX_NAMED])
    styles = [(_COLOURS[i % 7], _MARKERS[(i // 7 + i) % 7], str(v)) for i, v in enumerate(named)]
    masks = [(values == value).to_numpy() for value in named]
    if len(sizes) > _MAX_NAMED:
        others = sizes.index[_MAX_NAMED:]
        styles.append((_UNKNOWN_COLOUR, "*", f"other ({len(others)} groups)"))
        masks.append(values.isin(others).to_numpy())
    if values.isna().any():
        styles.append((_UNKNOWN_COLOUR, ".", "unknown"))
        masks.append(values.isna().to_numpy())
    for (colour, marker, label), mask in zip(styles, masks, strict=True):
        axis.scatter(
            *coordinates[mask].T,
            s=16,
            color=colour,
            marker=marker,
            linewidths=0,
            alpha=0.85,
            # matplotlib hides labels that begin with an underscore.
            label=f" {label} ({mask.sum()})",
        )
    legend = axis.legend(
        frameon=False,
        fontsize="x-small",
        ncols=2 if len(styles) > 4 else 1,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.08),
    )
    # A dollar sign in a genre is not mathematics.
    for text in legend.get_texts():
        text.set_parse_math(False)


def _label(axis: Axes, x: str, y: str) -> None:
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    axis.spines[["top", "right"]].set_visible(False)


def _titled(figure: Figure, title: str) -> Figure:
    figure.suptitle(title, fontsize="medium", parse_math=False)
    return figure
