"""Trackers: they follow a run while it trains, and get what it has found.

`config.TRACKERS` lists them. None is imported unless a run asks for it.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import NamedTuple, Protocol

import numpy as np

from musicvae_jax.config import TRACKERS, Experiment, TrackerName, load_function
from musicvae_jax.config.naming import member_name

# A model of a sweep, or a fusion with its latents: the name of the representation, and the seed.
Followed = tuple[str, int]


class Outcome(NamedTuple):
    """What a finished run has found.

    Attributes:
        scores: scores under K-Means by name, for each of the experiment's own representations and
            seeds; undefined ones are left out. The name of a score that is no result says so:
            ami_genre_given if the representation was given the label, ami_genre_derivable if the
            label follows from what it was given.
        kl_nats: for each model the KL of its latent dimensions to the prior, `[dimensions]`, the
            mean over training songs; empty without a KL to the standard normal.
        pictures: the run's figures by name, `[height, width, 3]`, uint8; among them, for a model
            of mel spectrograms, reconstruction_examples.
        summary: the scores of all representations, with intervals and marks, as a Markdown table.
    """

    scores: Mapping[Followed, Mapping[str, float]]
    kl_nats: Mapping[Followed, np.ndarray]
    pictures: Mapping[str, np.ndarray]
    summary: str


class Tracker(Protocol):
    """What follows one run; made with its `Experiment`, which holds all settings.

    In a run of several processes, only the first one has a tracker. A run that resumes an
    interrupted training, or finds a finished one, reports all of its epochs again.
    """

    def on_epochs(self, epoch: int, metrics: Mapping[str, np.ndarray]) -> None:
        """Takes an epoch that all models of the sweep have trained.

        Args:
            epoch: its number, from 0; each comes once, in order, from any thread.
            metrics: losses in nats and active units under the names of history.csv, each
                `[members]` in the order of `followed`.
        """

    def on_outcome(self, outcome: Outcome) -> None:
        """Takes what the run has found, once its results are in place; not called for a run that
        fails.
        """

    def close(self) -> None:
        """Called last, whether the run has finished, failed or been interrupted."""


def followed(experiment: Experiment) -> list[Followed]:
    """The models of a sweep, in the order of the metrics that a tracker gets."""
    return [(member_name(experiment, member), member.seed) for member in experiment.members]


@contextmanager
def open_tracker(name: TrackerName | None, experiment: Experiment) -> Iterator[Tracker | None]:
    """The tracker with a name, closed after the block; None for no name."""
    if name is None:
        yield None
        return
    with closing(load_function(f"tracking.{TRACKERS[name].tracker}")(experiment)) as tracker:
        yield tracker
