"""The evidence for the scores: nulls, intervals, classifiers, and how well languages mix."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.clustering import sample_songs, sample_text
from musicvae_jax.evaluation import (
    Significance,
    SpaceScores,
    significance,
    space_scores,
    supervised_reference,
)
from musicvae_jax.pipeline.listing import MARKS, Listing, marks
from musicvae_jax.pipeline.stages import Stages
from musicvae_jax.representations import Representation
from musicvae_jax.runtime.terminal import Terminal

_ABOUT = ("experiment", "seed", "representation", "role")
_TABLES = ("significance.csv", "spaces.csv")
_SUPERVISED = ("supervised_linear", "supervised_rbf")
# The label and the score that classifiers are compared in.
_REFERENCE_OF = ("genre", "ami")


class Evidence(NamedTuple):
    """Rows of significance.csv and spaces.csv, and which of them come from a sample of songs."""

    significance: pd.DataFrame
    spaces: pd.DataFrame
    approximated: dict[str, str]


def start_evidence(
    name: str,
    listing: Listing,
    clusters: Mapping[tuple[str, int], np.ndarray],
    exact_songs: int,
    stages: Stages,
    terminal: Terminal,
) -> Callable[[], Evidence]:
    """Scores the evidence for every representation's K-Means clusters and points, for every seed.

    Starts the work, and returns a function that waits for it.

    Args:
        name: name of the experiment.
        listing: its representations.
        clusters: K-Means cluster numbers of each, by name and seed.
        exact_songs: if there are more songs, a sample of this size is used, since the time to find
            neighbours grows with the square of their number.
        stages: runs the work, or finds it in the cache.
        terminal: for progress.
    """
    places, labels = list(listing.places()), listing.labels
    marks_of = {one.name: marks(one, labels) for one in listing.everything}
    chosen = sample_songs(len(listing.songs), exact_songs, listing.seeds[0])
    of_chosen = {kind: values.iloc[chosen] for kind, values in labels.items()}

    def about(one: Representation, seed: int) -> dict[str, object]:
        values = (name, seed, one.name, listing.role(one))
        return dict(zip(_ABOUT, values, strict=True))

    calls = [(clusters[one.name, seed][chosen], of_chosen, seed) for one, _, seed in places]
    significances = stages.map("significance", significance, calls, len(chosen))
    of_points = [_points_and_seed(*place, chosen, listing.seeds) for place in places]
    calls = [(points, of_chosen, seed) for points, seed in of_points]
    spaces = stages.map("spaces", space_scores, calls, len(chosen))
    label, _ = _REFERENCE_OF
    asked = [(points, of_chosen[label], of_chosen["artist"], seed) for points, seed in of_points]
    references = stages.map("supervised", supervised_reference, asked, len(chosen))

    def finish() -> Evidence:
        rows, space_rows, reasons = [], [], []
        with terminal.progress("evidence", 3 * len(places)) as advance:
            found = zip(places, significances, references, strict=True)
            for (one, _, seed), scores, reference in found:
                for score in scores:
                    beside = dict.fromkeys(_SUPERVISED, np.nan)
                    if (score.label, score.score) == _REFERENCE_OF:
                        beside = dict(zip(_SUPERVISED, reference[:2], strict=True))
                        reasons.append(reference.reason)
                    rows.append(about(one, seed) | score._asdict() | beside | marks_of[one.name])
                advance(2)
            for (one, _, seed), space in zip(places, spaces, strict=True):
                space_rows.append(about(one, seed) | space._asdict() | marks_of[one.name])
                advance()
        for reason in dict.fromkeys(filter(None, reasons)):
            terminal.notice(f"the supervised reference of {label} is left out: {reason}")
        is_sampled = len(chosen) < len(listing.songs)
        return Evidence(
            pd.DataFrame(rows, columns=[*_ABOUT, *Significance._fields, *_SUPERVISED, *MARKS]),
            pd.DataFrame(space_rows, columns=[*_ABOUT, *SpaceScores._fields, *MARKS]),
            dict.fromkeys(_TABLES, sample_text(len(chosen))) if is_sampled else {},
        )

    return finish


def _points_and_seed(
    one: Representation, place: int, seed: int, chosen: np.ndarray, seeds: tuple[int, ...]
) -> tuple[np.ndarray, int]:
    # Points that are the same under every seed have the same neighbours and classifiers.
    return one.of_seed(place)[chosen], seed if len(one.points) > 1 else seeds[0]
