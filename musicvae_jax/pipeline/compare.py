"""comparisons.csv: whether representations group songs by labels better than the baselines do."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.clustering import sample_songs, sample_text
from musicvae_jax.evaluation import (
    MethodComparison,
    ResampledScores,
    compare_methods,
    resampled_ami,
)
from musicvae_jax.pipeline.listing import MARKS, Listing, marks
from musicvae_jax.pipeline.stages import Stages
from musicvae_jax.runtime.terminal import Terminal

_LABELS = ("genre", "language")
_ABOUT = ("experiment", "representation", "against", "label")


class Comparisons(NamedTuple):
    """The rows of comparisons.csv, and whether they come from a sample of songs."""

    table: pd.DataFrame
    approximated: dict[str, str]


def start_comparisons(
    name: str,
    listing: Listing,
    clusters: Mapping[tuple[str, int], np.ndarray],
    exact_songs: int,
    stages: Stages,
    terminal: Terminal,
) -> Callable[[], Comparisons]:
    """Compares the AMI of every own representation with that of every baseline.

    Starts the work, and returns a function that waits for it.

    There is no row for a label that one of the two was given or that follows from what it was
    given, nor where a score is not defined. The marks are those of the own representation.

    Args:
        name: name of the experiment.
        listing: its representations.
        clusters: K-Means cluster numbers of each, by name and seed.
        exact_songs: if there are more songs, a sample of this size is used.
        stages: runs the work, or finds it in the cache.
        terminal: for progress.
    """
    chosen = sample_songs(len(listing.songs), exact_songs, listing.seeds[0])
    marks_of = {one.name: marks(one, listing.labels) for one in listing.everything}
    places = [
        (one.name, label)
        for one in listing.everything
        for label in _LABELS
        if label not in " ".join(marks_of[one.name].values()).split()
    ]
    of_chosen = {kind: values.iloc[chosen] for kind, values in listing.labels.items()}

    def call(representation: str, label: str) -> tuple[Any, ...]:
        found = [clusters[representation, seed][chosen] for seed in listing.seeds]
        return np.stack(found), of_chosen[label], of_chosen["artist"], listing.seeds[0]

    calls = [call(*place) for place in places]
    # Each call scores the clusters of every seed.
    n_scored = len(chosen) * len(listing.seeds)
    scores = stages.map("comparisons", resampled_ami, calls, n_scored)

    def finish() -> Comparisons:
        found: dict[tuple[str, str], ResampledScores] = {}
        with terminal.progress("comparisons", len(places)) as advance:
            for place, of_place in zip(places, scores, strict=True):
                if of_place.is_defined:
                    found[place] = of_place
                advance()
        rows = [
            (
                *(name, one.name, other.name, label),
                *compare_methods(found[one.name, label], found[other.name, label]),
                *marks_of[one.name].values(),
            )
            for one in listing.own
            for other in listing.baselines
            for label in _LABELS
            if (one.name, label) in found and (other.name, label) in found
        ]
        columns = [*_ABOUT, *MethodComparison._fields, *MARKS]
        is_sampled = len(chosen) < len(listing.songs)
        approximated = {"comparisons.csv": sample_text(len(chosen))} if is_sampled else {}
        return Comparisons(pd.DataFrame(rows, columns=columns), approximated)

    return finish
