"""Training of the MLP VAE, single and a sweep of 4 betas x 8 seeds, against PyTorch.

1,988 examples x 512 features (random numbers around 20 factors), one tenth held out, batch 32,
Adam. Both PyTorch programs (pytorch_vae.py) run one training after the other, the second one also
in one process per core. The peers take turns in one run; compile time is shown apart. PyTorch is
timed on a few trainings and multiplied up, since a whole sweep of it takes an hour.
Needs torch. usage: python benchmarks/train_speed.py [EPOCHS [ROUNDS]]
"""

import json
import multiprocessing
import sys
import time
from statistics import median

import numpy as np
from pytorch_vae import fit_in_memory, fit_with_loader, timed
from roofline import CORES, SWEEP, Ours, gflop_per_epoch, make_data, sgemm_gflops


def in_processes(pool, train, heldout, epochs: int) -> float:
    """Seconds for one of two trainings per core."""
    tasks = [(fit_in_memory, 1, train, heldout, 1.0, seed, epochs) for seed in range(2 * CORES)]
    start = time.perf_counter()
    pool.starmap(timed, tasks, chunksize=1)
    return (time.perf_counter() - start) / len(tasks)


def main(epochs: int, n_rounds: int) -> None:
    train, heldout = make_data()
    ours = Ours(train, heldout, epochs)
    # The first calls compile; their extra time is that of compilation.
    cold = {name: ours.fit(members)[0] for name, members in (("one", SWEEP[:1]), ("all", SWEEP))}
    times: dict[str, list[float]] = {}
    losses: dict[str, list[float]] = {}
    peaks = []
    with multiprocessing.get_context("spawn").Pool(CORES) as pool:
        in_processes(pool, train, heldout, 1)
        for turn in range(n_rounds):
            seconds, loss = ours.fit([(1.0, turn)])
            times.setdefault("one: ours", []).append(seconds)
            losses.setdefault("ours", []).append(float(loss[0]))
            for name, fit in (("DataLoader", fit_with_loader), ("in memory", fit_in_memory)):
                best = min(
                    timed(fit, threads, train, heldout, 1.0, turn, epochs) for threads in {1, CORES}
                )
                times.setdefault(f"one: PyTorch, {name}", []).append(best[0])
                losses.setdefault(f"PyTorch, {name}", []).append(best[1])
            times.setdefault("all: ours", []).append(ours.fit(SWEEP)[0])
            seconds = in_processes(pool, train, heldout, epochs)
            times.setdefault("all: PyTorch, processes", []).append(len(SWEEP) * seconds)
            peaks.append(sgemm_gflops())
    middle = {name: median(found) for name, found in times.items()}
    middle["all: PyTorch, DataLoader"] = len(SWEEP) * middle["one: PyTorch, DataLoader"]
    compiles = {name: cold[name] - middle[f"{name}: ours"] for name in cold}
    report(epochs, n_rounds, middle, compiles, losses, len(SWEEP), median(peaks))


def report(epochs, n_rounds, middle, compiles, losses, n_members, peak) -> None:
    import jax

    print(
        f"{epochs} epochs, medians of {n_rounds} rounds; {CORES} cores, {len(jax.devices())} JAX "
        f"devices ({jax.devices()[0].device_kind})"
    )
    print("| training | seconds | ours is faster by |\n|---|---|---|")
    for name, seconds in sorted(middle.items(), reverse=True):
        kind = name.split(":")[0]
        warm, with_compile = middle[f"{kind}: ours"], middle[f"{kind}: ours"] + compiles[kind]
        ratio = f"{seconds / warm:.2f} ({seconds / with_compile:.2f} with a cold compile)"
        print(f"| {name} | {seconds:.1f} | {'' if name.endswith('ours') else ratio} |")
    print(f"cold compile: single {compiles['one']:.1f} s, sweep {compiles['all']:.1f} s")
    reached = n_members * epochs * gflop_per_epoch() / middle["all: ours"]
    print(
        f"sweep: {reached:.0f} GFLOP/s in matrix products, {reached / peak:.0%} of this process's "
        f"sgemm peak of {peak:.0f}"
    )
    for name, found in losses.items():
        print(f"held-out negative ELBO, {name}: {np.mean(found):.2f} +- {np.std(found):.2f}")
    print(
        json.dumps(
            {
                "epochs": epochs,
                "cores": CORES,
                "devices": len(jax.devices()),
                "seconds": middle,
                "compile_seconds": compiles,
                "sgemm_gflops": peak,
                "sweep_gflops": reached,
                "heldout_loss": {name: float(np.mean(found)) for name, found in losses.items()},
            }
        )
    )


if __name__ == "__main__":
    main(*(int(value) for value in [*sys.argv[1:], *("100", "5")[len(sys.argv) - 1 :]]))
