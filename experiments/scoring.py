"""Clusters every representation with every clusterer and scores what comes out."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from experiments.representations import Representation
from experiments.tables import LABELS
from experiments.terminal import Terminal
from musicvae_jax.clustering import CLUSTERERS, Clustering, KCurves, choose_k, k_curves
from musicvae_jax.config import Experiment
from musicvae_jax.evaluation import score_clustering

# These draw nothing: the same points give the same clusters under every seed.
_SEEDLESS = ("agglomerative", "dbscan")


class Clustered(NamedTuple):
    """What clustering made of the representations.

    Attributes:
        chosen_k: number of clusters of every clusterer that is told one.
        curves: K-Means over k, by name and seed of the own representations.
        clusters: K-Means cluster numbers, by name and seed of the own representations.
        metrics: the rows of metrics.csv.
    """

    chosen_k: int
    curves: dict[tuple[str, int], KCurves]
    clusters: dict[tuple[str, int], np.ndarray]
    metrics: pd.DataFrame


def cluster(
    experiment: Experiment,
    shown: list[Representation],
    songs: pd.DataFrame,
    terminal: Terminal,
) -> Clustered:
    """Every clusterer on every own representation and seed, all at one k.

    Scores at different k do not compare, so k is chosen once, on the first representation.
    Baselines are clustered by K-Means alone: each is some other experiment's own.

    Args:
        experiment: whose cluster settings and seeds are used.
        shown: own representations first.
        songs: table of the songs that are clustered.
        terminal: for progress and notices.
    """
    config, seeds = experiment.cluster, experiment.seeds
    own = [one for one in shown if one.role == "own"]
    labels = {name: songs[name] for name in LABELS}
    total = len(seeds) * (len(own) * len(config.methods) + len(shown))
    with terminal.progress("clustering", total) as advance:
        curves = {}
        for one in own:
            for seed, points in zip(seeds, one.points, strict=True):
                curves[one.name, seed] = k_curves(points, config, seed)
                advance()
        k = choose_k([curves[own[0].name, seed] for seed in seeds], config)
        clusters, rows, notes, unchanged = {}, [], {}, {}
        for one in shown:
            for seed, points in zip(seeds, one.points, strict=True):
                for method in config.methods if one.role == "own" else ("kmeans",):
                    if method in _SEEDLESS and seed != seeds[0] and points is one.points[0]:
                        found = unchanged[method]
                    else:
                        found = CLUSTERERS[method](points, k, seed, config)
                        unchanged[method] = found
                    rows += _score_rows(experiment, one, seed, method, points, found, labels)
                    if found.note:
                        notes[one.name, method] = found.note
                    if method == "kmeans" and one.role == "own":
                        clusters[one.name, seed] = found.labels
                    advance()
    for (name, _), note in notes.items():
        terminal.notice(f"{name}: {note}")
    return Clustered(k, curves, clusters, pd.DataFrame(rows))


def _score_rows(
    experiment: Experiment,
    one: Representation,
    seed: int,
    method: str,
    points: np.ndarray,
    found: Clustering,
    labels: dict[str, pd.Series],
) -> list[dict]:
    """One row, and for a clusterer that leaves noise a second one without it."""
    return [
        {
            "experiment": experiment.name,
            "seed": seed,
            "representation": one.name,
            "role": one.role,
            "clusterer": method,
            "scope": scope,
            **score_clustering(points, found.labels, labels, scope),
            "labels_seen": " ".join(one.labels_seen),
        }
        for scope in (("all", "clustered") if method == "dbscan" else ("all",))
    ]
