"""Whether models trained on this machine's devices are those that its CPU trains.

Trains small models of every architecture for a few epochs on all devices of the default backend
and on one CPU core, and compares losses and latents: with the default precision of matrix products
(TF32 on recent GPUs) and in full float32, which tells rounding from a bug. In float32, rounding of
an input near zero can switch a ReLU on or off, and Adam makes as large a step of the small gradient
behind it as of any: such a training goes another of a few ways. So float32 is compared after one
epoch, and what is not equal to the CPU's training is then compared with others of the CPU, which
begin at weights that are off by their last bit. Exits with 1 if a difference is above its
tolerance.
usage: python benchmarks/device_agreement.py [--songs 1988] [--epochs 3] [--json FILE]
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import apart
import jax
import numpy as np
from jax.sharding import AxisType, Mesh
from roofline import make_data

from musicvae_jax.config import Member, ModelConfig, TrainConfig
from musicvae_jax.models import Model
from musicvae_jax.runtime.devices import DATA, SWEEP, make_mesh
from musicvae_jax.training import Data, Examples, init_state, make_model
from musicvae_jax.training.randomness import split_key
from musicvae_jax.training.streaming import RowSource, latents
from musicvae_jax.training.sweeps import train_members

WIDTHS = (320, 128, 64)
N_LABELS = 9
CROP = (32, 32)
# Trainings on the CPU from weights that are off by their last bit, if needed.
N_ROUNDED = 4


class Case(NamedTuple):
    """A model to train and what it reads, of `shape` as `make_model` wants it."""

    name: str
    config: ModelConfig
    shape: tuple[int, ...]
    data: Data


class Training(NamedTuple):
    """Losses `[terms, epochs]`, latents of the training songs, and seconds with the compile."""

    losses: np.ndarray
    latents: np.ndarray
    seconds: float


class Agreement(NamedTuple):
    """How far two trainings of a case are apart, and how far they may be.

    `rounded` is 0, or the number of the draw of rounded weights that the CPU's began at.
    """

    name: str
    precision: str
    rounded: int
    loss: float
    latent: float
    seconds: tuple[float, float]

    @property
    def is_within(self) -> bool:
        return apart.is_within(self.precision, self.loss, self.latent)


def make_cases(n_songs: int) -> list[Case]:
    """Every architecture, on random numbers around a few factors."""
    rng = np.random.default_rng(1)
    x = np.concatenate(make_data(n_songs)).astype(np.float32)
    label = np.eye(N_LABELS, dtype=np.float32)[rng.integers(N_LABELS, size=n_songs)]
    # Every song has the first block.
    present = np.concatenate([np.ones((n_songs, 1)), rng.random((n_songs, 2)) < 0.7], axis=1)
    mask = np.repeat(present, WIDTHS, axis=1).astype(np.float32)
    crops = x[: min(n_songs, 256)].repeat(2, axis=1).reshape(-1, *CROP)
    rows, features = Examples(x), (x.shape[1],)
    return [
        Case("easy_vae", ModelConfig(), features, _split(rows)),
        Case("hard_ae", ModelConfig(kind="ae"), features, _split(rows)),
        Case("hard_cvae", ModelConfig(condition="genre"), features, _split(Examples(x, label))),
        *(
            Case(f"hard_{kind}", ModelConfig(kind=kind), WIDTHS, _split(Examples(x, None, mask)))
            for kind in ("mvae", "mopoe", "mvtcae")
        ),
        *(
            Case(
                f"conv_vae, {layers}",
                ModelConfig(kind="conv_vae", latent=64, architecture=layers),
                CROP,
                _split(Examples(crops)),
            )
            for layers in ("patch", "conv")
        ),
    ]


def _split(examples: Examples) -> Data:
    n_heldout = len(examples.x) // 10
    parts = (slice(n_heldout, None), slice(n_heldout))
    return Data(*(jax.tree.map(lambda leaf, part=part: leaf[part], examples) for part in parts))


def trained(case: Case, epochs: int, mesh: Mesh, rounded: int = 0) -> Training:
    """Trains one member, from weights that are rounded if a draw is given."""
    start = time.perf_counter()
    model = make_model(case.config, case.shape)
    beta = 1.0 if case.config.traits.has_kl else 0.0
    state, history = train_members(
        *(model, TrainConfig(epochs=epochs), [Member(beta, 1e-3, 0)], case.data),
        mesh=mesh,
        start_params=partial(rounded_params, case, model, rounded) if rounded else None,
    )
    losses = [value[0] for name, value in history.by_name().items() if name != "active_units"]
    params = jax.tree.map(lambda leaf: leaf[0], state.params)
    n_songs = len(case.data.train.x)
    source = RowSource(case.data.train, np.arange(n_songs), np.arange(1))
    found = latents(model, params, source, np.arange(n_songs), mesh)
    return Training(np.array(losses), found, time.perf_counter() - start)


def rounded_params(case: Case, model: Model, seed: int, members: Sequence[Member]) -> Any:
    """The members' first weights, each one bit up or down or as it is."""

    def rounded(weights: np.ndarray) -> np.ndarray:
        weights = np.asarray(weights)
        towards = weights + rng.integers(-1, 2, weights.shape).astype(weights.dtype)
        return np.nextafter(weights, towards)

    rng = np.random.default_rng(seed)
    starts = [
        init_state(model, split_key(jax.random.key(one.seed)).init, case.data.train, 0.0).params
        for one in members
    ]
    return jax.tree.map(lambda *leaves: np.stack([rounded(leaf) for leaf in leaves]), *starts)


