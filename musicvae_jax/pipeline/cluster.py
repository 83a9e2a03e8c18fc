"""Clusters every representation with every clusterer and scores the clusters."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.clustering import (
    KCurves,
    choose_k,
    k_curves,
    sample_text,
    sampled_silhouettes,
)
from musicvae_jax.config import CLUSTERERS, ClusterConfig, Clusterer
from musicvae_jax.evaluation import Evaluated, evaluate
from musicvae_jax.pipeline.choosing_k import is_measured, with_measured
from musicvae_jax.pipeline.listing import Listing, marks
from musicvae_jax.pipeline.stages import Stages
from musicvae_jax.representations import Representation
from musicvae_jax.runtime.terminal import Terminal

# The least that a rule for k clusters for each k and seed.
_SUBSETS = 8


class Clustered(NamedTuple):
    """The clusters of all representations and their scores.

    Attributes:
        chosen_k: number of clusters for every clusterer that takes one.
        curves: K-Means over k, by name and seed of the own representations.
        clusters: K-Means cluster numbers, by name and seed of all representations.
        centres: the centres of these clusters, `[clusters, dimensions]`; None where there are none.
        metrics: the rows of metrics.csv.
        approximated: how each approximate clusterer or score was computed, by name.
    """

    chosen_k: int
    curves: dict[tuple[str, int], KCurves]
    clusters: dict[tuple[str, int], np.ndarray]
    centres: dict[tuple[str, int], np.ndarray | None]
    metrics: pd.DataFrame
    approximated: dict[str, str]


class _Task(NamedTuple):
    """One clustering: the representation, the seed and the clusterer."""

    name: str
    seed: int
    method: Clusterer


def start_clustering(
    name: str, listing: Listing, config: ClusterConfig, stages: Stages, terminal: Terminal
) -> Callable[[], Clustered]:
    """Runs every clusterer on every own representation and seed, all at one k.

    Starts the work, and returns a function that waits for it.

    Scores at different k cannot be compared, so k is chosen once, on the first representation.
    Baselines are clustered by K-Means only: each is another experiment's own representation.

    Args:
        name: name of the experiment.
        listing: its representations.
        config: its clusterers.
        stages: runs the clusterings, or finds them in the cache.
        terminal: for progress and notices.
    """
    n_songs = len(listing.songs)
    points = _points(listing)
    own = [(one.name, seed) for one in listing.own for seed in listing.seeds]
    tasks = _tasks(listing, config)

    def start(k: int) -> Iterator[Evaluated]:
        calls = [_call(task, listing, points, k, config) for task in tasks]
        return stages.map("clustering", evaluate, calls, n_songs)

    calls = [(points[place], config, place[1]) for place in own]
    found = stages.map("k curves", k_curves, calls, n_songs)
    # A fixed k need not wait for the curves.
    evaluated = start(config.k) if config.k else None

    def measure(
        function: Callable[..., float], calls: Sequence[tuple[Any, ...]]
    ) -> Iterator[float]:
        return stages.map("choice of k", function, calls, _SUBSETS * n_songs)

    def finish() -> Clustered:
        curves, results = {}, {}
        with terminal.progress("clustering", len(own) + len(tasks)) as advance:
            for place, of_place in zip(own, found, strict=True):
                curves[place] = of_place
                advance()
            deciding = [(listing.own[0].name, seed) for seed in listing.seeds]
            measured = with_measured(
                [curves[place] for place in deciding],
                [points[place] for place in deciding],
                listing.seeds,
                config,
                measure,
            )
            curves.update(zip(deciding, measured, strict=True))
            k = choose_k(measured, config)
            for task, result in zip(tasks, evaluated or start(k), strict=True):
                results[task] = result
                advance()
        _notice_notes(results, terminal)
        found_by_kmeans = {place: results[_Task(*place, "kmeans")].clustering for place in points}
        clusters = {place: one.labels for place, one in found_by_kmeans.items()}
        centres = {place: one.centres for place, one in found_by_kmeans.items()}
        metrics = _metrics(name, listing, results)
        approximated = _approximated(results, config, n_songs)
        return Clustered(k, curves, clusters, centres, metrics, approximated)

    return finish


def _notice_notes(results: dict[_Task, Evaluated], terminal: Terminal) -> None:
    for task_name, note in dict.fromkeys(
        (task.name, result.clustering.note) for task, result in results.items()
    ):
        if note:
            terminal.notice(f"{task_name}: {note}")


def _tasks(listing: Listing, config: ClusterConfig) -> list[_Task]:
    """The clusterings in the order of the rows of metrics.csv."""
    own = [
        _Task(one.name, s, m) for one in listing.own for s in listing.seeds for m in config.methods
    ]
    others = [_Task(one.name, s, "kmeans") for one in listing.baselines for s in listing.seeds]
    return own + others


def _points(listing: Listing) -> dict[tuple[str, int], np.ndarray]:
    """Points by name and seed, with the shared ones; the same array wherever they are the same.

    Every array object is hashed, and copied for the workers, by itself.
    """
    found: dict[tuple[str, int], np.ndarray] = {}
    shared = listing.shared
    for one, place, seed in [*listing.places(), (shared, 0, listing.seeds[0])]:
        is_known = len(one.points) == 1 and (one.name, listing.seeds[0]) in found
        points = found[one.name, listing.seeds[0]] if is_known else one.of_seed(place)
        found.setdefault((one.name, seed), points)
    return found


def _call(
    task: _Task,
    listing: Listing,
    points: dict[tuple[str, int], np.ndarray],
    k: int,
    config: ClusterConfig,
) -> tuple[Any, ...]:
    """The arguments of `evaluate`; they are equal for calls with the same result."""
    is_sampled = len(listing.songs) > config.exact_songs
    draws = CLUSTERERS[task.method].draws or is_sampled
    seed = task.seed if draws else listing.seeds[0]
    shared = points[listing.shared.name, listing.seeds[0]]
    return (task.method, points[task.name, task.seed], k, seed, config, listing.labels, shared)


def _approximated(
    results: dict[_Task, Evaluated], config: ClusterConfig, n_songs: int
) -> dict[str, str]:
    found: dict[str, str] = {
        task.method: result.clustering.approximation
        for task, result in results.items()
        if result.clustering.approximation
    }
    if n_songs > config.exact_songs:
        sample = sample_text(sampled_silhouettes(config.exact_songs))
        found["silhouette"] = f"{sample}, each against all"
        if is_measured(config):
            found[config.choose_k] = sample_text(config.exact_songs)
    return found


def _metrics(name: str, listing: Listing, results: dict[_Task, Evaluated]) -> pd.DataFrame:
    """One row per clustering, and a second row without noise if the clusterer leaves noise."""
    by_name: dict[str, Representation] = {one.name: one for one in listing.everything}
    marks_of = {one.name: marks(one, listing.labels) for one in listing.everything}
    return pd.DataFrame(
        {
            "experiment": name,
            "seed": task.seed,
            "representation": task.name,
            "role": listing.role(by_name[task.name]),
            "clusterer": task.method,
            "scope": scope,
            **scores,
            **marks_of[task.name],
        }
        for task, result in results.items()
        for scope, scores in result.scores.items()
    )
