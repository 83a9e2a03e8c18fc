"""Clusters points and scores the clustering."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.clustering import NOISE, Clustering, find_clusterer
from musicvae_jax.config import CLUSTERERS, ClusterConfig, Clusterer
from musicvae_jax.evaluation.external import external_scores, matching_scores
from musicvae_jax.evaluation.internal import internal_scores

# Of which songs a score is.
Scope = Literal["clustered", "all"]


def noise_share(clusters: np.ndarray) -> float:
    """Share of songs in no cluster, in [0, 1], of at least one song `[songs]`."""
    return float(np.mean(clusters == NOISE))


def score_clustering(
    x: np.ndarray,
    clusters: np.ndarray,
    labels: Mapping[str, pd.Series],
    scope: Scope,
    exact_songs: int = ClusterConfig.exact_songs,
    shared: np.ndarray | None = None,
) -> dict[str, float | int]:
    """Internal and external scores of a clustering that may leave songs out as noise.

    Args:
        x: points, `[songs, dimensions]`.
        clusters: cluster numbers, `[songs]`, `NOISE` for songs in no cluster.
        labels: kind ("genre") to one label per song, null where unknown.
        scope: "clustered" leaves the noise out, which flatters a clusterer that assigns few
            songs; "all" treats the noise as one more cluster. Without noise they are the same.
        exact_songs: above so many scored songs the silhouette is estimated.
        shared: points of the same songs that all methods have in common, `[songs, features]`;
            internal scores in this space compare between methods, though it favours those
            that stay near it.

    Returns:
        n_clusters (noise does not count), n_songs that were scored, noise_share of all songs, and
        what `internal_scores`, `external_scores` and `matching_scores` return; where a shared
        space is given, shared_NAME of the internal scores in it. With fewer than two clusters all
        scores are NaN; the counts n_KIND stay.
    """
    kept = clusters != NOISE if scope == "clustered" else np.full(len(clusters), True)
    n_clusters = len(np.unique(clusters[clusters != NOISE]))
    of_kept = {kind: values[kept] for kind, values in labels.items()}
    scores = internal_scores(x[kept], clusters[kept], exact_songs)
    if shared is not None:
        in_shared = internal_scores(shared[kept], clusters[kept], exact_songs)
        scores |= {f"shared_{name}": value for name, value in in_shared.items()}
    scores |= external_scores(clusters[kept], of_kept) | matching_scores(clusters[kept], of_kept)
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
    shared: np.ndarray | None = None,
) -> Evaluated:
    """Clusters points `[songs, dimensions]` and scores the clustering; see `score_clustering`."""
    found = find_clusterer(method)(x, k, seed, config)
    scopes: tuple[Scope, ...] = (
        ("all", "clustered") if CLUSTERERS[method].leaves_noise else ("all",)
    )
    scores: dict[str, dict[str, float | int]] = {
        scope: score_clustering(x, found.labels, labels, scope, config.exact_songs, shared)
        for scope in scopes
    }
    return Evaluated(found, scores)
