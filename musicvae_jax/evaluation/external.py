"""Scores of a clustering from labels of its songs."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn import metrics


def purity(labels: np.ndarray, clusters: np.ndarray) -> float:
    """Share of songs that carry their cluster's most frequent label.

    In (0, 1], higher is better, and 1 for singleton clusters: compare it at equal k only.

    Args:
        labels: one label per song, `[songs]`, at least one song.
        clusters: cluster numbers, `[songs]`.

    References:
        Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, eq. 16.1.
    """
    table = metrics.cluster.contingency_matrix(labels, clusters)
    return float(table.max(axis=0).sum() / table.sum())


def homogeneity(labels: np.ndarray, clusters: np.ndarray) -> float:
    """Share of the labels' entropy that clusters explain: 1 where each cluster has one label.

    In [0, 1], higher is better, and like purity it grows with k. With completeness it makes up
    the V-measure, their harmonic mean, which is NMI.

    Args:
        labels: one label per song, `[songs]`, at least one song.
        clusters: cluster numbers, `[songs]`.

    References:
        Rosenberg and Hirschberg, V-Measure: A Conditional Entropy-Based External Cluster
        Evaluation Measure, 2007.
    """
    # Never below 0 but by rounding.
    return max(float(metrics.homogeneity_score(labels, clusters)), 0.0)


def completeness(labels: np.ndarray, clusters: np.ndarray) -> float:
    """Share of the clusters' entropy that labels explain: 1 where each label is in one cluster.

    In [0, 1], higher is better, and it falls with k; see `homogeneity`.
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

    References:
        Kuhn, The Hungarian Method for the Assignment Problem, 1955.
        Yang, Xu, Nie, Yan and Zhuang, Image Clustering Using Local Discriminant Models and Global
        Integration, 2010: as a score.
    """
    table = metrics.cluster.contingency_matrix(labels, clusters)
    return float(table[linear_sum_assignment(table, maximize=True)].sum() / table.sum())


_EXTERNAL = {
    "ari": metrics.adjusted_rand_score,
    "nmi": metrics.normalized_mutual_info_score,
    "ami": metrics.adjusted_mutual_info_score,
    "purity": purity,
}

_MATCHING = {
    "homogeneity": homogeneity,
    "completeness": completeness,
    "accuracy": clustering_accuracy,
}
_Score = Callable[[np.ndarray, np.ndarray], float]


def external_scores(
    clusters: np.ndarray, labels: Mapping[str, pd.Series]
) -> dict[str, float | int]:
    """Agreement of clusters with each kind of label.

    Args:
        clusters: cluster numbers, `[songs]`.
        labels: kind ("genre") to one label per song, null where unknown.

    Returns:
        For every kind: ari_KIND in `[-0.5, 1]`, nmi_KIND in `[0, 1]`, ami_KIND at most 1,
        purity_KIND in (0, 1], higher is better; ARI and AMI are 0 on average for clusters made
        at random, NMI and purity are not. n_KIND is the number of songs that have the label, on
        which alone the scores are taken. With fewer than two distinct labels there is nothing to
        agree with and the scores are NaN.
    """
    scores: dict[str, float | int] = {}
    for kind, values in labels.items():
        scores |= _scores_of(clusters, kind, values, _EXTERNAL)
        scores[f"n_{kind}"] = int(values.notna().sum())
    return scores


def matching_scores(clusters: np.ndarray, labels: Mapping[str, pd.Series]) -> dict[str, float]:
    """As `external_scores`: homogeneity_KIND, completeness_KIND and accuracy_KIND, each in [0, 1].

    Higher is better and none is adjusted for chance, so they explain a score of `external_scores`
    (too many clusters or too few, mixed ones or split ones) and rank nothing.
    """
    scores: dict[str, float] = {}
    for kind, values in labels.items():
        scores |= _scores_of(clusters, kind, values, _MATCHING)
    return scores


def _scores_of(
    clusters: np.ndarray, kind: str, values: pd.Series, scores: Mapping[str, _Score]
) -> dict[str, float]:
    """NAME_KIND of each score, on the songs that have the label."""
    known = values.notna().to_numpy()
    codes = pd.factorize(values[known])[0]
    if len(np.unique(codes)) < 2:
        return {f"{name}_{kind}": np.nan for name in scores}
    return {f"{name}_{kind}": float(of(codes, clusters[known])) for name, of in scores.items()}
