"""How far latents are disentangled, over the weight on the KL term."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from musicvae_jax.reporting.style import COLOURS, MARKERS, label_axes, titled

# Gaps are some tenths of the others.
_PANELS = (
    ("gap between the two best dimensions", {"mig": "MIG", "sap": "SAP"}),
    (
        "DCI",
        {
            "disentanglement": "disentanglement",
            "completeness": "completeness",
            "informativeness": "informativeness",
        },
    ),
)


def disentanglement_curves(curves: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """MIG, SAP and DCI over beta: the mean over seeds, their deviation, and each seed.

    Args:
        curves: experiment to its rows of disentanglement.csv with a column beta, above 0.
        title: names the data and the number of songs.
    """
    figure = Figure(figsize=(9, 3.6 * len(curves) + 0.4), layout="constrained")
    grid = figure.subplots(len(curves), len(_PANELS), squeeze=False)
    for axes, (name, rows) in zip(grid, curves.items(), strict=True):
        for axis, (label, scores) in zip(axes, _PANELS, strict=True):
            _panel(axis, rows, scores)
            label_axes(axis, "beta, the weight on the KL term", label)
        axes[0].set_title(name, fontsize="medium", loc="left", weight="bold", parse_math=False)
    return titled(figure, f"known factors in single latent dimensions, higher is better, {title}")


def _panel(axis: Axes, rows: pd.DataFrame, scores: Mapping[str, str]) -> None:
    over_seeds = rows.groupby("beta")[list(scores)]
    # One seed has no deviation.
    means, deviations = over_seeds.mean(), over_seeds.std().fillna(0.0)
    for (score, label), colour, marker in zip(scores.items(), COLOURS, MARKERS, strict=False):
        axis.plot(
            rows["beta"], rows[score], linestyle="none", marker=marker, color=colour, alpha=0.35
        )
        axis.errorbar(
            means.index,
            means[score],
            yerr=deviations[score],
            marker=marker,
            color=colour,
            capsize=3,
            label=label,
        )
    axis.set_xscale("log", base=2)
    axis.set_xticks(means.index, [f"{beta:g}" for beta in means.index])
    axis.minorticks_off()
    axis.set_ylim(bottom=0)
    axis.legend(frameon=False, fontsize="small")
