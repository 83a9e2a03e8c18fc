"""Colours, markers and labels that all figures share."""

import textwrap
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's palette, which readers with any common colour blindness can tell apart, without
# its yellow, too pale on white. Marker shapes carry what seven colours cannot.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
MARKERS = ("o", "^", "s", "D", "v", "P", "X")
UNKNOWN_COLOUR = "#BBBBBB"
LEAK_MARK, DERIVABLE_MARK = "†", "‡"
LEAK_CAPTION = (
    f"{LEAK_MARK} the representation was given this label; {DERIVABLE_MARK} it follows from what "
    "the representation was given"
)


def label_axes(axis: Axes, x: str, y: str) -> None:
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    axis.spines[["top", "right"]].set_visible(False)


def titled(figure: Figure, title: str) -> Figure:
    """The figure with a title in which a dollar sign is not mathematics."""
    figure.suptitle(title, fontsize="medium", parse_math=False)
    return figure


def folded(text: str, width: int) -> str:
    """Text on lines of at most `width` characters, broken at spaces and after plus signs."""
    lines = (textwrap.wrap(line.replace("+", "+ "), width) for line in text.splitlines())
    return "\n".join(part.replace("+ ", "+") for parts in lines for part in parts)


def cell_labels(cell: object) -> list[str]:
    """The kinds of label in a cell, which is empty or NaN where there are none."""
    return cell.split() if isinstance(cell, str) else []


def leak_mark(row: Mapping[str, Any] | pd.Series, kind: str) -> str:
    """The mark of scores against a kind of label; "" where they are results.

    Args:
        row: with labels_seen and labels_derivable, as in metrics.csv.
        kind: "genre", or the name of a score that ends with "_genre".
    """
    label = kind.split("_")[-1]
    if label in cell_labels(row["labels_seen"]):
        return LEAK_MARK
    return DERIVABLE_MARK if label in cell_labels(row["labels_derivable"]) else ""


def is_label_free(row: Mapping[str, Any] | pd.Series, label: str) -> bool:
    """Whether scores against a label are results: it was not given and does not follow."""
    return not leak_mark(row, label)


def label_free(rows: pd.DataFrame, label: str) -> pd.DataFrame:
    """The rows of representations that were not given the label nor anything it follows from."""
    return rows.loc[[is_label_free(row, label) for _, row in rows.iterrows()]]


def mean_and_std(mean: float, std: float, digits: int = 3) -> str:
    """ "0.512 ±.004"; without a spread where there is one seed, "" where there is no score."""
    if mean != mean:
        return ""
    text = f"{mean:.{digits}f}"
    if std != std:
        return text
    # Short enough to wrap into two even lines on a narrow terminal.
    return f"{text} ±{std:.{digits}f}".replace("±0.", "±.")
