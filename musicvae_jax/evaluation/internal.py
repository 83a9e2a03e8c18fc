"""Scores of a clustering from its points alone."""

import numpy as np
from sklearn import metrics

from musicvae_jax.clustering import mean_silhouettes
from musicvae_jax.config import ClusterConfig
from musicvae_jax.evaluation.dispersion import dispersion_scores

_LINEAR = {
    "calinski_harabasz": metrics.calinski_harabasz_score,
    "davies_bouldin": metrics.davies_bouldin_score,
}


def internal_scores(
    x: np.ndarray, clusters: np.ndarray, exact_songs: int = ClusterConfig.exact_songs
) -> dict[str, float]:
    """Silhouette, Calinski-Harabasz and Davies-Bouldin of points `[songs, dimensions]`.

    Silhouette is in `[-1, 1]` and Calinski-Harabasz at least 0, higher is better;
    Davies-Bouldin is at least 0, lower is better. They describe clusters in the space of x and do
    not compare between spaces. All are NaN where there are fewer than two clusters or as many as
    songs. silhouette_se, the standard error of the silhouette, is NaN up to `exact_songs` songs;
    above, the silhouette is estimated from a sample, see `mean_silhouettes`.
    """
    n_clusters = len(np.unique(clusters))
    if not 2 <= n_clusters < len(x):
        return dict.fromkeys(("silhouette", "silhouette_se", *_LINEAR), np.nan)
    (silhouette,) = mean_silhouettes(x, [clusters], exact_songs)
    if len(x) > exact_songs:
        linear = dispersion_scores(x, clusters)._asdict()
    else:
        linear = {name: float(score(x, clusters)) for name, score in _LINEAR.items()}
    return {"silhouette": silhouette.mean, "silhouette_se": silhouette.standard_error, **linear}
