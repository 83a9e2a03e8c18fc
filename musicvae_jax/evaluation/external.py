"""External metrics: how far a clustering agrees with labels of its songs.

A metric is one function and one entry of `EXTERNAL_METRICS`. Its columns in metrics.csv, its rows
in significance.csv, and its place in a suite's table and page follow from the entry.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn import metrics

from musicvae_jax.evaluation.contingency import ContingencyTables, in_chunks


def purity(labels: np.ndarray, clusters: np.ndarray) -> float:
    """Share of songs that carry their cluster's most frequent label.

    In (0, 1], higher is better, and 1 for singleton clusters: compare it at equal k only.

    Args:
        labels: one label per song, `[songs]`, at least one song.
        clusters: cluster numbers, `[songs]`.

    Example:
        >>> purity(np.array(["a", "a", "a", "b"]), np.array([0, 0, 1, 1]))
        0.75

    References:
        Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, eq. 16.1.
    """
    table = metrics.cluster.contingency_matrix(labels, clusters)
    return float(_purity(ContingencyTables(table[None]))[0])


def homogeneity(labels: np.ndarray, clusters: np.ndarray) -> float:
    """Share of the labels' entropy that clusters explain: 1 where each cluster has one label.

    In [0, 1], higher is better, and like purity it grows with k. With completeness it makes up
    the V-measure, their harmonic mean, which is NMI.

    Args:
        labels: one label per song, `[songs]`, at least one song.
        clusters: cluster numbers, `[songs]`.

    Example:
        >>> homogeneity(np.array(["a", "a", "b", "b"]), np.array([0, 0, 1, 1]))
        1.0

    References:
        Rosenberg and Hirschberg, V-Measure: A Conditional Entropy-Based External Cluster
        Evaluation Measure, 2007.
    """
    # Never below 0 but by rounding.
    return max(float(metrics.homogeneity_score(labels, clusters)), 0.0)


def completeness(labels: np.ndarray, clusters: np.ndarray) -> float:
    """Share of the clusters' entropy that labels explain: 1 where each label is in one cluster.

    In [0, 1], higher is better, and it falls with k; see `homogeneity`.

    Example:
        >>> completeness(np.array(["a", "a", "b", "b"]), np.array([0, 0, 0, 0]))
        1.0
    """
    return homogeneity(clusters, labels)


def clustering_accuracy(labels: np.ndarray, clusters: np.ndarray) -> float:
    """Share of songs with the right label when each cluster stands for one label.

    No two clusters stand for the same label, and the pairs are those that get most songs right.
    With unequal numbers the clusters or labels that are left over get no song right. In (0, 1],
    higher is better, at most purity, and not 0 for clusters made at random.

    Args:
        labels: one label per song, `[songs]`, at least one song.
        clusters: cluster numbers, `[songs]`.

    Example:
        >>> clustering_accuracy(np.array(["a", "a", "a", "b"]), np.array([0, 1, 2, 3]))
        0.5

    References:
        Kuhn, The Hungarian Method for the Assignment Problem, 1955.
        Yang, Xu, Nie, Yan and Zhuang, Image Clustering Using Local Discriminant Models and Global
        Integration, 2010: as a score.
    """
    table = metrics.cluster.contingency_matrix(labels, clusters)
    return float(table[linear_sum_assignment(table, maximize=True)].sum() / table.sum())


def _ari(tables: ContingencyTables) -> np.ndarray:
    """Hubert and Arabie, Comparing Partitions, 1985, eq. 5, in pairs of songs."""
    of_classes, of_clusters = tables.pairs_of_classes, tables.pairs_of_clusters
    expected = of_classes * of_clusters / np.maximum(tables.n_pairs, 1.0)
    return _ratio(tables.pairs_together - expected, (of_classes + of_clusters) / 2 - expected)


def _nmi(tables: ContingencyTables) -> np.ndarray:
    return _ratio(tables.mutual_information, tables.mean_entropy)


def _ami(tables: ContingencyTables) -> np.ndarray:
    """Vinh, Epps and Bailey, Information Theoretic Measures for Clusterings Comparison, 2010."""
    expected = tables.expected_mutual_information
    return _ratio(tables.mutual_information - expected, tables.mean_entropy - expected)


def _purity(tables: ContingencyTables) -> np.ndarray:
    return tables.counts.max(axis=1).sum(axis=1) / tables.n_songs


def _fmi(tables: ContingencyTables) -> np.ndarray:
    """Geometric mean of pairwise precision and recall, in [0, 1]; 0 where no pair is together.

    References:
        Fowlkes and Mallows, A Method for Comparing Two Hierarchical Clusterings, 1983.
    """
    # Where there is no pair of a class or of a cluster, none is together either.
    precision = tables.pairs_together / np.maximum(tables.pairs_of_clusters, 1.0)
    recall = tables.pairs_together / np.maximum(tables.pairs_of_classes, 1.0)
    return np.sqrt(precision) * np.sqrt(recall)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """above / below, where 0 / 0 is 1: two partitions that leave nothing to agree on do agree."""
    # Relative to songs, whose logarithms are what rounds.
    nothing = np.abs(below) < 1e-9
    return np.where(nothing, 1.0, above / np.where(nothing, 1.0, below))


class ExternalMetric(NamedTuple):
    """One way to measure how far clusters agree with labels; higher is better.

    Attributes:
        heading: what tables for readers call it.
        of_songs: (labels `[songs]`, clusters `[songs]`) to the score of one clustering.
        of_tables: the same score of many contingency tables at once, `[tables]`, for nulls and
            intervals; None for a metric that only explains others and has neither.
        adjusted: whether it is 0 on average for clusters made at random, whatever their number.
    """

    heading: str
    of_songs: Callable[[np.ndarray, np.ndarray], float]
    of_tables: Callable[[ContingencyTables], np.ndarray] | None = None
    adjusted: bool = False


# Name to metric, in the order of columns and rows.
EXTERNAL_METRICS: dict[str, ExternalMetric] = {
    "ari": ExternalMetric("ARI", metrics.adjusted_rand_score, _ari, adjusted=True),
    "nmi": ExternalMetric("NMI", metrics.normalized_mutual_info_score, _nmi),
    "ami": ExternalMetric("AMI", metrics.adjusted_mutual_info_score, _ami, adjusted=True),
    "purity": ExternalMetric("purity", purity, _purity),
    "fmi": ExternalMetric("Fowlkes-Mallows", metrics.fowlkes_mallows_score, _fmi),
    "homogeneity": ExternalMetric("homogeneity", homogeneity),
    "completeness": ExternalMetric("completeness", completeness),
    "accuracy": ExternalMetric("accuracy", clustering_accuracy),
}


def metrics_with_nulls() -> tuple[str, ...]:
    """Names of the metrics that nulls and intervals are taken of, in order."""
    return tuple(name for name, metric in EXTERNAL_METRICS.items() if metric.of_tables)


def external_scores(
    clusters: np.ndarray, labels: Mapping[str, pd.Series]
) -> dict[str, float | int]:
    """Agreement of clusters with each kind of label, by the metrics that have nulls.

    Args:
        clusters: cluster numbers, `[songs]`.
        labels: kind ("genre") to one label per song, null where unknown.

    Returns:
        For every kind: ari_KIND in `[-0.5, 1]`, nmi_KIND in `[0, 1]`, ami_KIND at most 1,
        purity_KIND in (0, 1], and so on for all `metrics_with_nulls`; higher is better. ARI and AMI
        are 0 on average for clusters made at random, the others are not. n_KIND is the number of
        songs that have the label; only these are scored. With fewer than two distinct labels
        there is nothing to agree with and the scores are NaN.
    """
    scores: dict[str, float | int] = {}
    for kind, values in labels.items():
        scores |= _scores_of(clusters, kind, values, metrics_with_nulls())
        scores[f"n_{kind}"] = int(values.notna().sum())
    return scores


def matching_scores(clusters: np.ndarray, labels: Mapping[str, pd.Series]) -> dict[str, float]:
    """As `external_scores`: homogeneity_KIND, completeness_KIND and accuracy_KIND, each in [0, 1].

    Higher is better. None is adjusted for chance or has a null, so they explain a score of
    `external_scores` (too many clusters or too few, mixed ones or split ones) and rank nothing.
    """
    explaining = [name for name in EXTERNAL_METRICS if name not in metrics_with_nulls()]
    scores: dict[str, float] = {}
    for kind, values in labels.items():
        scores |= _scores_of(clusters, kind, values, explaining)
    return scores


def _scores_of(
    clusters: np.ndarray, kind: str, values: pd.Series, names: Sequence[str]
) -> dict[str, float]:
    """NAME_KIND of each metric, on the songs that have the label."""
    known = values.notna().to_numpy()
    codes = pd.factorize(values[known])[0]
    if len(np.unique(codes)) < 2:
        return {f"{name}_{kind}": np.nan for name in names}
    return {
        f"{name}_{kind}": float(EXTERNAL_METRICS[name].of_songs(codes, clusters[known]))
        for name in names
    }


def score_tables(tables: ContingencyTables) -> dict[str, np.ndarray]:
    """Each of `metrics_with_nulls` to its scores, `[tables]`; ranges in `external_scores`."""
    return {
        name: metric.of_tables(tables)
        for name, metric in EXTERNAL_METRICS.items()
        if metric.of_tables is not None
    }


def score_draws(
    draw: Callable[[int], np.ndarray], n_draws: int, n_held: int
) -> dict[str, np.ndarray]:
    """`score_tables` of n_draws tables, made a few at a time: `[n_draws]` for each metric.

    Args:
        draw: number of draws to their counts, `[draws, classes, clusters]`.
        n_draws: how many, at least 1.
        n_held: numbers that one draw holds in memory.
    """
    parts = [score_tables(ContingencyTables(draw(n))) for n in in_chunks(n_draws, n_held)]
    return {name: np.concatenate([part[name] for part in parts]) for name in metrics_with_nulls()}
