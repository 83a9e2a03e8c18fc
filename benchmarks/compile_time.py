"""Where the first call of a training goes: tracing, lowering and compiling, program by program.

Each row is a fresh process without a cache of compiled programs, so that it can have its own
XLA_FLAGS. "first call" includes all else, such as starting the device. The last table counts the
operations of the compiled programs, as XLA dumps them.
usage: python benchmarks/compile_time.py [--members 1 32] [--songs 1988] [--flags "--xla_...=..."]
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from roofline import N_SONGS, Ours, make_data, sweep

EVENTS = {
    "/jax/core/compile/jaxpr_trace_duration": "trace",
    "/jax/core/compile/jaxpr_to_mlir_module_duration": "lower",
    "/jax/core/compile/backend_compile_duration": "compile",
}
_OPERATION = re.compile(r"^\s+(?:ROOT )?%\S+ = .*? ([a-z][a-z0-9-]*)\(")
_TRIVIAL = {"parameter", "constant", "tuple", "get-tuple-element", "bitcast"}


def measure(n_members: int, n_songs: int, epochs: int) -> dict:
    """Seconds of the first and of later calls, and of each part of compiling, in this process."""
    import jax

    parts: dict[str, Counter] = {}

    def listen(event: str, seconds: float, **about: object) -> None:
        if event in EVENTS:
            parts.setdefault(str(about.get("fun_name")), Counter())[EVENTS[event]] += seconds

    jax.monitoring.register_event_duration_secs_listener(listen)
    start = time.perf_counter()
    jax.block_until_ready(jax.device_put(0.0))
    device = time.perf_counter() - start
    parts.clear()
    ours = Ours(*make_data(n_songs), epochs)
    seconds, processor = [], []
    for turn in range(3):
        used = time.process_time()
        seconds.append(ours.fit([(1.0, turn)] if n_members == 1 else sweep(n_members))[0])
        processor.append(time.process_time() - used)
        if turn == 0:
            programs = {name: dict(found) for name, found in parts.items()}
    return {
        "device": device,
        "first": seconds[0],
        "warm": min(seconds[1:]),
        "processor": processor[0] - min(processor[1:]),
        "programs": programs,
    }


def in_fresh_process(options: argparse.Namespace, n_members: int, flags: str) -> dict:
    """What `measure` finds in a process of its own, with XLA flags."""
    numbers = [str(n) for n in (n_members, options.songs, options.epochs)]
    environment = os.environ | {
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip(),
        "JAX_ENABLE_COMPILATION_CACHE": "false",
    }
    command = [sys.executable, __file__, "--measure", *numbers]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no message"])[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def totals(programs: dict[str, dict[str, float]]) -> dict[str, float]:
    """Seconds of each part over all programs.

    Example:
        >>> totals({"run": {"trace": 1.0, "compile": 2.0}, "start": {"compile": 0.5}})
        {'trace': 1.0, 'lower': 0, 'compile': 2.5}
    """
    return {part: sum(one.get(part, 0) for one in programs.values()) for part in EVENTS.values()}


def operations(text: str) -> Counter:
    """How often each operation stands in a program that XLA has dumped.

    Example:
        >>> operations("  %a.1 = f32[2]{0} fusion(%b), kind=kLoop\\n  %b = f32[] parameter(0)")
        Counter({'fusion': 1})
    """
    found = (_OPERATION.match(line) for line in text.splitlines())
    return Counter(one[1] for one in found if one and one[1] not in _TRIVIAL)


def report(flags: str, n_members: int, found: dict) -> None:
    name = f"{n_members} member(s){f', {flags}' if flags else ''}"
    if "failed" in found:
        print(f"| {name} | failed: {found['failed']} |", flush=True)
        return
    parts = totals(found["programs"])
    print(
        f"| {name} | {found['device']:.1f} | {found['first']:.2f} | {found['warm']:.2f} | "
        f"{' | '.join(f'{seconds:.2f}' for seconds in parts.values())} | "
        f"{len(found['programs'])} | {found['processor']:.1f} |",
        flush=True,
    )


def report_programs(found: dict) -> None:
    print("\n| program | trace | lower | compile |\n|---|---|---|---|")
    ordered = sorted(found["programs"].items(), key=lambda item: -sum(item[1].values()))
    for name, parts in ordered[:12]:
        cells = (f"{parts.get(part, 0):.2f}" for part in EVENTS.values())
        print(f"| {name} | {' | '.join(cells)} |")


def report_operations(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        in_fresh_process(options, 1, f"--xla_dump_to={folder} --xla_dump_hlo_as_text")
        print("\noperations of the compiled programs:")
        for path in sorted(Path(folder).glob("*after_optimizations.txt")):
            found = operations(path.read_text())
            if found.total() > 40:
                name = path.name.split(".")[1]
                print(f"{name}: " + ", ".join(f"{n} {what}" for what, n in found.most_common(9)))


def main(options: argparse.Namespace) -> None:
    columns = ("training", "device", "first call", "later", *EVENTS.values(), "programs", "CPU s")
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)
    found = {}
    for n_members in options.members:
        found[n_members] = in_fresh_process(options, n_members, "")
        report("", n_members, found[n_members])
    for flags in options.flags:
        found[flags] = in_fresh_process(options, options.members[0], flags)
        report(flags, options.members[0], found[flags])
    if "programs" in found[options.members[0]]:
        report_programs(found[options.members[0]])
    report_operations(options)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, nargs="*", default=[1, 32])
    parser.add_argument("--songs", type=int, default=N_SONGS)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--flags", action="append", default=[], help="XLA_FLAGS of one more row")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measure", type=int, nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(*arguments.measure)))
    else:
        main(arguments)
