"""Whether two versions reach the same results: tables byte for byte, latents value for value.

Both folders hold results folders by experiment name, as `results/` does. Prints a Markdown table
of experiments and files. Exits with 1 if a number differs by more than the tolerance, if anything
else differs, or if an experiment or a file is in one folder only.
usage: python benchmarks/compare_results.py BEFORE_DIR AFTER_DIR [--tolerance T]
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

TABLES = (
    *("metrics.csv", "significance.csv", "spaces.csv", "comparisons.csv", "stability.csv"),
    *("disentanglement.csv", "cluster_selection.csv", "history.csv", "posterior.csv"),
    "posterior_summary.csv",
)
LATENTS = "latents.parquet"


class Difference(NamedTuple):
    """What differs between two files, and by how much: infinitely, where it is not in numbers."""

    text: str
    size: float

    def within(self, tolerance: float) -> bool:
        """Without a tolerance only equality counts: 0.0 and -0.0 differ, by a size of 0."""
        return self in (EQUAL, ABSENT) or (tolerance > 0 and self.size <= tolerance)


EQUAL = Difference("equal", 0.0)
ABSENT = Difference("-", 0.0)


def compare_tables(before: Path, after: Path) -> Difference:
    if before.read_bytes() == after.read_bytes():
        return EQUAL
    old, new = (pd.read_csv(path, dtype=str, keep_default_na=False) for path in (before, after))
    if list(old) != list(new):
        return Difference(other_columns(old, new), np.inf)
    if len(old) != len(new):
        return Difference(f"{len(old)} / {len(new)} rows", np.inf)
    differ = old.to_numpy() != new.to_numpy()
    if not differ.any():
        return Difference("equal cells in other bytes", np.inf)
    sizes = distances(numbers(old, differ), numbers(new, differ))
    row, column = np.argwhere(differ)[0]
    text = (
        f"{differ.sum()} of {differ.size} cells, {extent(sizes)}; first: row {row + 1}, "
        f"{old.columns[column]}: {old.iat[row, column]} / {new.iat[row, column]}"
    )
    return Difference(text, sizes.max())


def compare_latents(before: Path, after: Path) -> Difference:
    old, new = pd.read_parquet(before), pd.read_parquet(after)
    if not old.dtypes.equals(new.dtypes):
        return Difference(other_columns(old, new), np.inf)
    latents = [name for name in old if name.startswith("latent_")]
    labels = [name for name in old if name not in (*latents, "cluster")]
    if not old[labels].equals(new[labels]):
        return Difference(f"other songs, labels or order; {len(old)} / {len(new)} rows", np.inf)
    values = old[latents].to_numpy(), new[latents].to_numpy()
    differ = other_bits(*values)
    moved = old["cluster"].ne(new["cluster"]).sum()
    if not differ.any() and not moved:
        return EQUAL
    sizes = distances(*(v[differ].astype(np.float64) for v in values))
    text = f"{differ.sum()} of {differ.size} values, {extent(sizes)}" if sizes.size else "equal"
    if moved:
        return Difference(f"{text}; {moved} of {len(old)} clusters differ", np.inf)
    return Difference(f"{text}; clusters equal", sizes.max())


def other_columns(old: pd.DataFrame, new: pd.DataFrame) -> str:
    gone, added = (a.columns.difference(b.columns) for a, b in ((old, new), (new, old)))
    if gone.empty and added.empty:
        return "columns in another order or of another type"
    return f"columns gone: {', '.join(gone) or 'none'}; added: {', '.join(added) or 'none'}"


def numbers(table: pd.DataFrame, cells: np.ndarray) -> np.ndarray:
    """The chosen cells, not a number where they hold text."""
    return pd.to_numeric(pd.Series(table.to_numpy()[cells]), errors="coerce").to_numpy(float)


def other_bits(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Bool, of the same shape. Cells that are empty in both are equal, whatever their bits."""
    bits = f"u{old.itemsize}"
    return (old.view(bits) != new.view(bits)) & ~(np.isnan(old) & np.isnan(new))


def distances(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Absolute differences, infinite where one of the two is not a number."""
    sizes = np.abs(old - new)
    return np.where(np.isnan(sizes), np.inf, sizes)


def extent(sizes: np.ndarray) -> str:
    finite = sizes[np.isfinite(sizes)]
    texts = [f"by at most {finite.max():.3g}"] if len(finite) else []
    if len(finite) < len(sizes):
        texts.append(f"{len(sizes) - len(finite)} not in numbers")
    return ", ".join(texts)


def compare(before: Path, after: Path) -> Difference:
    """Compares the same file of two results folders."""
    match before.exists(), after.exists():
        case True, True:
            compare_file = compare_latents if before.name == LATENTS else compare_tables
            return compare_file(before, after)
        case True, False:
            return Difference("only before", np.inf)
        case False, True:
            return Difference("only after", np.inf)
    return ABSENT


def experiments(folder: Path) -> set[str]:
    found = {path.parent.name for path in folder.glob("*/manifest.json")}
    return found or sys.exit(f"{folder}: found no results folder, expected */manifest.json")


def main(before: Path, after: Path, tolerance: float) -> int:
    names = experiments(before), experiments(after)
    files = (*TABLES, LATENTS)
    print(f"| experiment | {' | '.join(files)} |\n|---|{'---|' * len(files)}")
    same = names[0] == names[1]
    for name in sorted(names[0] & names[1]):
        found = [compare(before / name / file, after / name / file) for file in files]
        print(f"| {name} | {' | '.join(difference.text for difference in found)} |", flush=True)
        same = same and all(difference.within(tolerance) for difference in found)
    for folder, alone in ((before, names[0] - names[1]), (after, names[1] - names[0])):
        if alone:
            print(f"\nOnly in {folder}: {', '.join(sorted(alone))}")
    return 0 if same else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--tolerance", type=float, default=0.0)
    sys.exit(main(**vars(parser.parse_args())))
