"""Features of 4MuLA-shaped files: the streaming loader, Arrow's decode alone, pandas and NumPy.

All run in fresh processes, in turn, so that a drift of the machine hits each of them, and find the
file in memory: pandas takes so much that the system drops its pages. Arrow's decode of the mel
column, in blocks of 8 songs of which nothing is kept, is the least that any loader takes. Peak
anonymous memory leaves out the file's pages.
usage: python benchmarks/load_speed.py [N_SONGS | FILE.parquet ...] [--rounds N]
"""

import argparse
import multiprocessing
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from musicvae_jax.config import FeatureConfig
from musicvae_jax.features import extract_features, mel_db, mel_statistics
from musicvae_jax.songs import MEL_BANDS, load_songs

FRAMES = 1292


class Run(NamedTuple):
    """Wall and processor time of a run, its peak memory, and a sum of what it made."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    total: float


def write_songs(path: Path, n_songs: int) -> None:
    """Random float32 power as float64 in one row group, as pandas writes 4MuLA."""
    rng = np.random.default_rng(0)
    power = rng.exponential(size=n_songs * MEL_BANDS * FRAMES).astype(np.float32)
    bands = pa.ListArray.from_arrays(
        np.arange(n_songs * MEL_BANDS + 1, dtype=np.int32) * FRAMES, pa.array(power, pa.float64())
    )
    mels = pa.ListArray.from_arrays(np.arange(n_songs + 1, dtype=np.int32) * MEL_BANDS, bands)
    ids = [f"song {i}" for i in range(n_songs)]
    pq.write_table(pa.table({"music_id": ids, "melspectrogram": mels}), path)


def streaming(path: Path) -> float:
    with tempfile.TemporaryDirectory() as cache:
        found = extract_features(load_songs(path), FeatureConfig(cache_dir=Path(cache)))
    return float(found.values.sum(dtype=np.float64))


def arrow_alone(path: Path) -> float:
    with pq.ParquetFile(path, memory_map=True) as file:
        for _ in file.iter_batches(batch_size=8, columns=["melspectrogram"]):
            pass
    return np.nan


def pandas_and_numpy(path: Path) -> float:
    import pandas as pd

    mels = pd.read_parquet(path)["melspectrogram"]
    values = [mel_statistics(mel_db(np.stack(mel).astype(np.float32), 80.0)) for mel in mels]
    return float(np.array(values).sum(dtype=np.float64))


SIDES: dict[str, Callable[[Path], float]] = {
    "streaming": streaming,
    "Arrow's decode alone": arrow_alone,
    "pandas.read_parquet + NumPy": pandas_and_numpy,
}


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


def measure(name: str, path: Path, answer: Any) -> None:
    """Sends the `Run` of one side in this process."""
    memory = PeakMemory()
    memory.start()
    start, cpu_start = perf_counter(), process_time()
    total = SIDES[name](path)
    seconds, cpu_seconds = perf_counter() - start, process_time() - cpu_start
    memory.done.set()
    memory.join()
    answer.send(Run(seconds, cpu_seconds, memory.megabytes, total))


def read_into_memory(path: Path) -> None:
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 24):
            pass


def in_a_process(name: str, path: Path) -> Run:
    read_into_memory(path)
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=measure, args=(name, path, theirs))
    process.start()
    run = ours.recv()
    process.join()
    return run


def compare(path: Path, n_rounds: int) -> None:
    """Prints the table of one file."""
    rounds = [{name: in_a_process(name, path) for name in SIDES} for _ in range(n_rounds)]
    sums = {round(run.total, 1) for of_round in rounds for run in of_round.values()}
    if len({one for one in sums if not np.isnan(one)}) > 1:
        raise SystemExit(f"the loaders disagree: feature sums {sorted(sums)}")
    n_songs, n_mb = pq.ParquetFile(path).metadata.num_rows, path.stat().st_size / 2**20
    cores = len(os.sched_getaffinity(0))
    print(f"\n{n_songs:,} songs, {n_mb:,.0f} MB, {cores} cores, medians of {n_rounds} rounds\n")
    print("| loader | seconds | of processor | times Arrow's decode | peak anonymous memory |")
    print("|---|---|---|---|---|")
    for name in SIDES:
        seconds, cpu, peak = (
            median(getattr(one[name], field) for one in rounds)
            for field in ("seconds", "cpu_seconds", "peak_mb")
        )
        # Of one round, since the speed of a shared machine drifts between rounds.
        ratio = median(one[name].seconds / one["Arrow's decode alone"].seconds for one in rounds)
        print(f"| {name} | {seconds:.2f} | {cpu:.2f} | {ratio:.2f} | {peak:,.0f} MB |")
    name = "pandas.read_parquet + NumPy"
    ratio = median(one[name].seconds / one["streaming"].seconds for one in rounds)
    print(f"\n{ratio:.2f} times as fast as pandas", flush=True)


def main() -> None:
    """Prints a table for each size or file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("songs", nargs="*", default=["300"], help="numbers of songs, or files")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for source in arguments.songs:
            path = Path(source)
            if source.isdecimal():
                path = Path(folder) / f"{source}.parquet"
                write_songs(path, int(source))
            compare(path, arguments.rounds)


if __name__ == "__main__":
    main()
