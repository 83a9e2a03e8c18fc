"""The evidence for another clusterer of a finished run, as a run gives it for K-Means.

Clusters the run's first representation again, under the run's seeds and k, and prints the row of
docs/results.md: genre AMI with interval and chance, and language AMI.
usage: python benchmarks/clusterer_evidence.py RESULTS_DIR/EXPERIMENT CLUSTERER
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from musicvae_jax.clustering import find_clusterer
from musicvae_jax.config import Experiment, from_json
from musicvae_jax.evaluation import significance
from musicvae_jax.songs import LABELS


def main(folder: Path, method: str) -> None:
    experiment = from_json(Experiment, json.loads((folder / "config.json").read_text()))
    metrics = pd.read_csv(folder / "metrics.csv")
    kmeans = metrics[metrics["clusterer"] == "kmeans"]
    latents = pd.read_parquet(folder / "latents.parquet")
    name = latents["representation"].iloc[0]
    rows, languages = [], []
    for seed in experiment.seeds:
        songs = latents[(latents["representation"] == name) & (latents["seed"] == seed)]
        points = np.ascontiguousarray(songs.filter(like="latent_").dropna(axis=1).to_numpy())
        k = int(kmeans.loc[kmeans["seed"] == seed, "n_clusters"].iloc[0])
        clusters = find_clusterer(method)(points, k, seed, experiment.cluster).labels
        labels = {label: songs[label].reset_index(drop=True) for label in LABELS}
        found = pd.DataFrame(significance(clusters, labels, seed))
        ami = found[found["score"] == "ami"].set_index("label")
        rows.append(ami.loc["genre"])
        languages.append(ami.loc["language", "value"])
    genre = pd.DataFrame(rows)
    value, language = genre["value"].astype(float), pd.Series(languages)
    cells = (
        *(experiment.name, f"{name}, {method}", str(len(songs))),
        f"{value.mean():.3f} ±{value.std():.3f}",
        f"{genre['low'].mean():.2f} to {genre['high'].mean():.2f}",
        *(f"{genre['null_high'].mean():.3f}", f"{len(value)} seeds"),
        f"{language.mean():.3f} ±{language.std():.3f}",
    )
    print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
