"""How reproducible the clusters are: stability.csv."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.clustering import NOISE, sample_songs, sample_text
from musicvae_jax.config import ClusterConfig
from musicvae_jax.evaluation import (
    Agreement,
    average_linkage_consensus,
    external_scores,
    kmeans_agreement,
    pairs_per_seed,
    seed_agreement,
)
from musicvae_jax.pipeline.listing import MARKS, Listing, marks
from musicvae_jax.pipeline.stages import Stages
from musicvae_jax.representations import Representation

if TYPE_CHECKING:
    from musicvae_jax.pipeline.cluster import Clustered

# Pairs of subsets of the songs, over all seeds of a representation.
_PAIRS = 6
_LABELS = ("genre", "language")
# Name in tables of all models of a sweep together.
SWEEP = "sweep"
_COLUMNS = (
    *("experiment", "representation", "n_clusterings", "n_clusters", "n_songs"),
    *("seed_ami_mean", "seed_ami_min", "resampled_ami_mean", "resampled_ami_min"),
    *(f"consensus_ami_{label}" for label in _LABELS),
    *MARKS,
)


class Stability(NamedTuple):
    """The rows of stability.csv, and how they are approximated, if at all."""

    table: pd.DataFrame
    approximated: dict[str, str]


class _Group(NamedTuple):
    """K-Means clusterings of the same songs, `[songs]` each, and their (first) representation."""

    clusterings: Sequence[np.ndarray]
    representation: Representation


def start_stability(
    name: str,
    listing: Listing,
    is_sweep: bool,
    clustered: "Clustered",
    config: ClusterConfig,
    stages: Stages,
) -> Callable[[], Stability]:
    """How well K-Means agrees between seeds and between subsets of the songs, and its consensus.

    Starts the work, and returns a function that waits for it.

    One row per own representation, and one, without resampling, for all models of a sweep. A
    representation with too few distinct songs for k clusters has no row.

    Args:
        name: name of the experiment.
        listing: its representations; the own ones are used.
        is_sweep: whether they are all models of one sweep.
        clustered: their clusters.
        config: settings of the clusterings.
        stages: runs the clusterings, or finds them in the cache.
    """
    seeds, n_songs, k = listing.seeds, len(listing.songs), clustered.chosen_k
    own = [
        one
        for one in listing.own
        if all(clustered.clusters[one.name, seed].max() > NOISE for seed in seeds)
    ]
    places = sample_songs(n_songs, config.exact_songs, seeds[0])
    calls = [
        (one.of_seed(place)[places], k, config, pairs_per_seed(_PAIRS, len(seeds)), seed)
        for one in own
        for place, seed in enumerate(seeds)
    ]
    agreements = stages.map("stability", kmeans_agreement, calls, n_songs)
    groups = _groups(own, seeds, is_sweep, clustered.clusters)
    labels = {label: listing.songs[label].iloc[places] for label in _LABELS}
    joined = [([one[places] for one in group.clusterings], k) for group in groups.values()]
    of_groups = stages.map("consensus", average_linkage_consensus, joined, n_songs)

    def finish() -> Stability:
        resampled = {one.name: _merged(list(islice(agreements, len(seeds)))) for one in own}
        rows = []
        for (group_name, group), found in zip(groups.items(), of_groups, strict=True):
            scores = external_scores(found, labels)
            rows.append(
                (
                    name,
                    group_name,
                    len(group.clusterings),
                    k,
                    n_songs,
                    *seed_agreement(group.clusterings),
                    *resampled.get(group_name, Agreement(np.nan, np.nan)),
                    *(scores[f"ami_{label}"] for label in _LABELS),
                    *marks(group.representation, listing.labels).values(),
                )
            )
        return Stability(pd.DataFrame(rows, columns=_COLUMNS), _approximated(config, n_songs))

    return finish


def _merged(of_seeds: Sequence[Agreement]) -> Agreement:
    """The agreement over all seeds, each with the same number of pairs."""
    return Agreement(
        float(np.mean([one.mean for one in of_seeds])),
        float(np.min([one.minimum for one in of_seeds])),
    )


def _groups(
    own: Sequence[Representation],
    seeds: Sequence[int],
    is_sweep: bool,
    clusters: Mapping[tuple[str, int], np.ndarray],
) -> dict[str, _Group]:
    """The clusterings of each representation, and of all models of a sweep together."""
    groups = {one.name: _Group([clusters[one.name, seed] for seed in seeds], one) for one in own}
    if is_sweep and len(own) > 1:
        everything = [one for group in groups.values() for one in group.clusterings]
        groups[SWEEP] = _Group(everything, own[0])
    return groups


def _approximated(config: ClusterConfig, n_songs: int) -> dict[str, str]:
    if n_songs <= config.exact_songs:
        return {}
    return dict.fromkeys(("resampled_ami", "consensus_ami"), sample_text(config.exact_songs))
