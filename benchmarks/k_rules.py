"""Which rule for the number of clusters agrees best with the genres of songs.

For each song file and representation: the k that each rule picks from 2 to 20, one seed at a time,
as a run of one seed does; the genre AMI and ARI of K-Means at that k; and the regret, by how much
the AMI at the best of these k is higher. Two more are no rules of the library: the gap statistic,
and always ten. To take minutes, K-Means has three restarts, and the rules that resample are left
out above 64 dimensions.
usage: python benchmarks/k_rules.py SONGS [SONGS ...]
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
import pandas as pd

import musicvae_jax as mv
from musicvae_jax.clustering import KCurves, choose_k, k_curves, kmeans
from musicvae_jax.config import K_RULES, ClusterConfig
from musicvae_jax.evaluation import external_scores
from musicvae_jax.pipeline.choosing_k import with_measured
from musicvae_jax.registry import EXPERIMENTS
from musicvae_jax.songs import Songs

_CONFIG = ClusterConfig(restarts=3)
_EXPERIMENTS = ("easy_spectral", "easy_pca", "easy_whitened_pca", "easy_vae", "hard_mfa")
_SEEDS = (0, 1, 2)
_ALWAYS = 10
_REFERENCES = 5
_MOST_RESAMPLED = 64


class Points(NamedTuple):
    """One representation under one seed: points `[songs, dimensions]`, and the songs' genres."""

    representation: str
    seed: int
    x: np.ndarray
    genres: pd.Series


def points_of(songs: Songs, name: str) -> list[Points]:
    """Of the first representation of a named experiment, for the songs that it knows."""
    experiment = EXPERIMENTS[name].experiment
    seeds = _SEEDS if experiment.model.traits.trained else _SEEDS[:1]
    latents = mv.fit(experiment, songs, seeds=seeds, quiet=True).encode(songs)
    genres = songs.table.drop_duplicates("music_id").set_index("music_id")["genre"]
    known = genres.loc[latents.songs[latents.known]].reset_index(drop=True)
    return [
        Points(latents.name, seed, latents.of_seed(place)[latents.known], known)
        for place, seed in enumerate(seeds)
    ]


def gap_k(points: Points, curves: KCurves) -> int:
    """The first k whose gap is within a standard error of the next one's.

    The references are uniform in the box of the principal components: Tibshirani, Walther and
    Hastie, Estimating the Number of Clusters in a Data Set via the Gap Statistic, 2001.
    """
    random, centred = np.random.default_rng(points.seed), points.x - points.x.mean(axis=0)
    axes = centred @ np.linalg.svd(centred, full_matrices=False)[2].T
    boxes = random.uniform(axes.min(axis=0), axes.max(axis=0), (_REFERENCES, *axes.shape))
    once = replace(_CONFIG, restarts=1)
    logs = np.log([k_curves(box.astype(np.float32), once, points.seed).inertia for box in boxes])
    gaps = logs.mean(axis=0) - np.log(curves.inertia)
    errors = logs.std(axis=0) * np.sqrt(1 + 1 / _REFERENCES)
    enough = np.flatnonzero(gaps[:-1] >= gaps[1:] - errors[1:])
    return int(curves.k[enough[0] if len(enough) else -1])


def choices(points: Points, curves: KCurves) -> dict[str, tuple[int, float]]:
    """By rule: the k it picks, and the seconds that takes beyond the curves of K-Means."""

    def by(rule: str) -> int:
        config = replace(_CONFIG, choose_k=rule)
        return choose_k(with_measured([curves], [points.x], [points.seed], config), config)

    is_large = points.x.shape[1] > _MOST_RESAMPLED
    rules: dict[str, Callable[[], int]] = {
        rule: lambda rule=rule: by(rule)
        for rule, traits in K_RULES.items()
        if not (traits.measure and is_large)
    }
    rules |= {"gap": lambda: gap_k(points, curves), "always 10": lambda: _ALWAYS}
    found = {}
    for rule, choose in rules.items():
        start = perf_counter()
        found[rule] = (choose(), perf_counter() - start)
    return found


def measured(points: Points) -> list[dict[str, object]]:
    """One row per rule."""
    curves = k_curves(points.x, _CONFIG, points.seed)
    labels = {"genre": points.genres}
    scores = {
        int(k): external_scores(kmeans(points.x, k, points.seed, _CONFIG).labels, labels)
        for k in curves.k
    }
    best = max(scores, key=lambda k: scores[k]["ami_genre"])
    return [
        {
            "representation": points.representation,
            "rule": rule,
            "k": str(k),
            "AMI": scores[k]["ami_genre"],
            "ARI": scores[k]["ari_genre"],
            "best k": str(best),
            "best AMI": scores[best]["ami_genre"],
            "regret": scores[best]["ami_genre"] - scores[k]["ami_genre"],
            "seconds": seconds,
        }
        for rule, (k, seconds) in choices(points, curves).items()
    ]


def main(paths: list[Path]) -> None:
    numbers = ("AMI", "ARI", "best AMI", "regret", "seconds")
    over_seeds = {"k": " ".join, "best k": " ".join} | dict.fromkeys(numbers, "mean")
    everything = []
    for path in paths:
        songs = mv.load_songs(path)
        for name in _EXPERIMENTS:
            rows = [row for points in points_of(songs, name) for row in measured(points)]
            table = pd.DataFrame(rows).assign(songs=path.stem)
            everything.append(table)
            by_rule = table.groupby(["songs", "representation", "rule"], sort=False)
            print(by_rule.agg(over_seeds).round(3).to_string(), flush=True)
    by_rule = pd.concat(everything).groupby(["songs", "rule"], sort=False)
    print(by_rule["regret"].agg(["mean", "max"]).round(3).unstack("songs").to_string())
    print(by_rule["AMI"].mean().round(3).unstack("songs").to_string())


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
