"""Scores of many contingency tables at once, for nulls and intervals."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from sklearn.metrics.cluster import expected_mutual_information

SCORES = ("ari", "nmi", "ami", "purity")
# Cells, or songs, of the tables that are held at once.
_MAX_HELD = 4_000_000

Tables = Callable[[int], np.ndarray]


def integer_codes(values: np.ndarray, name: str) -> tuple[np.ndarray, int]:
    """Codes `[songs]` from 0 of any labels, by first appearance, and their number.

    Raises:
        ValueError: there are no songs, or a label is null.
    """
    codes, distinct = pd.factorize(np.asarray(values))
    if len(codes) == 0:
        raise ValueError(f"got no {name}, expected one per song")
    if codes.min() < 0:
        row = int(np.argmin(codes))
        raise ValueError(f"{name} has a null in row {row}, expected songs without one left out")
    return codes, len(distinct)


def count_tables(cells: np.ndarray, n_cells: int) -> np.ndarray:
    """How often each cell number occurs in each row of `[tables, songs]`: `[tables, n_cells]`."""
    offsets = np.arange(len(cells))[:, None] * n_cells
    counts = np.bincount((cells + offsets).ravel(), minlength=len(cells) * n_cells)
    return counts.reshape(len(cells), n_cells)


def in_chunks(n_draws: int, n_held: int) -> Iterator[int]:
    """Numbers of draws that add up to n_draws, each small enough for n_held numbers a draw."""
    most = max(_MAX_HELD // max(n_held, 1), 1)
    for start in range(0, n_draws, most):
        yield min(most, n_draws - start)


def score_draws(
    tables: Tables, n_draws: int, n_held: int, same_marginals: bool = False
) -> dict[str, np.ndarray]:
    """Scores of n_draws tables, made a few at a time.

    Args:
        tables: number of draws to their tables, `[draws, classes, clusters]`.
        n_draws: how many, at least 1.
        n_held: numbers that one draw holds in memory.
        same_marginals: see `score_tables`.
    """
    parts = [score_tables(tables(n), same_marginals) for n in in_chunks(n_draws, n_held)]
    return {name: np.concatenate([part[name] for part in parts]) for name in SCORES}


def score_tables(tables: np.ndarray, same_marginals: bool = False) -> dict[str, np.ndarray]:
    """ARI, NMI, AMI and purity of contingency tables, as scikit-learn defines them.

    Args:
        tables: counts, integer `[tables, classes, clusters]`, each of at least one song; empty
            classes and clusters are as good as absent.
        same_marginals: whether all tables have the same sums of rows and of columns. The expected
            mutual information, by far the slowest part, is then taken once.

    Returns:
        ari, nmi, ami and purity, `[tables]` each; ranges in `external_scores`.
    """
    classes, clusters = tables.sum(axis=2), tables.sum(axis=1)
    n_songs = classes.sum(axis=1)
    n_log_n = _n_log_n(int(n_songs.max()))
    of_classes, of_clusters = n_log_n[classes].sum(axis=1), n_log_n[clusters].sum(axis=1)
    of_cells, of_songs = n_log_n[tables].sum(axis=(1, 2)), n_log_n[n_songs]
    # The entropies and the mutual information, times the number of songs.
    mutual = np.maximum(of_cells - of_classes - of_clusters + of_songs, 0.0)
    mean_entropy = of_songs - (of_classes + of_clusters) / 2
    rows = slice(1) if same_marginals else slice(None)
    expected = n_songs[rows] * np.array([_expected_mutual(table) for table in tables[rows]])
    return {
        "ari": _rand(tables, classes, clusters, n_songs),
        "nmi": _ratio(mutual, mean_entropy),
        "ami": _ratio(mutual - expected, mean_entropy - expected),
        "purity": tables.max(axis=1).sum(axis=1) / n_songs,
    }


def _n_log_n(largest: int) -> np.ndarray:
    n = np.arange(largest + 1, dtype=float)
    return n * np.log(np.maximum(n, 1.0))


def _expected_mutual(table: np.ndarray) -> float:
    """Nats, over tables with the same sums of rows and columns as `[classes, clusters]`."""
    present = table[table.any(axis=1)][:, table.any(axis=0)]
    return expected_mutual_information(present, int(present.sum()))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """above / below, where 0 / 0 is 1: two partitions that leave nothing to agree on do agree."""
    # Relative to songs, whose logarithms are what rounds.
    nothing = np.abs(below) < 1e-9
    return np.where(nothing, 1.0, above / np.where(nothing, 1.0, below))


def _rand(
    tables: np.ndarray, classes: np.ndarray, clusters: np.ndarray, n_songs: np.ndarray
) -> np.ndarray:
    """Hubert and Arabie, Comparing Partitions, 1985, eq. 5, in pairs of songs."""
    together = _n_pairs(tables).sum(axis=(1, 2))
    by_class, by_cluster = _n_pairs(classes).sum(axis=1), _n_pairs(clusters).sum(axis=1)
    expected = by_class * by_cluster / np.maximum(_n_pairs(n_songs), 1.0)
    return _ratio(together - expected, (by_class + by_cluster) / 2 - expected)


def _n_pairs(n: np.ndarray) -> np.ndarray:
    return n * (n - 1.0) / 2
