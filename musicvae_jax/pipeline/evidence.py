"""What stands behind the scores: nulls, intervals, artists and how well languages mix."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.clustering import sample_songs, sample_text
from musicvae_jax.config import Experiment
from musicvae_jax.evaluation import (
    Significance,
    SpaceScores,
    significance,
    space_scores,
)
from musicvae_jax.pipeline.listing import Representation
from musicvae_jax.pipeline.marks import MARKS, marks
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.runtime.workers import Workers
from musicvae_jax.songs import LABELS


class Evidence(NamedTuple):
    """Rows of significance.csv and spaces.csv; of a sample where songs are too many, see there."""

    significance: pd.DataFrame
    spaces: pd.DataFrame
    approximated: dict[str, str]


def evidence(
    experiment: Experiment,
    shown: Sequence[Representation],
    clusters: Mapping[tuple[str, int], np.ndarray],
    songs: pd.DataFrame,
    workers: Workers,
    terminal: Terminal,
) -> Evidence:
    """Takes every representation's K-Means clusters and its points, under every seed.

    Of more than `cluster.exact_songs` songs a sample is taken, since neighbours take time that
    grows with the square of their number.

    Args:
        experiment: whose seeds and limits are used.
        shown: own representations and baselines.
        clusters: K-Means cluster numbers of each, by name and seed.
        songs: table of the songs that were clustered.
        workers: share the work.
        terminal: for progress.
    """
    labels = {name: songs[name] for name in LABELS}
    marks_of = {one.name: marks(one, labels) for one in shown}
    places = [(one, i) for one in shown for i in range(len(experiment.seeds))]
    # The same points under every seed have the same neighbours.
    firsts = [(one, 0 if one.points[i] is one.points[0] else i) for one, i in places]
    distinct = list({(one.name, i): (one, i) for one, i in firsts}.values())
    chosen = sample_songs(len(songs), experiment.cluster.exact_songs, experiment.seeds[0])
    of_chosen = {name: values.iloc[chosen] for name, values in labels.items()}
    with terminal.progress("weighing", len(places) + len(distinct)) as advance:
        calls = [
            (clusters[one.name, experiment.seeds[i]][chosen], of_chosen, experiment.seeds[i])
            for one, i in places
        ]
        rows = []
        for (one, i), found in zip(
            places, workers.map(significance, calls, len(chosen)), strict=True
        ):
            about = _about(experiment, one, i)
            rows += [about | score._asdict() | marks_of[one.name] for score in found]
            advance()
        calls = [(one.points[i][chosen], of_chosen, experiment.seeds[i]) for one, i in distinct]
        spaces = {}
        for (one, i), found in zip(
            distinct, workers.map(space_scores, calls, len(chosen)), strict=True
        ):
            spaces[one.name, i] = found
            advance()
    space_rows = [
        _about(experiment, one, i) | spaces[first.name, j]._asdict() | marks_of[one.name]
        for (one, i), (first, j) in zip(places, firsts, strict=True)
    ]
    is_sampled = len(chosen) < len(songs)
    return Evidence(
        pd.DataFrame(rows, columns=[*_ABOUT, *Significance._fields, *MARKS]),
        pd.DataFrame(space_rows, columns=[*_ABOUT, *SpaceScores._fields, *MARKS]),
        dict.fromkeys(_TABLES, sample_text(len(chosen))) if is_sampled else {},
    )


_ABOUT = ("experiment", "seed", "representation", "role")

_TABLES = ("significance.csv", "spaces.csv")


def _about(experiment: Experiment, one: Representation, i: int) -> dict[str, object]:
    values = (experiment.name, experiment.seeds[i], one.name, one.role)
    return dict(zip(_ABOUT, values, strict=True))
