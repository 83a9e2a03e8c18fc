"""Scores of a clustering: internal ones from the points, external ones from labels."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from sklearn import metrics

from musicvae_jax.clustering import CLUSTERERS, NOISE, Clustering
from musicvae_jax.config import ClusterConfig, Clusterer

_INTERNAL = {
    "silhouette": metrics.silhouette_score,
    "calinski_harabasz": metrics.calinski_harabasz_score,
    "davies_bouldin": metrics.davies_bouldin_score,
}


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


def internal_scores(x: np.ndarray, clusters: np.ndarray) -> dict[str, float]:
    """Silhouette, Calinski-Harabasz and Davies-Bouldin of points `[songs, dimensions]`.

    Silhouette is in `[-1, 1]` and Calinski-Harabasz at least 0, higher is better;
    Davies-Bouldin is at least 0, lower is better. They describe clusters in the space of x and do
    not compare between spaces. All are NaN where there are fewer than two clusters or as many as
    songs.
    """
    n_clusters = len(np.unique(clusters))
    if not 2 <= n_clusters < len(x):
        return dict.fromkeys(_INTERNAL, np.nan)
    return {name: float(score(x, clusters)) for name, score in _INTERNAL.items()}


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


def noise_share(clusters: np.ndarray) -> float:
    """Share of songs in no cluster, in [0, 1], of at least one song `[songs]`."""
    return float(np.mean(clusters == NOISE))


def score_clustering(
    x: np.ndarray,
    clusters: np.ndarray,
    labels: Mapping[str, pd.Series],
    scope: Literal["clustered", "all"],
) -> dict[str, float | int]:
    """Internal and external scores of a clustering that may leave songs out as noise.

    Args:
        x: points, `[songs, dimensions]`.
        clusters: cluster numbers, `[songs]`, `NOISE` for songs in no cluster.
        labels: kind ("genre") to one label per song, null where unknown.
        scope: "clustered" leaves the noise out, which flatters a clusterer that dares little;
            "all" takes the noise as one more cluster. Without noise they are the same.

    Returns:
        n_clusters (noise is none), n_songs that were scored, noise_share of all songs, and what
        `internal_scores` and `external_scores` return. With fewer than two clusters all scores
        are NaN; the counts n_KIND stay.
    """
    kept = clusters != NOISE if scope == "clustered" else np.full(len(clusters), True)
    n_clusters = len(np.unique(clusters[clusters != NOISE]))
    scores = internal_scores(x[kept], clusters[kept]) | external_scores(
        clusters[kept], {kind: values[kept] for kind, values in labels.items()}
    )
    if n_clusters < 2:
        scores = {name: n if name.startswith("n_") else np.nan for name, n in scores.items()}
    return {
        "n_clusters": n_clusters,
        "n_songs": int(kept.sum()),
        "noise_share": noise_share(clusters),
    } | scores


class Evaluated(NamedTuple):
    """A clustering and its scores, by scope: "all", and "clustered" if it may leave noise."""

    clustering: Clustering
    scores: dict[str, dict[str, float | int]]


def evaluate(
    method: Clusterer,
    x: np.ndarray,
    k: int,
    seed: int,
    config: ClusterConfig,
    labels: Mapping[str, pd.Series],
) -> Evaluated:
    """Clusters points `[songs, dimensions]` and scores what comes out; see `score_clustering`."""
    found = CLUSTERERS[method](x, k, seed, config)
    scopes = ("all", "clustered") if method == "dbscan" else ("all",)
    scores = {scope: score_clustering(x, found.labels, labels, scope) for scope in scopes}
    return Evaluated(found, scores)
