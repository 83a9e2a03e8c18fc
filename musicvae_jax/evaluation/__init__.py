"""Scores of a clustering: internal ones from the points, external ones from labels.

Internal scores describe clusters in the space of the points and do not compare between spaces. In
one space they do: give `internal_scores` the clusters that each method found and, for all methods,
the same points, such as the standardised raw features. That space favours methods that stay near
it, so it goes beside a method's own space, not in its place.
"""

from musicvae_jax.evaluation.agreement import (
    Agreement,
    average_linkage_consensus,
    kmeans_agreement,
    pairs_per_seed,
    resampled_agreement,
    seed_agreement,
)
from musicvae_jax.evaluation.ambiguity import ambiguous_pairs
from musicvae_jax.evaluation.artists import (
    ArtistEffect,
    Retrieval,
    artist_effect,
    one_per_artist_scores,
)
from musicvae_jax.evaluation.bootstrap import Interval, bootstrap_interval, external_intervals
from musicvae_jax.evaluation.cluster_cards import Card, cluster_cards, exemplars
from musicvae_jax.evaluation.disentanglement import (
    DCI,
    dci,
    factor_scores,
    mean_scores,
    mig,
    sap,
    score_factor,
)
from musicvae_jax.evaluation.enrichment import Terms, characteristic_terms, tag_terms, word_terms
from musicvae_jax.evaluation.external import (
    EXTERNAL_METRICS,
    ExternalMetric,
    clustering_accuracy,
    completeness,
    external_scores,
    homogeneity,
    matching_scores,
    metrics_with_nulls,
    purity,
)
from musicvae_jax.evaluation.internal import internal_scores
from musicvae_jax.evaluation.leaks import derivable_labels
from musicvae_jax.evaluation.mixing import Mixing, Probe, label_mixing, lisi, probe
from musicvae_jax.evaluation.nulls import Null, group_permutation_nulls, permutation_nulls
from musicvae_jax.evaluation.posterior_health import (
    active_units,
    aggregate_kl,
    decoded_share,
    kl_per_dimension,
)
from musicvae_jax.evaluation.scores import Evaluated, evaluate, noise_share, score_clustering
from musicvae_jax.evaluation.significance import Significance, known_artists, significance
from musicvae_jax.evaluation.spaces import SpaceScores, space_scores
from musicvae_jax.evaluation.supervised import Supervised, supervised_reference
from musicvae_jax.evaluation.verdicts import (
    MethodComparison,
    ResampledScores,
    compare_methods,
    resampled_ami,
)

__all__ = [
    "DCI",
    "EXTERNAL_METRICS",
    "Agreement",
    "ArtistEffect",
    "Card",
    "Evaluated",
    "ExternalMetric",
    "Interval",
    "MethodComparison",
    "Mixing",
    "Null",
    "Probe",
    "ResampledScores",
    "Retrieval",
    "Significance",
    "SpaceScores",
    "Supervised",
    "Terms",
    "active_units",
    "aggregate_kl",
    "ambiguous_pairs",
    "artist_effect",
    "average_linkage_consensus",
    "bootstrap_interval",
    "characteristic_terms",
    "cluster_cards",
    "clustering_accuracy",
    "compare_methods",
    "completeness",
    "dci",
    "decoded_share",
    "derivable_labels",
    "evaluate",
    "exemplars",
    "external_intervals",
    "external_scores",
    "factor_scores",
    "group_permutation_nulls",
    "homogeneity",
    "internal_scores",
    "kl_per_dimension",
    "kmeans_agreement",
    "known_artists",
    "label_mixing",
    "lisi",
    "matching_scores",
    "mean_scores",
    "metrics_with_nulls",
    "mig",
    "noise_share",
    "one_per_artist_scores",
    "pairs_per_seed",
    "permutation_nulls",
    "probe",
    "purity",
    "resampled_agreement",
    "resampled_ami",
    "sap",
    "score_clustering",
    "score_factor",
    "seed_agreement",
    "significance",
    "space_scores",
    "supervised_reference",
    "tag_terms",
    "word_terms",
]
