"""What external scores are when clusters and labels have nothing to do with each other."""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from musicvae_jax.evaluation.contingency import (
    ContingencyTables,
    count_tables,
    integer_codes,
)
from musicvae_jax.evaluation.external import score_draws, score_tables

# Equal tables can differ in the last digits, and a tie must count as one.
_TIE = 1e-9


class Null(NamedTuple):
    """A score beside the scores of shuffled labels.

    Attributes:
        score: of the labels as they are; higher is better.
        mean: of the scores under shuffled labels, what chance alone gives.
        high: their 95th percentile; a score below it is no evidence.
        p_value: (1 + shuffles that score at least as high) / (1 + shuffles), in (0, 1]; lower is
            stronger evidence, and with n shuffles it is never below 1 / (1 + n). Where scores take
            few values, as purity does, ties make it too large, never too small.
    """

    score: float
    mean: float
    high: float
    p_value: float


def permutation_nulls(
    labels: np.ndarray, clusters: np.ndarray, n_permutations: int, seed: int
) -> dict[str, Null]:
    """The null of every metric that has one, when labels are shuffled over songs.

    The sizes of classes and clusters stay. It treats songs as exchangeable, so artists alone
    can beat it: clusters that follow artists score above it for every label that goes with
    artists, as genre does in 4MuLA. `group_permutation_nulls` is the stricter test.

    Args:
        labels: one label per song, `[songs]`, none null.
        clusters: cluster numbers, `[songs]`.
        n_permutations: number of shuffles, at least 1.
        seed: of the shuffles; the same seed gives the same null.

    Returns:
        Each of `metrics_with_nulls`, such as "ami", to its null.

    Raises:
        ValueError: no songs, or a null label.

    References:
        Phipson and Smyth, Permutation P-values Should Never Be Zero, 2010: the p-value.
        Vinh, Epps and Bailey, Information Theoretic Measures for Clusterings Comparison, 2010:
        the model of chance, which is built into AMI.
    """
    codes, n_classes = integer_codes(labels, "labels")
    of_clusters, n_clusters = integer_codes(clusters, "clusters")
    shape, random = (n_classes, n_clusters), np.random.default_rng(seed)

    def tables(codes: np.ndarray) -> np.ndarray:
        cells = codes * n_clusters + of_clusters
        return count_tables(cells, n_classes * n_clusters).reshape(len(cells), *shape)

    def shuffled(n_draws: int) -> np.ndarray:
        return tables(random.permuted(np.tile(codes, (n_draws, 1)), axis=1))

    drawn = score_draws(shuffled, n_permutations, max(len(codes), n_classes * n_clusters))
    return _beside(tables(codes[None]), drawn)


def group_permutation_nulls(
    labels: np.ndarray, clusters: np.ndarray, groups: np.ndarray, n_permutations: int, seed: int
) -> dict[str, Null]:
    """As `permutation_nulls`, with labels shuffled over whole groups, such as artists.

    A group's songs keep one label and stay together. A small p-value then says that clusters tell
    more about the label than which songs belong to one group. The sizes of classes change
    with the sizes of their groups.

    Args:
        labels: one label per song, `[songs]`, none null, the same for all songs of a group.
        clusters: cluster numbers, `[songs]`.
        groups: one group per song, `[songs]`, none null.
        n_permutations: number of shuffles, at least 1.
        seed: of the shuffles.

    Returns:
        Score to its null.

    Raises:
        ValueError: no songs, a null, or a group with more than one label.
    """
    codes, n_classes = integer_codes(labels, "labels")
    of_clusters, n_clusters = integer_codes(clusters, "clusters")
    of_groups, n_groups = integer_codes(groups, "groups")
    first = np.unique(of_groups, return_index=True)[1]
    of_group = codes[first]
    if (mixed := of_group[of_groups] != codes).any():
        row = int(np.argmax(mixed))
        raise ValueError(
            f"group '{np.asarray(groups)[row]}' has more than one label, expected one for all "
            "songs of a group"
        )
    counts = count_tables((of_groups * n_clusters + of_clusters)[None], n_groups * n_clusters)
    counts = counts.reshape(n_groups, n_clusters)
    random = np.random.default_rng(seed)

    def tables(of_group: np.ndarray) -> np.ndarray:
        n_draws = len(of_group)
        rows = (np.arange(n_draws)[:, None] * n_classes + of_group).ravel()
        columns = np.tile(np.arange(n_groups), n_draws)
        shape = (n_draws * n_classes, n_groups)
        members = sparse.csr_array((np.ones(len(rows), int), (rows, columns)), shape=shape)
        return (members @ counts).reshape(n_draws, n_classes, n_clusters)

    def shuffled(n_draws: int) -> np.ndarray:
        return tables(random.permuted(np.tile(of_group, (n_draws, 1)), axis=1))

    n_held = max(n_groups, n_classes) * n_clusters
    drawn = score_draws(shuffled, n_permutations, n_held)
    return _beside(tables(of_group[None]), drawn)


def _beside(observed: np.ndarray, drawn: dict[str, np.ndarray]) -> dict[str, Null]:
    """Nulls of the one observed table, `[1, classes, clusters]`."""
    scores = score_tables(ContingencyTables(observed))
    return {name: _null(float(score[0]), drawn[name]) for name, score in scores.items()}


def _null(score: float, drawn: np.ndarray) -> Null:
    n_as_high = int(np.sum(drawn >= score - _TIE))
    p_value = (1 + n_as_high) / (1 + len(drawn))
    return Null(score, float(drawn.mean()), float(np.quantile(drawn, 0.95)), p_value)
