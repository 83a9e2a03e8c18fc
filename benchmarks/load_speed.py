"""Features of a 4MuLA-shaped file: the streaming loader against pandas.read_parquet and NumPy.

Both sides run in fresh processes, in turn, so that a drift of the machine hits both. Prints a
table and one JSON line. usage: python benchmarks/load_speed.py [N_SONGS]
"""

import json
import multiprocessing
import os
import resource
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from musicvae_jax.config import FeatureConfig
from musicvae_jax.features import extract_features, mel_db, mel_statistics
from musicvae_jax.songs import MEL_BANDS, load_songs

FRAMES = 1292
ROUNDS = 3


def write_songs(path: Path, n_songs: int) -> None:
    """Random float64 power in one row group, as pandas writes 4MuLA."""
    rng = np.random.default_rng(0)
    values = pa.array(rng.exponential(size=n_songs * MEL_BANDS * FRAMES))
    bands = pa.ListArray.from_arrays(
        np.arange(n_songs * MEL_BANDS + 1, dtype=np.int32) * FRAMES, values
    )
    mels = pa.ListArray.from_arrays(np.arange(n_songs + 1, dtype=np.int32) * MEL_BANDS, bands)
    ids = [f"song {i}" for i in range(n_songs)]
    pq.write_table(pa.table({"music_id": ids, "melspectrogram": mels}), path)


def streaming(path: Path) -> np.ndarray:
    with tempfile.TemporaryDirectory() as cache:
        return extract_features(load_songs(path), FeatureConfig(cache_dir=Path(cache))).values


def pandas_and_numpy(path: Path) -> np.ndarray:
    import pandas as pd

    mels = pd.read_parquet(path)["melspectrogram"]
    return np.array(
        [mel_statistics(mel_db(np.stack(mel).astype(np.float32), 80.0)) for mel in mels]
    )


def measure(function, path: Path, answer) -> None:
    start = perf_counter()
    features = function(path)
    seconds = perf_counter() - start
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer.send((seconds, peak_kb / 1024, float(features.sum(dtype=np.float64))))


def main(n_songs: int) -> None:
    spawn = multiprocessing.get_context("spawn")
    sides = {"streaming": streaming, "pandas + NumPy": pandas_and_numpy}
    found = {name: [] for name in sides}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "songs.parquet"
        # In a process of its own: on Linux a child starts with its parent's peak memory.
        writer = spawn.Process(target=write_songs, args=(path, n_songs))
        writer.start()
        writer.join()
        for _ in range(ROUNDS):
            for name, function in sides.items():
                ours, theirs = spawn.Pipe(duplex=False)
                process = spawn.Process(target=measure, args=(function, path, theirs))
                process.start()
                found[name].append(ours.recv())
                process.join()
    sums = {round(total, 1) for runs in found.values() for *_, total in runs}
    if len(sums) > 1:
        raise SystemExit(f"the two sides disagree: feature sums {sorted(sums)}")
    summary = {
        name: {"seconds": median(r[0] for r in runs), "peak_mb": median(r[1] for r in runs)}
        for name, runs in found.items()
    }
    print(f"{n_songs} songs, float64, {os.cpu_count()} cores, median of {ROUNDS}")
    for name, row in summary.items():
        print(f"{name:15} {row['seconds']:7.2f} s {row['peak_mb']:8.0f} MB peak with file pages")
    print(json.dumps({"n_songs": n_songs, "cores": os.cpu_count(), **summary}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