def one_cpu() -> Mesh:
    cpu = np.array(jax.devices("cpu")[:1])[None]
    return Mesh(cpu, (SWEEP, DATA), axis_types=(AxisType.Auto,) * 2)


def agreement(case: Case, precision: str, epochs: int) -> Agreement:
    """Trains on all devices and on one CPU core, compares, and prints the nearest as a row."""
    compared = []
    is_float32 = precision == "highest"
    epochs = 1 if is_float32 else epochs
    with jax.default_matmul_precision(precision):
        here = trained(case, epochs, make_mesh(1, "all"))
        for rounded in range(N_ROUNDED + 1 if is_float32 else 1):
            there = trained(case, epochs, one_cpu(), rounded)
            distances = (
                apart.of_losses(here.losses, there.losses),
                apart.of_latents(here.latents, there.latents),
            )
            seconds = here.seconds, there.seconds
            compared.append(Agreement(case.name, precision, rounded, *distances, seconds))
            if compared[-1].is_within:
                break
    found = min(compared, key=lambda one: (not one.is_within, one.latent))
    print(
        f"| {found.name} | {precision} | {found.loss:.1e} | {found.latent:.1e} | "
        f"{found.rounded or ''} | {found.seconds[0]:.1f}, {found.seconds[1]:.1f} | "
        f"{'ok' if found.is_within else 'OFF'} |",
        flush=True,
    )
    return found


def main(options: argparse.Namespace) -> int:
    device = jax.devices()[0]
    print(
        f"jax {jax.__version__}, {len(jax.devices())} x {device.device_kind} ({device.platform}) "
        f"against one CPU core; {options.songs:,} songs, {options.epochs} epochs, "
        "one in float32"
    )
    columns = ("model", "precision", "loss differs by", "latent differs by")
    print(f"| {' | '.join(columns)} | draw of last bits | here, CPU (s) | |")
    print("|---|---|---|---|---|---|---|", flush=True)
    # Tracing and compiling take most of the time, and a core each or more.
    os.environ |= apart.UNTUNED
    n_processes = max((os.cpu_count() or 1) // 2, 1)
    with ProcessPoolExecutor(n_processes, get_context("spawn")) as pool:
        # A CPU's default is full float32.
        precisions = ["highest"] if device.platform == "cpu" else list(apart.TOLERANCES)
        work = [(case, name) for name in precisions for case in make_cases(options.songs)]
        found = list(pool.map(partial(agreement, epochs=options.epochs), *zip(*work, strict=True)))
    limits = "; ".join(f"{name}: {a:g}, {b:g}" for name, (a, b) in apart.TOLERANCES.items())
    print(f"most that is ok, of a loss (relative) and a latent (in deviations): {limits}")
    if options.json:
        content = [one._asdict() | {"ok": one.is_within} for one in found]
        options.json.write_text(json.dumps(content, indent=1))
    return 0 if all(one.is_within for one in found) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--songs", type=int, default=1988)
    parser.add_argument("--epochs", type=int, default=3, help="with the default precision")
    parser.add_argument("--json", type=Path)
    sys.exit(main(parser.parse_args()))
