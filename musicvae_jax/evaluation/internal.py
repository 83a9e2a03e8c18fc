"""Scores of a clustering from its points alone."""

import numpy as np
from sklearn import metrics

_INTERNAL = {
    "silhouette": metrics.silhouette_score,
    "calinski_harabasz": metrics.calinski_harabasz_score,
    "davies_bouldin": metrics.davies_bouldin_score,
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
