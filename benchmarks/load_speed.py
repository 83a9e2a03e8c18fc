"""Features of a 4MuLA-shaped file: the streaming loader against pandas.read_parquet and NumPy.

Both sides run in fresh processes, in turn, so that a drift of the machine hits both. Prints a
table and one JSON line. Peak anonymous memory leaves out the file's own pages, which the system
drops when it needs room. usage: python benchmarks/load_speed.py [N_SONGS | FILE.parquet [ROUNDS]]
"""

import json
import multiprocessing
import os
import sys
import tempfile
import threading
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


class PeakMemory(threading.Thread):
    """Looks at the process's anonymous memory twenty times a second (Linux)."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.megabytes = 0.0
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.05):
            status = Path("/proc/self/status").read_text()
            (line,) = [line for line in status.splitlines() if line.startswith("RssAnon")]
            self.megabytes = max(self.megabytes, int(line.split()[1]) / 1024)


def measure(function, path: Path, answer) -> None:
    memory = PeakMemory()
    memory.start()
    start = perf_counter()
    features = function(path)
    seconds = perf_counter() - start
    memory.done.set()
    memory.join()
    answer.send((seconds, memory.megabytes, float(features.sum(dtype=np.float64))))


def main(source: str, n_rounds: int) -> None:
    spawn = multiprocessing.get_context("spawn")
    sides = {"streaming": streaming, "pandas + NumPy": pandas_and_numpy}
    found = {name: [] for name in sides}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(source)
        if source.isdecimal():
            path = Path(folder) / "songs.parquet"
            write_songs(path, int(source))
        n_songs, n_mb = pq.ParquetFile(path).metadata.num_rows, path.stat().st_size / 2**20
        for _ in range(n_rounds):
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
    print(f"{n_songs} songs, {n_mb:.0f} MB, {os.cpu_count()} cores, median of {n_rounds}")
    for name, row in summary.items():
        print(f"{name:15} {row['seconds']:7.2f} s {row['peak_mb']:8.0f} MB peak anonymous memory")
    ratio = summary["pandas + NumPy"]["seconds"] / summary["streaming"]["seconds"]
    print(f"pandas + NumPy takes {ratio:.1f} times as long")
    print(json.dumps({"n_songs": n_songs, "cores": os.cpu_count(), "ratio": ratio, **summary}))


if __name__ == "__main__":
    arguments = [*sys.argv[1:], *("300", "3")[len(sys.argv) - 1 :]]
    main(arguments[0], int(arguments[1]))
