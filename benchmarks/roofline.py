"""What share of this machine's own sgemm peak the training sweep of `train_speed.py` reaches.

The peak is that of a product of two 2048 x 2048 matrices by the same library in the same process,
measured before and after. usage: python benchmarks/roofline.py [EPOCHS]
"""

import json
import os
import sys
import time
from itertools import product

import numpy as np

N_SONGS, N_FEATURES = 1988, 512
HIDDEN, LATENT = 256, 32
CORES = os.cpu_count() or 1
# Read when JAX is imported.
os.environ.setdefault("JAX_NUM_CPU_DEVICES", str(CORES))


def sweep(n_members: int) -> list[tuple[float, int]]:
    """Beta and seed of each member: four betas, and as many seeds as it takes."""
    return list(product((1.0, 2.0, 4.0, 8.0), range(-(-n_members // 4))))[:n_members]


def n_heldout(n_songs: int) -> int:
    return round(n_songs / 10)


def make_data(n_songs: int = N_SONGS) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(n_songs, 20)) @ rng.normal(size=(20, N_FEATURES)) / 20**0.5
    x = (factors + 0.5 * rng.normal(size=factors.shape)).astype(np.float32)
    return x[n_heldout(n_songs) :], x[: n_heldout(n_songs)]


class Ours:
    def __init__(
        self, train: np.ndarray, heldout: np.ndarray, epochs: int, batch_size: int = 32
    ) -> None:
        import jax.numpy as jnp

        from musicvae_jax.config import ModelConfig, TrainConfig
        from musicvae_jax.training import Data, Examples, make_model

        self.data = Data(Examples(jnp.asarray(train)), Examples(jnp.asarray(heldout)))
        self.config = TrainConfig(epochs=epochs, batch_size=batch_size)
        self.model = make_model(ModelConfig(), (N_FEATURES,))

    def fit(self, members) -> tuple[float, np.ndarray]:
        from musicvae_jax.config import Member
        from musicvae_jax.training.sweeps import train_members

        start = time.perf_counter()
        members = [Member(beta, 1e-3, seed) for beta, seed in members]
        _, history = train_members(self.model, self.config, members, self.data)
        return time.perf_counter() - start, history.heldout.negative_elbo[:, -1]


def sgemm_gflops() -> float:
    import jax
    import jax.numpy as jnp

    n = 2048
    a = jnp.ones((n, n), jnp.float32)
    multiply = jax.jit(lambda a: a @ a)
    multiply(a).block_until_ready()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        multiply(a).block_until_ready()
        times.append(time.perf_counter() - start)
    return 2 * n**3 / min(times) / 1e9


def gflop_per_epoch(n_songs: int = N_SONGS) -> float:
    """Matrix products alone: steps (no gradient for x), held-out losses, active units."""
    encoder = N_FEATURES * HIDDEN + HIDDEN * 2 * LATENT
    decoder = LATENT * HIDDEN + HIDDEN * N_FEATURES
    step = 3 * (encoder + decoder) - N_FEATURES * HIDDEN
    n_unseen = n_heldout(n_songs)
    n_train = n_songs - n_unseen
    return 2 * (n_train * step + n_unseen * (encoder + decoder) + n_train * encoder) / 1e9


def main(epochs: int) -> None:
    import jax

    ours, members = Ours(*make_data(), epochs), sweep(32)
    ours.fit(members)
    before = sgemm_gflops()
    seconds, _ = ours.fit(members)
    peak = (before + sgemm_gflops()) / 2
    reached = len(members) * epochs * gflop_per_epoch() / seconds
    print(
        f"{len(members)} models, {epochs} epochs, {len(jax.devices())} devices: {seconds:.1f} s, "
        f"{reached:.0f} GFLOP/s in matrix products; sgemm peak {peak:.0f}; {reached / peak:.0%}"
    )
    print(json.dumps({"epochs": epochs, "seconds": seconds, "gflops": reached, "peak": peak}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
