"""Scores and names of others in Markdown."""

import re
from collections.abc import Iterable, Sequence

import pandas as pd

from musicvae_jax.reporting.columns import COLUMNS
from musicvae_jax.runtime.printable import printable

# As many as fit beside each other on a page.
_HEADINGS = (
    *("silhouette", "genre AMI", "95 % interval", "chance", "1 song per artist"),
    *("language AMI", "against PCA"),
)


def code(text: str) -> str:
    """Text that Markdown shows as it is, in one line and also in a cell of a table.

    Example:
        >>> print(code("my_songs"), code("a`b|c"))
        `my_songs` ``a`b\\|c``
    """
    text = printable(text)
    longest = max(map(len, re.findall("`+", text)), default=0)
    ticks, space = "`" * (longest + 1), " " * (text[:1] == "`" or text[-1:] in ("`", ""))
    return f"{ticks}{space}{text}{space}{ticks}".replace("|", "\\|")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are Markdown.

    Example:
        >>> print(table(("seed", "AMI"), [("0", "0.5")]))
        | seed | AMI |
        |---|---|
        | 0 | 0.5 |
    """
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(_line(cells, "" if place == 1 else " ") for place, cells in enumerate(lines))


def score_markdown(summary: pd.DataFrame) -> str:
    """Scores of each representation, as a table: mean and standard deviation over seeds.

    Args:
        summary: rows of `reporting.summary`.
    """
    return table(
        ("representation", "k", *_HEADINGS),
        (
            (
                code(row["representation"]) + (" (baseline)" if row["role"] != "own" else ""),
                row["n_clusters"],
                *(COLUMNS[heading](row) for heading in _HEADINGS),
            )
            for _, row in summary.iterrows()
        ),
    )


def _line(cells: Sequence[str], space: str) -> str:
    return "|".join(("", *(f"{space}{cell}{space}" for cell in cells), ""))
