"""The summary of a run as a table for the terminal."""

import pandas as pd
from rich.table import Table
from rich.text import Text

from musicvae_jax.reporting.columns import COLUMNS
from musicvae_jax.reporting.style import DERIVABLE_MARK, LEAK_CAPTION, LEAK_MARK

# As many as 100 columns of a terminal have room for; the files and the report have all.
_HEADINGS = ("genre AMI", "95 % interval", "1 song per artist", "language AMI", "silhouette")
# Numbers with their spread and a mark are shorter.
_WIDEST = 13


def score_table(summary: pd.DataFrame, title: str) -> Table:
    """Scores per representation, mean and standard deviation over seeds.

    A score against a label that the representation was given, or that follows from what it was
    given, is marked: it is no result. An empty cell is a score that is not defined.

    Args:
        summary: rows of `summary`.
        title: the table's title.
    """
    table = Table(title=Text(title), title_justify="left", title_style="bold", header_style="")
    table.add_column("representation", overflow="fold")
    for heading in ("k", *_HEADINGS):
        table.add_column(heading, justify="right", max_width=_WIDEST)
    any_leak = False
    by_songs = summary.groupby("n_songs", sort=False)
    for n_songs, rows in by_songs:
        if len(by_songs) > 1:
            # Scores of other songs do not compare.
            table.add_section()
            table.add_row(Text(f"on {n_songs} songs:", style="italic"))
        for _, row in rows.iterrows():
            cells = [COLUMNS[heading](row) for heading in _HEADINGS]
            any_leak |= any(cell.endswith((LEAK_MARK, DERIVABLE_MARK)) for cell in cells)
            table.add_row(row["representation"], row["n_clusters"], *cells)
    if any_leak:
        table.caption = LEAK_CAPTION
        table.caption_justify = "left"
    return table
