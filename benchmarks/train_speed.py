"""Training of the MLP VAE, single and as sweeps of 4 betas x some seeds, against PyTorch.

1,988 examples x 512 features (random numbers around 20 factors), one tenth held out, batch 32,
Adam. The peers take turns in one run. In parentheses: our first call, with the compile.
On a CPU, PyTorch (pytorch_vae.py) runs one training after the other, from a DataLoader and from
memory, the latter also in one process per core; each is timed on a few trainings and multiplied
up, since a whole sweep of it takes an hour. On a GPU these two are timed on a tenth of the epochs,
and PyTorch also trains stacked weights in a captured CUDA graph; both sides use TF32.
PyTorch is left out, with a line that says so, where it is not installed.
usage: python benchmarks/train_speed.py [EPOCHS [ROUNDS]] [--sweeps 32 256] [--many 100000] ...
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from multiprocessing.pool import Pool
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from roofline import CORES, N_SONGS, Ours, gflop_per_epoch, make_data, sgemm_gflops, sweep

OURS = "ours"
LOADER = "PyTorch, DataLoader"
MEMORY = "PyTorch, tensors in memory, fused Adam"
GRAPH = "PyTorch, stacked weights, CUDA graph"
PROCESSES = f"{MEMORY}, a process per core"
# Of the epochs, where a rival is so slow that its time is multiplied up.
_SHARE = 10


class Peer(NamedTuple):
    """One way to train.

    Attributes:
        training: what it trains: "one VAE", "sweep of 32".
        name: what the table calls it.
        run: trains, given the number of the turn, and returns the held-out losses.
        times: what the time of `run` is multiplied by.
        compiles: whether its first call does more than the others, and is timed apart.
    """

    training: str
    name: str
    run: Callable[[int], Sequence[float]]
    times: float = 1.0
    compiles: bool = False


class Timing(NamedTuple):
    """Seconds of a peer: the first call if it compiles, the others; and their first losses."""

    first: float
    warm: list[float]
    losses: list[float]


class Row(NamedTuple):
    """A line of the table; `first` is NaN where nothing compiles."""

    training: str
    name: str
    seconds: float
    first: float


def training_name(n_members: int) -> str:
    return "one VAE" if n_members == 1 else f"sweep of {n_members}"


def our_peers(epochs: int, sizes: Sequence[int], n_songs: int) -> Iterator[Peer]:
    ours = Ours(*make_data(n_songs), epochs)

    def run(size: int, turn: int) -> Sequence[float]:
        return ours.fit([(1.0, turn)] if size == 1 else sweep(size))[1]

    for size in (1, *sizes):
        yield Peer(training_name(size), OURS, partial(run, size), compiles=True)


def many_songs(n_songs: int) -> Iterator[Peer]:
    """One epoch of many songs, with small and with large batches."""
    data = make_data(n_songs)
    for batch_size in (32, 1024):
        ours = Ours(*data, 1, batch_size)
        yield Peer(
            f"{n_songs:,} songs, one epoch, batch {batch_size:,}",
            OURS,
            lambda turn, ours=ours: ours.fit([(1.0, turn)])[1],
            compiles=True,
        )


def gpu_rivals(epochs: int, sizes: Sequence[int], n_songs: int) -> Iterator[Peer]:
    from pytorch_vae import fit_in_memory, fit_with_loader, stacked_training, use_tf32

    use_tf32()
    data = make_data(n_songs)

    def stacked(betas: Sequence[float], made: dict, turn: int) -> Sequence[float]:
        # The first call captures the graph.
        if not made:
            made["fit"] = stacked_training(*data, betas, turn, "cuda")
        return made["fit"](epochs)

    for size in (1, *(size for size in sizes if size <= 32)):
        run = partial(stacked, [beta for beta, _ in sweep(size)], {})
        yield Peer(training_name(size), GRAPH, run, compiles=True)
    part = max(epochs // _SHARE, 1)
    for name, fit in ((MEMORY, fit_in_memory), (LOADER, fit_with_loader)):

        def alone(turn: int, fit: Callable[..., float] = fit) -> Sequence[float]:
            return [fit(*data, 1.0, turn, part, "cuda")]

        yield Peer(training_name(1), name, alone, epochs / part)


def cpu_rivals(pool: Pool, epochs: int, sizes: Sequence[int], n_songs: int) -> Iterator[Peer]:
    from pytorch_vae import fit_in_memory, fit_with_loader, timed

    data = make_data(n_songs)

    def alone(fit: Callable[..., float], threads: int, turn: int) -> Sequence[float]:
        return [timed(fit, threads, *data, 1.0, turn, epochs)[1]]

    def in_processes(_: int) -> Sequence[float]:
        tasks = [(fit_in_memory, 1, *data, 1.0, seed, epochs) for seed in range(2 * CORES)]
        return [loss for _, loss in pool.starmap(timed, tasks, chunksize=1)]

    for name, fit in ((MEMORY, fit_in_memory), (LOADER, fit_with_loader)):
        for threads in sorted({1, CORES}):
            run = partial(alone, fit, threads)
            yield Peer(training_name(1), f"{name}, threads: {threads}", run)
    for size in sizes:
        yield Peer(training_name(size), PROCESSES, in_processes, size / (2 * CORES))


def take_turns(peers: Sequence[Peer], n_rounds: int, deadline: float) -> list[Timing]:
    """Times the peers in turn; after the deadline no further round begins. A peer may fail."""
    found = [Timing(np.nan, [], []) for _ in peers]
    for turn in range(n_rounds + 1):
        for place, peer in enumerate(peers):
            if turn == 0 and not peer.compiles:
                continue
            start = time.perf_counter()
            try:
                losses = peer.run(turn)
            except RuntimeError as error:
                print(f"{peer.training}, {peer.name}: failed: {error}", flush=True)
                continue
            seconds = peer.times * (time.perf_counter() - start)
            print(f"{peer.training}, {peer.name}, turn {turn}: {seconds:.2f} s", flush=True)
            if turn == 0:
                found[place] = found[place]._replace(first=seconds)
            else:
                found[place].warm.append(seconds)
                found[place].losses.append(float(losses[0]))
        if turn and time.perf_counter() > deadline:
            break
    return found


def rows_of(peers: Sequence[Peer], timings: Sequence[Timing], sizes: Sequence[int]) -> list[Row]:
    """The table: medians, and rivals that train one model after the other, multiplied up."""
    rows = [
        Row(peer.training, peer.name, median(timing.warm), timing.first)
        for peer, timing in zip(peers, timings, strict=True)
        if timing.warm
    ]
    single = [row for row in rows if row.training == training_name(1)]
    rows += [
        Row(training_name(size), f"{row.name}, one after another", size * row.seconds, np.nan)
        for size in sizes
        for row in single
        if row.name not in (OURS, GRAPH)
    ]
    order = {name: place for place, name in enumerate(dict.fromkeys(row.training for row in rows))}
    return sorted(rows, key=lambda row: (order[row.training], row.name != OURS, row.seconds))


def markdown(rows: Sequence[Row]) -> str:
    """Seconds, with those of the first call in parentheses, and how much faster ours is."""
    ours = {row.training: row.seconds for row in rows if row.name == OURS}
    lines = ["| training | seconds (first call) | ours is faster by |", "|---|---|---|"]
    for row in rows:
        first = "" if np.isnan(row.first) else f" ({row.first:.1f})"
        ratio = "" if row.name == OURS else f"{row.seconds / ours[row.training]:.2f}"
        lines.append(f"| {row.training}: {row.name} | {row.seconds:.2f}{first} | {ratio} |")
    return "\n".join(lines)


def main(options: argparse.Namespace) -> None:
    import jax

    device = jax.devices()[0]
    deadline = time.perf_counter() + options.seconds
    work = (options.epochs, options.sweeps, options.songs)
    with ExitStack() as stack:
        peers = list(our_peers(*work))
        if options.many:
            peers += many_songs(options.many)
        timings: list[Timing] = []
        if find_spec("torch") is None:
            print("PyTorch is not installed: ours alone is timed", flush=True)
        elif device.platform == "cpu":
            pool = stack.enter_context(multiprocessing.get_context("spawn").Pool(CORES))
            peers += cpu_rivals(pool, *work)
        else:
            # A fault of one program on the card is the end of all others in the process.
            timings = take_turns(peers, options.rounds, deadline)
            peers += gpu_rivals(*work)
        timings += take_turns(peers[len(timings) :], options.rounds, deadline)
    rows = rows_of(peers, timings, options.sweeps)
    print(
        f"\n{options.epochs} epochs of {options.songs:,} songs, medians of {options.rounds}; "
        f"{CORES} cores, {len(jax.devices())} JAX devices ({device.device_kind})\n\n"
        f"{markdown(rows)}\n"
    )
    for peer, timing in zip(peers, timings, strict=True):
        if peer.training == training_name(1) and timing.losses:
            loss, spread = np.mean(timing.losses), np.std(timing.losses)
            print(f"held-out negative ELBO, {peer.name}: {loss:.2f} ± {spread:.2f}")
    if device.platform == "cpu":
        _share_of_peak(options, rows)
    if options.json:
        options.json.write_text(json.dumps([row._asdict() for row in rows], indent=1))


def _share_of_peak(options: argparse.Namespace, rows: Sequence[Row]) -> None:
    largest = max((1, *options.sweeps))
    seconds = next(row.seconds for row in rows if row[:2] == (training_name(largest), OURS))
    reached = largest * options.epochs * gflop_per_epoch(options.songs) / seconds
    peak = sgemm_gflops()
    print(
        f"{training_name(largest)}: {reached:.0f} GFLOP/s in matrix products, "
        f"{reached / peak:.0%} of this process's sgemm peak of {peak:.0f}"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("epochs", type=int, nargs="?", default=100)
    parser.add_argument("rounds", type=int, nargs="?", default=5)
    parser.add_argument("--sweeps", type=int, nargs="*", default=[32], help="members of each sweep")
    parser.add_argument("--songs", type=int, default=N_SONGS)
    parser.add_argument("--many", type=int, default=0, help="songs of one epoch, 0 for none")
    parser.add_argument("--seconds", type=float, default=np.inf, help="when the last round starts")
    parser.add_argument("--json", type=Path, help="where to write the table")
    return parser.parse_args()


if __name__ == "__main__":
    main(_options())
