"""The tables of docs/results.md, from the summaries that suites leave.

usage: python benchmarks/results_table.py RESULTS_DIR
"""

import sys
from pathlib import Path

import pandas as pd

from musicvae_jax.reporting.columns import COLUMNS
from musicvae_jax.reporting.suite_table import distinct

_HEADINGS = (
    *("genre AMI", "95 % interval", "chance", "supervised reference", "1 song per artist"),
    *("language AMI", "language probe", "against PCA"),
)


def main(folder: Path) -> None:
    files = [folder / f"{suite}_summary.csv" for suite in ("easy", "medium", "hard")]
    table = pd.concat([pd.read_csv(path) for path in files], ignore_index=True)
    for column in ("labels_seen", "labels_derivable", "against_pca"):
        table[column] = table[column].astype(object).fillna("")
    heads = ("experiment", "representation", "songs", *_HEADINGS)
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for _, row in distinct(table).iterrows():
        name = row["representation"]
        name = f"*{name}*" if row["role"] == "baseline" else name
        cells = (COLUMNS[heading](row) for heading in _HEADINGS)
        print(f"| {' | '.join((row['experiment'], name, str(row['n_songs']), *cells))} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
