"""Scores of a clustering: internal ones from the points, external ones from labels."""

from musicvae_jax.evaluation.external import external_scores, purity
from musicvae_jax.evaluation.internal import internal_scores
from musicvae_jax.evaluation.scores import Evaluated, evaluate, noise_share, score_clustering

__all__ = [
    "Evaluated",
    "evaluate",
    "external_scores",
    "internal_scores",
    "noise_share",
    "purity",
    "score_clustering",
]
