"""Every named experiment as a command on this machine's devices, compared with the CPU.

First `hard_cvae` as anyone types it: in an empty folder, again with another beta, and again
unchanged. Then each experiment on a small demo set for a few epochs, once with the default devices
and once on the CPU, several commands at a time, each in a folder of its own. Convolutional models
have the architecture "patch" in both, since an ordinary convolution is very slow on a CPU; one more
command shows that the default runs. Exits with 1 if a command fails or disagrees.
usage: python benchmarks/device_commands.py [NAME ...] [--songs 120] [--epochs 3] [--at-once 4]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import apart
import pandas as pd

from musicvae_jax.registry import EXPERIMENTS

ROOT = Path(__file__).resolve().parent.parent
TYPED = "hard_cvae"
ON_CPU = {"JAX_PLATFORMS": "cpu"}
# Of matrix products here; a CPU's default is full float32.
PRECISION = "highest" if os.environ.get("JAX_PLATFORMS") == "cpu" else "default"


class Done(NamedTuple):
    """A command that ended: its folder, seconds and exit code."""

    folder: Path
    seconds: float
    code: int

    @property
    def last_line(self) -> str:
        lines = (self.folder / "output.txt").read_text().strip().splitlines()
        return lines[-1] if lines else ""


def run(folder: Path, arguments: list[str], variables: dict[str, str]) -> Done:
    """Runs `experiments.run` in a folder, which is made if needed."""
    folder.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "experiments.run", *arguments]
    start = time.perf_counter()
    with (folder / "output.txt").open("a") as output:
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": path} | variables,
            stdout=output,
            stderr=output,
            check=False,
        )
    return Done(folder, time.perf_counter() - start, done.returncode)


def time_typed(folder: Path) -> dict[str, float]:
    """Seconds of hard_cvae in an empty folder, with another beta, and once more."""
    found = {}
    for name, options in (
        ("first", []),
        ("another beta", ["--train.beta", "2"]),
        ("once more", ["--train.beta", "2"]),
    ):
        done = run(folder, [TYPED, *options], {})
        if done.code:
            print(f"{TYPED}, {name}: failed: {done.last_line}", flush=True)
            break
        stages = json.loads((folder / f"results/{TYPED}/manifest.json").read_text())["seconds"]
        found[name] = done.seconds
        parts = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in stages.items())
        print(f"{TYPED}, {name}: {done.seconds:.1f} s ({parts})", flush=True)
    return found


def options_of(name: str, songs: Path, epochs: int) -> list[str]:
    options = [name, "--data.path", str(songs), "--cluster.k", "5", "--lyrics.runtime", "tfidf"]
    model = EXPERIMENTS[name].experiment.model
    if model.traits.trained:
        options += ["--train.epochs", str(epochs)]
    if not model.traits.has_normal_prior:
        options += ["--train.pretrain-epochs", str(epochs)]
    if model.traits.reads == "crops":
        options += ["--model.architecture", "patch"]
    return options


def distances(here: Path, there: Path) -> tuple[float, float]:
    """How far two results folders are apart: `apart.of_losses` and `apart.of_latents`.

    The losses of a model that is not trained, whose histories are empty, are not apart.
    """
    both = here, there
    losses = [pd.read_csv(folder / "history.csv").filter(like="_nats") for folder in both]
    is_trained = any(map(len, losses))
    loss = apart.of_losses(*(table.to_numpy(float) for table in losses)) if is_trained else 0.0
    latents = [
        pd.read_parquet(folder / "latents.parquet").filter(like="latent_") for folder in both
    ]
    return loss, apart.of_latents(*(table.to_numpy(float) for table in latents))


def compared(name: str, folder: Path, songs: Path, epochs: int) -> dict[str, object]:
    """Runs an experiment on both, and prints a row."""
    arguments = options_of(name, songs, epochs)
    both = [
        run(folder / place / name, arguments, variables)
        for place, variables in (("here", apart.UNTUNED), ("cpu", ON_CPU))
    ]
    failed = [done for done in both if done.code]
    if failed:
        row = {"name": name, "ok": False, "failed": failed[0].last_line}
        print(f"| {name} | failed: {row['failed']} |", flush=True)
        return row
    loss, latent = distances(*(done.folder / "results" / name for done in both))
    is_ok = apart.is_within(PRECISION, loss, latent)
    seconds = [done.seconds for done in both]
    print(
        f"| {name} | {loss:.1e} | {latent:.1e} | {seconds[0]:.0f}, {seconds[1]:.0f} | "
        f"{'ok' if is_ok else 'OFF'} |",
        flush=True,
    )
    return {"name": name, "ok": is_ok, "loss": loss, "latent": latent, "seconds": seconds}


def run_default_conv(folder: Path, songs: Path, epochs: int) -> dict[str, object]:
    """The convolutional experiment with the architecture that these devices get."""
    name = "medium_conv_vae"
    arguments = [name, "--data.path", str(songs), "--cluster.k", "5", "--train.epochs", str(epochs)]
    done = run(folder / "conv" / name, arguments, {})
    if done.code:
        print(f"{name}, default architecture: failed: {done.last_line}", flush=True)
        return {"name": f"{name}, default", "ok": False}
    config = json.loads((done.folder / "results" / name / "config.json").read_text())
    architecture = config["model"]["architecture"]
    print(f"{name}, default architecture: {architecture}, {done.seconds:.0f} s", flush=True)
    return {"name": f"{name}, default: {architecture}", "ok": True, "seconds": done.seconds}


def main(options: argparse.Namespace) -> int:
    from musicvae_jax.songs.demo import write_demo

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        typed = {} if options.no_typed else time_typed(folder / "typed")
        songs = folder / "demo.parquet"
        write_demo(songs, options.songs)
        print(f"\n{options.songs} demo songs, {options.epochs} epochs, {options.at_once} at a time")
        print("| experiment | loss differs by | latent differs by | here, CPU (s) | |")
        print("|---|---|---|---|---|", flush=True)
        work = partial(compared, folder=folder, songs=songs, epochs=options.epochs)
        usable = sorted(os.sched_getaffinity(0))
        cores = (usable[i % len(usable) :: options.at_once] for i in range(options.at_once))
        # A command has the cores of the thread that starts it, and makes no more threads than that.
        with ThreadPoolExecutor(
            options.at_once, initializer=lambda: os.sched_setaffinity(0, next(cores))
        ) as pool:
            rows = list(pool.map(work, options.names or EXPERIMENTS))
        if options.default_conv:
            rows.append(run_default_conv(folder, songs, options.epochs))
    if options.json:
        options.json.write_text(json.dumps({"typed": typed, "experiments": rows}, indent=1))
    most = "{:g} of a loss, {:g} deviations of a latent".format(*apart.TOLERANCES[PRECISION])
    print(f"most that is ok: {most}")
    return 0 if all(row["ok"] for row in rows) and (options.no_typed or len(typed) == 3) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--songs", type=int, default=120)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=max((os.cpu_count() or 1) // 2, 1))
    parser.add_argument("--no-typed", action="store_true", help=f"do not time {TYPED}")
    parser.add_argument("--default-conv", action="store_true", help="run the default convolution")
    parser.add_argument("--json", type=Path)
    sys.exit(main(parser.parse_args()))
