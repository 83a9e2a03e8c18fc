"""Small runs with clusters that new songs can join."""

import pandas as pd
from tinyruns import run_experiment, tiny


def run(name, song_path, **changes):
    changes.setdefault("cluster", {"k": 3})
    return run_experiment(tiny(name, song_path, **changes))


def clusters_of(results, representation, seed=0):
    """The K-Means clusters in a results folder, by music_id."""
    latents = pd.read_parquet(results / "latents.parquet")
    rows = latents.query("representation == @representation and seed == @seed")
    return rows.set_index("music_id")["cluster"]
