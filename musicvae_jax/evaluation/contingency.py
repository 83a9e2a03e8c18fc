"""Contingency tables of labels and clusters, many at once, for nulls and intervals."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from sklearn.metrics.cluster import expected_mutual_information

# Cells, or songs, of the tables that are held at once.
_MAX_HELD = 4_000_000


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
        raise ValueError(f"{name} has a null in row {row}, expected none: leave such songs out")
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


@dataclass(frozen=True, eq=False)
class ContingencyTables:
    """Tables of counts, and what several metrics need of them, computed once and on first use.

    Attributes:
        counts: songs of each class in each cluster, integer `[tables, classes, clusters]`, at
            least one song in each table; empty classes and clusters are as good as absent.
        same_marginals: whether all tables have the same sums of rows and of columns. The expected
            mutual information, by far the slowest part, is then taken once.
    """

    counts: np.ndarray
    same_marginals: bool = False

    @cached_property
    def class_sizes(self) -> np.ndarray:
        """Songs of each class, `[tables, classes]`."""
        return self.counts.sum(axis=2)

    @cached_property
    def cluster_sizes(self) -> np.ndarray:
        """Songs in each cluster, `[tables, clusters]`."""
        return self.counts.sum(axis=1)

    @cached_property
    def n_songs(self) -> np.ndarray:
        """`[tables]`."""
        return self.class_sizes.sum(axis=1)

    @cached_property
    def mutual_information(self) -> np.ndarray:
        """Between classes and clusters, in nats times the number of songs, `[tables]`."""
        of_cells = self._n_log_n[self.counts].sum(axis=(1, 2))
        of_classes, of_clusters, of_songs = self._marginal_logs
        return np.maximum(of_cells - of_classes - of_clusters + of_songs, 0.0)

    @cached_property
    def mean_entropy(self) -> np.ndarray:
        """Mean of the two entropies, in nats times the number of songs, `[tables]`."""
        of_classes, of_clusters, of_songs = self._marginal_logs
        return of_songs - (of_classes + of_clusters) / 2

    @cached_property
    def expected_mutual_information(self) -> np.ndarray:
        """Mean of `mutual_information` over all tables with these marginals.

        `[tables]`, or `[1]` where all have the same.

        References:
            Vinh, Epps and Bailey, Information Theoretic Measures for Clusterings Comparison, 2010.
        """
        rows = slice(1) if self.same_marginals else slice(None)
        nats = [_expected_nats(table) for table in self.counts[rows]]
        return self.n_songs[rows] * np.array(nats)

    @cached_property
    def pairs_together(self) -> np.ndarray:
        """Pairs of songs with one class and in one cluster, `[tables]`."""
        return _n_pairs(self.counts).sum(axis=(1, 2))

    @cached_property
    def pairs_of_classes(self) -> np.ndarray:
        """Pairs of songs with one class, `[tables]`."""
        return _n_pairs(self.class_sizes).sum(axis=1)

    @cached_property
    def pairs_of_clusters(self) -> np.ndarray:
        """Pairs of songs in one cluster, `[tables]`."""
        return _n_pairs(self.cluster_sizes).sum(axis=1)

    @cached_property
    def n_pairs(self) -> np.ndarray:
        """All pairs of songs, `[tables]`."""
        return _n_pairs(self.n_songs)

    @cached_property
    def _n_log_n(self) -> np.ndarray:
        """n log n of every count that can occur: looking it up beats taking logarithms."""
        n = np.arange(int(self.n_songs.max()) + 1, dtype=float)
        return n * np.log(np.maximum(n, 1.0))

    @cached_property
    def _marginal_logs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sums of n log n over classes, over clusters, and of all songs, `[tables]` each."""
        return (
            self._n_log_n[self.class_sizes].sum(axis=1),
            self._n_log_n[self.cluster_sizes].sum(axis=1),
            self._n_log_n[self.n_songs],
        )


def _expected_nats(table: np.ndarray) -> float:
    present = table[table.any(axis=1)][:, table.any(axis=0)]
    return expected_mutual_information(present, int(present.sum()))


def _n_pairs(n: np.ndarray) -> np.ndarray:
    return n * (n - 1.0) / 2
