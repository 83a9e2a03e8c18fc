"""Kills a run at random moments, and shows that the same command afterwards ends as if it had not.

A run of easy_vae on a small demo set goes through once. Then, time and again, it is started in a
fresh folder, killed with SIGKILL (all its processes) at a random moment of a chosen stage, or while
a checkpoint is half-written, killed a second time in every other round, and started again with
nothing changed: it must end well, with the same metrics.csv byte for byte, and leave nothing behind
but what a run leaves.
usage: python benchmarks/kills.py [ROUNDS] [SEED]
"""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic, sleep

from musicvae_jax.songs.demo import write_demo

ROOT = Path(__file__).resolve().parent.parent
N_SONGS = 40
# Long enough for a checkpoint to be saved in the middle: that takes 10 seconds.
COMMAND = ["easy_vae", "--data.path", "songs.parquet", "--train.epochs", "4000", "--cluster.k", "5"]
FEATURES, SAVING = "features", "saving a checkpoint"
STAGES = (FEATURES, "training", SAVING, "clustering", "evidence", "figures")
# Stages too short to be met by the clock are waited for; about how long they take here.
SECONDS_OF = {FEATURES: 0.15, SAVING: 0.1}
OUTPUT = ("results", "checkpoints")
RESUMES = "training resumes from checkpoint"


def start(folder: Path) -> subprocess.Popen:
    """The command in a folder, as a group of processes of its own."""
    arguments = [sys.executable, "-m", "experiments.run", *COMMAND]
    # What its processes share would otherwise stay in memory when they are killed.
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JOBLIB_TEMP_FOLDER": str(folder)}
    with (folder / "output.txt").open("a") as output:
        return subprocess.Popen(
            arguments,
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def stage_of(folder: Path) -> str:
    """How far a run has come, by what it has written."""
    stages = list(folder.glob("results/easy_vae/.partial-*"))
    saved = list(folder.glob("checkpoints/.easy_vae-interrupted/members_*/*"))
    if (folder / "results/easy_vae/manifest.json").exists():
        return "ended before the kill"
    if any((stage / "metrics.csv").exists() for stage in stages):
        return "writing and figures"
    if any((stage / "checkpoint").exists() for stage in stages):
        return "clustering and evidence"
    if any("tmp" in path.name for path in saved):
        return SAVING
    if saved:
        return "training, with a checkpoint"
    if list(folder.glob("checkpoints/.easy_vae-interrupted")):
        return "training, without a checkpoint"
    if list(folder.glob("data/cache/mel-statistics-*")):
        return "between features and training"
    output = (folder / "output.txt").read_text()
    return FEATURES if output.rfind("songs: ") > output.rfind("features: ") else "start"


def kill(folder: Path, after: float, state: str | None = None) -> str:
    """Starts, kills after some seconds (once in a state, if one is given), and says where."""
    process = start(folder)
    while state and process.poll() is None and stage_of(folder) != state:
        sleep(0.005)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(after)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return stage_of(folder)


def leftovers(folder: Path) -> list[str]:
    """What a run that ended should have taken away."""
    hidden = [path for name in OUTPUT for path in (folder / name).rglob(".*")]
    return sorted(str(path.relative_to(folder)) for path in hidden)


def moments(
    seconds: dict[str, float], total: float, rng: random.Random, n: int
) -> list[tuple[float, str | None]]:
    """Seconds after the start, or after a state: the stages in turn, anywhere within each."""
    # What is in no stage is the start of the interpreter.
    first, starts = total - sum(seconds.values()), {}
    for stage, duration in seconds.items():
        starts[stage] = first
        first += duration
    chosen = [STAGES[i % len(STAGES)] for i in range(n)]
    return [
        (rng.random() * SECONDS_OF[stage], stage)
        if stage in SECONDS_OF
        else (starts[stage] + rng.random() * seconds[stage], None)
        for stage in chosen
    ]


def main(n_rounds: int, seed: int) -> int:
    """Prints every round and the counts; returns the exit code."""
    with tempfile.TemporaryDirectory() as scratch:
        reference = Path(scratch) / "reference"
        reference.mkdir()
        write_demo(reference / "songs.parquet", N_SONGS)
        began = monotonic()
        if start(reference).wait():
            print((reference / "output.txt").read_text())
            return 1
        total = monotonic() - began
        results = reference / "results" / "easy_vae"
        expected = (results / "metrics.csv").read_bytes()
        seconds = json.loads((results / "manifest.json").read_text())["seconds"]
        print(f"uninterrupted: {total:.1f} s, {seconds}")
        rng = random.Random(seed)
        where, resumed, failed = Counter(), 0, 0
        for number, moment in enumerate(moments(seconds, total, rng, n_rounds)):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            shutil.copy(reference / "songs.parquet", folder)
            kills = [kill(folder, *moment)]
            if number % 2:
                kills.append(kill(folder, rng.random() * total))
            code = start(folder).wait()
            found = folder / "results" / "easy_vae" / "metrics.csv"
            equal = code == 0 and found.read_bytes() == expected
            left = leftovers(folder)
            print(
                f"{number}: killed in {kills}; exit {code}, equal {equal}, left {left}", flush=True
            )
            where.update(kills)
            resumed += RESUMES in (folder / "output.txt").read_text()
            failed += not equal or bool(left)
            shutil.rmtree(folder)
        print(f"seed {seed}, {n_rounds} rounds, {sum(where.values())} kills: {dict(where)}")
        print(f"resumed from a checkpoint: {resumed}; failed: {failed}")
        return int(failed > 0)


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*numbers, *(20, 0)[len(numbers) :]))
