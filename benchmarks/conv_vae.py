"""Both architectures of ConvAutoencoder: held-out error, time per step and size.

Patch is trained as the experiments train it, in a compiled loop; conv, whose loop is hopeless on a
CPU, one compiled step at a time and for fewer steps, and patch is also measured after that many.
They take turns in one process, so that a drift of the machine hits both.
usage: python benchmarks/conv_vae.py PATH [STEPS [CONV_STEPS]]
"""

import sys
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from musicvae_jax.config import CropConfig, DataConfig, FeatureConfig, TrainConfig
from musicvae_jax.features import Scaler, extract_features
from musicvae_jax.features.crops import fit_crop_scaler, fixed_crops, half_crops, open_crops
from musicvae_jax.models import ConvAutoencoder, Model
from musicvae_jax.songs import load_songs, split_songs
from musicvae_jax.training import Examples, example_noise, init_state, make_step
from musicvae_jax.training.streaming import CropSource

SEEDS = (0, 1, 2)
TRAIN = TrainConfig(learning_rate=(2e-3,))
CROPS = CropConfig()
# Steps between two looks at the clock, and the length of the compiled loop.
ROUND = 10


class Result(NamedTuple):
    """Squared error per standardised pixel of held-out crops after fewer and after all steps."""

    early: float
    final: float
    rmse_db: float
    ms: float
    core_ms: float


def open_source(path: Path) -> CropSource:
    songs, features = load_songs(path), FeatureConfig()
    found = extract_features(songs, features)
    split = split_songs(found.table["artist"], DataConfig().heldout_fraction, 0)
    store = open_crops(songs, features, found.rows)
    return CropSource(store, *split, fit_crop_scaler(store, split.train), CROPS)


def make_round(model: Model, source: CropSource, in_loop: bool):
    """`run(state, windows, keys)`: as many steps as there are keys."""
    one_step = make_step(model, TRAIN)

    def step(state, place):
        windows, key = place
        noise = example_noise(key, jnp.arange(len(windows)), model.latent)
        weight, beta, epoch = jnp.ones(len(windows)), jnp.float32(1.0), 0
        examples = source.to_examples(windows)
        return one_step(state, examples, weight, noise, beta, epoch)[0], None

    if in_loop:
        return jax.jit(lambda state, *places: jax.lax.scan(step, state, places)[0])
    compiled = jax.jit(step)

    def run(state, windows, keys):
        for place in zip(windows, keys, strict=True):
            state, _ = compiled(state, place)
        return state

    return run


def measure(model, run, source: CropSource, heldout, seed: int, n_early: int, n_steps: int):
    rng = np.random.default_rng(seed)
    init_key, noise_key = jax.random.split(jax.random.key(seed))
    blank = Examples(jnp.zeros((1, model.bands, model.frames)))
    state = init_state(model, init_key, blank, TRAIN.learning_rate[0])
    error = partial(squared_error, model, heldout=heldout, scaler=source.scaler)
    times, core_times, early = [], [], np.nan
    for first in range(0, n_steps, ROUND):
        n_crops = ROUND * TRAIN.batch_size
        songs = rng.choice(source.train, n_crops)
        windows = half_crops(source.store, songs, model.frames, rng.random(n_crops))
        windows = windows.reshape(ROUND, TRAIN.batch_size, *windows.shape[1:])
        keys = jax.random.split(jax.random.fold_in(noise_key, first), ROUND)
        wall, core = time.perf_counter(), time.process_time()
        state = jax.block_until_ready(run(state, windows, keys))
        times.append(time.perf_counter() - wall)
        core_times.append(time.process_time() - core)
        if first + ROUND == n_early:
            early = error(state.params)
    final, scale = error(state.params), source.scaler.scale[0]
    # The first round compiles.
    ms, core_ms = (1e3 * min(found[1:]) / ROUND for found in (times, core_times))
    return Result(early, final, scale * final**0.5, ms, core_ms), state


def squared_error(model: Model, params, heldout: np.ndarray, scaler: Scaler) -> float:
    """Per standardised pixel of crops `[n, bands, frames]` in decibels, from posterior means."""
    x = (heldout - scaler.mean[:, None]) / scaler.scale[:, None]
    total = sum(
        float(_sum_of_squares(model, params, x[i : i + 128])) for i in range(0, len(x), 128)
    )
    return total / x.size


@partial(jax.jit, static_argnums=0)
def _sum_of_squares(model: Model, params, x: jax.Array) -> jax.Array:
    z = model.apply(params, x, method="encode").mean
    return jnp.sum((x - model.apply(params, z, method="decode")) ** 2)


def main(path: Path, n_steps: int = 300, n_conv_steps: int = 30) -> None:
    source = open_source(path)
    heldout = fixed_crops(source.store, source.heldout, CROPS.frames, 2)
    heldout = heldout.reshape(-1, *heldout.shape[2:])
    models = {
        name: ConvAutoencoder(frames=CROPS.frames, architecture=name) for name in ("patch", "conv")
    }
    runs = {name: make_round(m, source, name != "conv") for name, m in models.items()}
    results, sizes = {name: [] for name in models}, {}
    for seed in SEEDS:
        for name, model in models.items():
            steps = n_conv_steps if name == "conv" else n_steps
            result, state = measure(model, runs[name], source, heldout, seed, n_conv_steps, steps)
            results[name].append(result)
            sizes[name] = sum(leaf.size for leaf in jax.tree.leaves(state.params)) / 1e6
            print(name, seed, result, flush=True)
    print(f"{path.stem}: mean and deviation over {len(SEEDS)} seeds; least time of any round")
    print(
        f"| architecture | parameters | ms/step | core ms/step | error, {n_conv_steps} steps "
        f"| error, {n_steps} steps | dB RMSE |\n|---|---|---|---|---|---|---|"
    )
    for name, found in results.items():
        early, final, rmse, ms, core = (np.array(part) for part in zip(*found, strict=True))
        last = "" if name == "conv" else f"{final.mean():.3f} +- {final.std():.3f}"
        print(
            f"| {name} | {sizes[name]:.2f} M | {ms.min():.0f} | {core.min():.0f} "
            f"| {early.mean():.3f} +- {early.std():.3f} | {last} | {rmse.mean():.2f} |"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
