"""Latents in two dimensions, coloured by groups of songs."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from musicvae_jax.reporting.style import (
    COLOURS,
    MARKERS,
    UNKNOWN_COLOUR,
    folded,
    label_axes,
    titled,
)

METHOD_NAMES = {"tsne": "t-SNE", "umap": "UMAP"}
_MAX_NAMED = 24


class _Group(NamedTuple):
    """How the songs of one group are drawn, and which they are."""

    colour: str
    marker: str
    label: str
    mask: np.ndarray


def projection(
    coordinates: np.ndarray, groups: Mapping[str, pd.Series], method: str, title: str
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
        found = _groups(values)
        _scatter(axis, coordinates, found, size=16)
        axis.set_title(f"coloured by {name}", fontsize="medium", parse_math=False)
        label_axes(axis, f"{method} 1", f"{method} 2")
        legend = axis.legend(
            handles=_handles(found, counted=True),
            frameon=False,
            fontsize="x-small",
            ncols=2 if len(found) > 4 else 1,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.08),
        )
        # A dollar sign in a genre is not mathematics.
        for text in legend.get_texts():
            text.set_parse_math(False)
    return titled(figure, title)


def projection_grid(
    points: Mapping[str, pd.DataFrame], colourings: Sequence[str], method: str, title: str
) -> Figure:
    """A panel per representation, the whole grid once per colouring, each with one legend.

    Args:
        points: representation to rows with x, y and the columns named in `colourings`.
        colourings: "genre", "language", ...: null where unknown.
        method: "t-SNE" or "UMAP".
        title: names the data and the number of songs.
    """
    n_columns = min(7, len(points))
    n_rows = -(-len(points) // n_columns)
    values = [pd.concat([rows[colouring] for rows in points.values()]) for colouring in colourings]
    # A legend of many groups may be taller than a single row of panels.
    heights = [max(3.3 * n_rows + 0.3, 0.18 * (len(_groups(one)) + 3)) for one in values]
    figure = Figure(figsize=(3.1 * n_columns + 2.6, sum(heights) + 0.5), layout="constrained")
    parts = figure.subfigures(len(colourings), 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, colouring, everything in zip(parts, colourings, values, strict=True):
        named = _named(everything)
        axes = part.subplots(n_rows, n_columns, squeeze=False).ravel()
        for axis, (name, rows) in zip(axes, points.items(), strict=False):
            _scatter(axis, rows[["x", "y"]].to_numpy(), _groups(rows[colouring], named), size=6)
            heading = folded(f"{name}, n = {len(rows)}", 44)
            axis.set_title(heading, fontsize="small", parse_math=False)
        for axis in axes[len(points) :]:
            axis.set_axis_off()
        legend = part.legend(
            handles=_handles(_groups(everything, named), counted=False),
            frameon=False,
            fontsize="small",
            loc="outside right upper",
            title=colouring,
        )
        for text in legend.get_texts():
            text.set_parse_math(False)
    return titled(figure, f"{method} of every representation, first seed, {title}")


def _named(values: pd.Series) -> list[Any]:
    """The groups with a colour of their own."""
    return sorted(values.value_counts().index[:_MAX_NAMED])


def _groups(values: pd.Series, named: Sequence[Any] | None = None) -> list[_Group]:
    named = _named(values) if named is None else named
    found = [
        _Group(COLOURS[i % 7], MARKERS[(i // 7 + i) % 7], str(name), (values == name).to_numpy())
        for i, name in enumerate(named)
    ]
    others = values.notna() & ~values.isin(named)
    if others.any():
        text = f"other ({values[others].nunique()} groups)"
        found.append(_Group(UNKNOWN_COLOUR, "*", text, others.to_numpy()))
    if values.isna().any():
        found.append(_Group(UNKNOWN_COLOUR, "o", "unknown", values.isna().to_numpy()))
    return found


def _scatter(axis: Axes, coordinates: np.ndarray, groups: Sequence[_Group], size: float) -> None:
    # Backwards, so that songs of unknown group do not hide the others.
    for group in reversed(groups):
        x, y = coordinates[group.mask].T
        axis.scatter(
            x,
            y,
            s=size,
            color=group.colour,
            marker=group.marker,
            linewidths=0,
            alpha=0.85,
        )
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_box_aspect(1)
    axis.spines[["top", "right"]].set_visible(False)


def _handles(groups: Sequence[_Group], counted: bool) -> list[Line2D]:
    return [
        Line2D(
            [],
            [],
            linestyle="none",
            marker=group.marker,
            color=group.colour,
            markeredgewidth=0,
            # matplotlib hides labels that begin with an underscore.
            label=f" {group.label}" + (f" ({group.mask.sum()})" if counted else ""),
        )
        for group in groups
    ]
