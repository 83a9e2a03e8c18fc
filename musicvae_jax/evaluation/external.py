"""Scores of a clustering from labels of its songs."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
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


_EXTERNAL = {
    "ari": metrics.adjusted_rand_score,
    "nmi": metrics.normalized_mutual_info_score,
    "ami": metrics.adjusted_mutual_info_score,
    "purity": purity,
}


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
        known = values.notna().to_numpy()
        codes = pd.factorize(values[known])[0]
        enough = len(np.unique(codes)) >= 2
        for name, score in _EXTERNAL.items():
            scores[f"{name}_{kind}"] = float(score(codes, clusters[known])) if enough else np.nan
        scores[f"n_{kind}"] = int(known.sum())
    return scores
