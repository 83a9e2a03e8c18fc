"""Clusters every representation with every clusterer and scores what comes out."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.clustering import (
    KCurves,
    choose_k,
    k_curves,
    sample_text,
    sampled_silhouettes,
)
from musicvae_jax.config import ClusterConfig, Clusterer, Experiment
from musicvae_jax.evaluation import Evaluated, evaluate
from musicvae_jax.pipeline.listing import Representation
from musicvae_jax.pipeline.marks import marks
from musicvae_jax.pipeline.stability import with_stability
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.runtime.workers import Workers
from musicvae_jax.songs import LABELS

# These draw nothing, unless songs are too many: the same points give the same clusters under every
# seed.
_SEEDLESS = ("agglomerative", "dbscan")


class Clustered(NamedTuple):
    """What clustering made of the representations.

    Attributes:
        chosen_k: number of clusters of every clusterer that is told one.
        curves: K-Means over k, by name and seed of the own representations.
        clusters: K-Means cluster numbers, by name and seed of all representations.
        metrics: the rows of metrics.csv.
        approximated: how, by clusterer or score; empty where songs are few enough.
    """

    chosen_k: int
    curves: dict[tuple[str, int], KCurves]
    clusters: dict[tuple[str, int], np.ndarray]
    metrics: pd.DataFrame
    approximated: dict[str, str]


class _Task(NamedTuple):
    """One clustering: which points (of which seed), by what."""

    name: str
    seed: int
    method: Clusterer


def cluster(
    experiment: Experiment,
    shown: list[Representation],
    songs: pd.DataFrame,
    shared: np.ndarray,
    workers: Workers,
    terminal: Terminal,
) -> Clustered:
    """Every clusterer on every own representation and seed, all at one k.

    Scores at different k do not compare, so k is chosen once, on the first representation.
    Baselines are clustered by K-Means alone: each is some other experiment's own.

    Args:
        experiment: whose cluster settings and seeds are used.
        shown: own representations first.
        songs: table of the songs that are clustered.
        shared: points of the songs in a space that all experiments have in common, in which
            internal scores compare.
        workers: share the clusterings.
        terminal: for progress and notices.
    """
    config, seeds, n_songs = experiment.cluster, experiment.seeds, len(songs)
    labels = {name: songs[name] for name in LABELS}
    points = {
        (one.name, seed): x for one in shown for seed, x in zip(seeds, one.points, strict=True)
    }
    own = [(one.name, seed) for one in shown if one.role == "own" for seed in seeds]
    tasks = _tasks(experiment, shown)
    seedless = _SEEDLESS if n_songs <= config.exact_songs else ()
    sources = [_source(task, points, seeds, seedless) for task in tasks]
    distinct = list(dict.fromkeys(sources))
    with terminal.progress("clustering", len(own) + len(distinct)) as advance:
        calls = [(points[place], config, place[1]) for place in own]
        curves = {}
        for place, of_place in zip(own, workers.map(k_curves, calls, n_songs), strict=True):
            curves[place] = of_place
            advance()
        deciding = {place: curves[place] for place in own if place[0] == shown[0].name}
        if config.k is None and config.choose_k == "stability":
            deciding = with_stability(deciding, points, config, workers)
            curves |= deciding
        k = choose_k(list(deciding.values()), config)
        calls = [
            (one.method, points[one.name, one.seed], k, one.seed, config, labels, shared)
            for one in distinct
        ]
        found = {}
        for task, result in zip(distinct, workers.map(evaluate, calls, n_songs), strict=True):
            found[task] = result
            advance()
    results = {task: found[source] for task, source in zip(tasks, sources, strict=True)}
    for name, note in dict.fromkeys(
        (task.name, result.clustering.note) for task, result in results.items()
    ):
        if note:
            terminal.notice(f"{name}: {note}")
    clusters = {place: results[_Task(*place, "kmeans")].clustering.labels for place in points}
    metrics = _metrics(experiment, shown, labels, results)
    return Clustered(k, curves, clusters, metrics, _approximated(results, config, n_songs))


def _tasks(experiment: Experiment, shown: list[Representation]) -> list[_Task]:
    """In the order of the rows of metrics.csv."""
    return [
        _Task(one.name, seed, method)
        for one in shown
        for seed in experiment.seeds
        for method in (experiment.cluster.methods if one.role == "own" else ("kmeans",))
    ]


def _source(
    task: _Task,
    points: dict[tuple[str, int], np.ndarray],
    seeds: tuple[int, ...],
    seedless: Sequence[Clusterer],
) -> _Task:
    """The task whose result this one has too: that of the first seed, if seeds change nothing."""
    same_points = points[task.name, task.seed] is points[task.name, seeds[0]]
    is_repeated = task.method in seedless and same_points
    return task._replace(seed=seeds[0]) if is_repeated else task


def _approximated(
    results: dict[_Task, Evaluated], config: ClusterConfig, n_songs: int
) -> dict[str, str]:
    found = {
        task.method: result.clustering.approximation
        for task, result in results.items()
        if result.clustering.approximation
    }
    if n_songs > config.exact_songs:
        sample = sample_text(sampled_silhouettes(config.exact_songs))
        found["silhouette"] = f"{sample}, each against all"
    return found


def _metrics(
    experiment: Experiment,
    shown: list[Representation],
    labels: Mapping[str, pd.Series],
    results: dict[_Task, Evaluated],
) -> pd.DataFrame:
    """One row per clustering, and for a clusterer that leaves noise a second one without it."""
    by_name = {one.name: one for one in shown}
    marks_of = {one.name: marks(one, labels) for one in shown}
    return pd.DataFrame(
        {
            "experiment": experiment.name,
            "seed": task.seed,
            "representation": task.name,
            "role": by_name[task.name].role,
            "clusterer": task.method,
            "scope": scope,
            **scores,
            **marks_of[task.name],
        }
        for task, result in results.items()
        for scope, scores in result.scores.items()
    )
