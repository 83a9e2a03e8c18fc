"""Contingency tables of labels and clusters, many at once, for nulls and intervals."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import gammaln

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
    """

    counts: np.ndarray

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
        """Mean of `mutual_information` over all tables with these marginals, `[tables]`.

        References:
            Vinh, Epps and Bailey, Information Theoretic Measures for Clusterings Comparison, 2010.
        """
        if len(self.counts) > 1 and self._share_marginals:
            # So do all shuffles of the same labels.
            alone = ContingencyTables(self.counts[:1]).expected_mutual_information
            return np.repeat(alone, len(self.counts))
        of_cells = np.broadcast_arrays(
            self.n_songs[:, None, None],
            self.class_sizes[:, :, None],
            self.cluster_sizes[:, None, :],
        )
        shape = (self._most_songs + 1,) * 3
        codes = np.ravel_multi_index(of_cells, shape).ravel()
        # Tables of the same songs or the same classes have most of their cells in common.
        place, distinct = pd.factorize(codes)
        sizes = np.array(np.unravel_index(distinct, shape))
        most_terms = int(sizes[1:].min(axis=0).max())
        ends = np.cumsum(list(in_chunks(len(distinct), most_terms)))
        nats = [_expected_nats(*some) for some in np.split(sizes, ends[:-1], axis=1)]
        return np.concatenate(nats)[place].reshape(self.counts.shape).sum(axis=(1, 2))

    @property
    def _share_marginals(self) -> bool:
        sizes = (self.class_sizes, self.cluster_sizes)
        return all(bool((one == one[:1]).all()) for one in sizes)

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
        n = np.arange(self._most_songs + 1, dtype=float)
        return n * np.log(np.maximum(n, 1.0))

    @property
    def _most_songs(self) -> int:
        return int(self.n_songs.max())

    @cached_property
    def _marginal_logs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sums of n log n over classes, over clusters, and of all songs, `[tables]` each."""
        return (
            self._n_log_n[self.class_sizes].sum(axis=1),
            self._n_log_n[self.cluster_sizes].sum(axis=1),
            self._n_log_n[self.n_songs],
        )


def _expected_nats(
    n_songs: np.ndarray, class_size: np.ndarray, cluster_size: np.ndarray
) -> np.ndarray:
    """What each cell adds to the expected mutual information, `[cells]` as the arguments.

    In nats times the number of songs: the mean of n log(n_songs n / (class_size cluster_size)),
    where n, the songs in the cell, is hypergeometric.
    """
    counts = np.arange(n_songs.max(initial=0) + 1)
    log, log_factorial = np.log(np.maximum(counts, 1)), gammaln(counts + 1.0)
    outside = n_songs - class_size - cluster_size
    of_margins = (
        log_factorial[class_size]
        + log_factorial[cluster_size]
        + log_factorial[n_songs - class_size]
        + log_factorial[n_songs - cluster_size]
        - log_factorial[n_songs]
    )
    log_ratio = log[n_songs] - log[class_size] - log[cluster_size]
    least = np.maximum(-outside, 1)
    n_terms = np.maximum(np.minimum(class_size, cluster_size) - least + 1, 0)

    def of_terms(values: np.ndarray) -> np.ndarray:
        """One entry per term, a cell and a possible n."""
        return np.repeat(values, n_terms)

    cell = of_terms(np.arange(len(least)))
    n = np.arange(len(cell)) + of_terms(least - (np.cumsum(n_terms) - n_terms))
    log_probability = (
        of_terms(of_margins)
        - log_factorial[n]
        - log_factorial[of_terms(class_size) - n]
        - log_factorial[of_terms(cluster_size) - n]
        - log_factorial[of_terms(outside) + n]
    )
    terms = np.exp(log_probability) * n * (of_terms(log_ratio) + log[n])
    return np.bincount(cell, terms, minlength=len(least))


def _n_pairs(n: np.ndarray) -> np.ndarray:
    return n * (n - 1.0) / 2
