"""What the clusters are made of."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from musicvae_jax.reporting.style import label_axes, titled


def cluster_distributions(songs: pd.DataFrame, labels: Sequence[str], title: str) -> Figure:
    """Shares of each cluster's songs by label, one heat map per kind of label.

    Args:
        songs: one row per song with its cluster and the label columns; null labels are left out.
        labels: "genre", "language"; each with at least one song that has it.
        title: names the representation, the data and the number of songs.
    """
    counts = [pd.crosstab(songs["cluster"], songs[label]) for label in labels]
    height = 0.36 * max(len(table) for table in counts) + 2.6
    widths = [max(table.shape[1], 4) for table in counts]
    figure = Figure(figsize=(0.42 * sum(widths) + 3.5, height), layout="constrained")
    axes = figure.subplots(1, len(labels), squeeze=False, width_ratios=widths)[0]
    all_shares = [table.div(table.sum(axis=1), axis=0) for table in counts]
    # With many genres even the largest share is small: a scale up to 1 would show nothing.
    largest = max(shares.to_numpy().max() for shares in all_shares)
    for axis, label, table, shares in zip(axes, labels, counts, all_shares, strict=True):
        image = axis.imshow(shares, cmap="cividis", vmin=0, vmax=largest, aspect="auto")
        axis.set_xticks(
            range(table.shape[1]),
            table.columns.astype(str),
            rotation=90,
            fontsize="small",
            parse_math=False,
        )
        names = [f"{cluster} (n = {n})" for cluster, n in table.sum(axis=1).items()]
        axis.set_yticks(range(len(table)), names, fontsize="small")
        for (row, column), n in np.ndenumerate(table.to_numpy()):
            if n:
                light = shares.to_numpy()[row, column] < 0.6 * largest
                axis.text(
                    column,
                    row,
                    str(n),
                    ha="center",
                    va="center",
                    fontsize="x-small",
                    color="white" if light else "black",
                )
        label_axes(axis, label, "cluster")
    figure.colorbar(image, ax=axes, label="share of the cluster's songs", fraction=0.04, pad=0.02)
    return titled(figure, f"what clusters are made of (numbers are songs), {title}")
