"""Checks results and speed on an accelerator: one script for the few minutes that one is at hand.

Runs the other scripts of this folder, each with a limit of time, so that a slow one cannot lose the
others: what was printed until then counts.

agreement: models trained here are those that the CPU trains (device_agreement.py);
training: the table of trainings beside PyTorch's (train_speed.py);
compile: where the first call goes (compile_time.py);
commands: every named experiment as a command, against the CPU (device_commands.py).

All of them take less than eight minutes on one GPU. Without an accelerator the same is done, at a
smaller size, with 8 simulated CPU devices. Everything printed is also written to OUT.
usage: python benchmarks/device_check.py [--parts agreement training ...] [--out DIR]
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

BENCHMARKS = Path(__file__).resolve().parent
# What a part imports that an accelerator's image may lack.
_FOR_COMMANDS = ("tyro", "umap", "pynndescent", "librosa", "soundfile", "plotly", "py3langid")
_OF_DEVICE = (
    "import jax; d = jax.devices(); "
    "print(d[0].platform, len(d), jax.__version__, d[0].device_kind, sep='\\n')"
)


class Part(NamedTuple):
    """A script, with its options on an accelerator and on a CPU, and its seconds at most."""

    script: str
    options: str
    on_cpu: str
    seconds: int
    needs: tuple[str, ...] = ()


PARTS = {
    "agreement": Part("device_agreement.py", "", "--songs 96", 100),
    "training": Part(
        "train_speed.py",
        "100 3 --sweeps 32 256 --many 100000 --seconds 60",
        "2 1 --sweeps 8 --songs 320 --many 2000",
        90,
    ),
    "compile": Part(
        "compile_time.py",
        "--members 1 --flags=--xla_gpu_autotune_level=0",
        "--members 1 --songs 320",
        40,
    ),
    "commands": Part(
        "device_commands.py",
        "--default-conv",
        "easy_vae hard_mvae --songs 60 --epochs 2 --no-typed --at-once 1",
        250,
        _FOR_COMMANDS,
    ),
}


class Device(NamedTuple):
    platform: str
    count: str
    jax: str
    kind: str

    @property
    def is_cpu(self) -> bool:
        return self.platform == "cpu"


class Outcome(NamedTuple):
    """How a part ended: "ok", "skipped", "stopped" at its limit, or "failed"."""

    part: str
    how: str
    seconds: float


def find_device(environment: dict[str, str]) -> Device:
    """Asked in a process of its own, so that none is held while the parts run."""
    command = [sys.executable, "-c", _OF_DEVICE]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"device_check: JAX finds no device: {done.stderr.strip().splitlines()[-1]}")
    return Device(*done.stdout.split("\n")[:4])


def environment_of(is_cpu: bool) -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(BENCHMARKS.parent), os.environ.get("PYTHONPATH"))))
    # Several processes share a device; each takes memory as it needs it.
    shared = {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    if is_cpu:
        platforms = {"JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": "8"}
    else:
        # The CPU is compared with; empty leaves the choice to JAX.
        named = [name for name in os.environ.get("JAX_PLATFORMS", "").split(",") if name]
        platforms = {"JAX_PLATFORMS": ",".join(dict.fromkeys([*named, "cpu"])) if named else ""}
    return os.environ | shared | platforms


def run_part(command: Sequence[str], environment: dict, seconds: float, log_path: Path) -> str:
    """Runs a part, prints what it prints, and says how it ended."""
    with (
        log_path.open("w") as log,
        subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process,
        _Timer(process, seconds) as timer,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            log.write(line)
            log.flush()
        code = process.wait()
    if timer.has_stopped:
        return "stopped"
    return "ok" if code == 0 else "failed"


class _Timer:
    """Kills a process and those it has started after some seconds."""

    def __init__(self, process: subprocess.Popen, seconds: float) -> None:
        self.has_stopped = False
        self._process = process
        self._timer = threading.Timer(seconds, self._stop)

    def _stop(self) -> None:
        self.has_stopped = True
        os.killpg(self._process.pid, signal.SIGKILL)

    def __enter__(self) -> "_Timer":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def check(name: str, device: Device, environment: dict, scale: float, out: Path) -> Outcome:
    part = PARTS[name]
    missing = [module for module in part.needs if find_spec(module) is None]
    print(f"\n## {name}\n", flush=True)
    if missing:
        print(f"skipped: {', '.join(missing)} not installed", flush=True)
        return Outcome(name, "skipped", 0.0)
    options = (part.on_cpu if device.is_cpu else part.options).split()
    command = [sys.executable, str(BENCHMARKS / part.script), *options]
    command += ["--json", str(out / f"{name}.json")]
    start = time.perf_counter()
    how = run_part(command, environment, scale * part.seconds, out / f"{name}.txt")
    return Outcome(name, how, time.perf_counter() - start)


def main(options: argparse.Namespace) -> int:
    options.out.mkdir(parents=True, exist_ok=True)
    device = find_device(environment_of(options.cpu))
    environment = environment_of(device.is_cpu)
    what = (
        "no accelerator: 8 simulated CPU devices, at a smaller size"
        if device.is_cpu
        else (f"{device.count} x {device.kind}")
    )
    print(f"{what}; jax {device.jax}, Python {sys.version.split()[0]}", flush=True)
    out = options.out.resolve()
    outcomes = [check(name, device, environment, options.scale, out) for name in options.parts]
    print("\n| part | | seconds |\n|---|---|---|")
    for one in outcomes:
        print(f"| {one.part} | {one.how} | {one.seconds:.0f} |", flush=True)
    summary = {"device": device._asdict(), "parts": [one._asdict() for one in outcomes]}
    (out / "check.json").write_text(json.dumps(summary, indent=1))
    return 0 if all(one.how in ("ok", "skipped") for one in outcomes) else 1


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--out", type=Path, default=Path("device_check"))
    parser.add_argument("--scale", type=float, default=1.0, help="of the limits of time")
    parser.add_argument("--cpu", action="store_true", help="simulate 8 devices in any case")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(_parsed(sys.argv[1:])))
