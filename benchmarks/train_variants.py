"""Variants of the training step, timed in turn on one device: which of them pay.

First the kernels of one call of the training as it is, by total time. Then each variant: seconds
per 100 epochs of a sweep, minimum of 3, its compile, and its last held-out loss.
usage: python benchmarks/train_variants.py [--members 256] [--epochs 5] [--only NAME ...]
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from unittest.mock import patch

import jax
import jax.numpy as jnp
import numpy as np
import optax
from roofline import N_FEATURES, N_SONGS, make_data, sweep

from musicvae_jax.config import ModelConfig, TrainConfig
from musicvae_jax.training import Data, Examples, adam, make_epochs, make_model

B1, B2, EPS = 0.9, 0.999, 1e-8
_EPOCHS = "musicvae_jax.training.epochs"


def folded(learning_rate: Any) -> optax.GradientTransformation:
    """Adam with the bias corrections in its step size and epsilon."""

    def make(learning_rate: Any) -> optax.GradientTransformation:
        def init(params: Any) -> Any:
            zeros = jax.tree.map(jnp.zeros_like, params)
            return optax.ScaleByAdamState(jnp.zeros((), jnp.int32), zeros, zeros)

        def update(gradient: Any, state: Any, params: Any = None) -> Any:  # noqa: ARG001
            count = state.count + 1
            mu = jax.tree.map(lambda g, m: (1 - B1) * g + B1 * m, gradient, state.mu)
            nu = jax.tree.map(lambda g, v: (1 - B2) * g * g + B2 * v, gradient, state.nu)
            root = jnp.sqrt(1 - B2**count)
            size, eps = -learning_rate * root / (1 - B1**count), EPS * root
            updates = jax.tree.map(lambda m, v: size * m / (jnp.sqrt(v) + eps), mu, nu)
            return updates, optax.ScaleByAdamState(count, mu, nu)

        return optax.GradientTransformation(init, update)

    return optax.inject_hyperparams(lambda learning_rate: make(learning_rate))(learning_rate)


def flat(learning_rate: Any) -> optax.GradientTransformation:
    return optax.inject_hyperparams(lambda learning_rate: optax.flatten(optax.adam(learning_rate)))(
        learning_rate
    )


def after_all_gradients(optimiser: Any) -> Any:
    """No update before all gradients are there, so that no parameter has to be copied."""

    def make(learning_rate: Any) -> optax.GradientTransformation:
        one = optimiser(learning_rate)

        def update(gradient: Any, state: Any, params: Any = None) -> Any:
            gradient, params = jax.lax.optimization_barrier((gradient, params))
            return one.update(gradient, state, params)

        return optax.GradientTransformation(one.init, update)

    return make


def unrolled(n: int) -> Callable[..., Any]:
    scan = jax.lax.scan

    def unrolled_scan(body: Any, init: Any, xs: Any) -> Any:
        return scan(body, init, xs, unroll=n if isinstance(xs, tuple) else 1)

    return unrolled_scan


def no_noise(key: jax.Array, index: jax.Array, latent: int) -> jax.Array:
    """Free noise, to see what drawing it costs."""
    return jnp.sin(jax.random.key_data(key)[0] + index[:, None] + jnp.arange(latent))


class Variant(NamedTuple):
    optimiser: Any = adam
    patches: Mapping[str, Any] = MappingProxyType({})
    options: Mapping[str, Any] = MappingProxyType({})
    precision: str = "default"


VARIANTS = {
    "as it is": Variant(),
    "bias folded": Variant(folded),
    "after all gradients": Variant(after_all_gradients(adam)),
    "both": Variant(after_all_gradients(folded)),
    "free noise": Variant(patches={f"{_EPOCHS}.example_noise": no_noise}),
    "no active units": Variant(patches={f"{_EPOCHS}._active_units": lambda *_: jnp.int32(0)}),
    "unroll 4": Variant(patches={f"{_EPOCHS}.jax.lax.scan": unrolled(4)}),
    "no command buffers": Variant(options={"xla_gpu_enable_command_buffer": ""}),
    "no triton gemm": Variant(options={"xla_gpu_enable_triton_gemm": False}),
    "no cublas": Variant(options={"xla_gpu_cublas_fallback": False}),
    "autotune 0": Variant(options={"xla_gpu_autotune_level": 0}),
    "gradient step": Variant(lambda rate: optax.inject_hyperparams(optax.sgd)(rate)),
    "flat": Variant(flat),
    "bfloat16 products": Variant(precision="bfloat16"),
}


class Built(NamedTuple):
    run: Callable[..., Any]
    state: Any
    seconds: tuple[float, float, float]


def build(variant: Variant, members: list[tuple[float, int]], n_epochs: int) -> Built:
    """The compiled program, its first state, and seconds to trace, lower and compile."""
    train, heldout = make_data()
    data = jax.device_put(Data(Examples(train), Examples(heldout)))
    model = make_model(ModelConfig(), (N_FEATURES,))
    betas, seeds = (jnp.array(values) for values in zip(*members, strict=True))
    keys = jax.vmap(jax.random.key)(seeds.astype(jnp.uint32))
    with ExitStack() as stack:
        for name, value in variant.patches.items():
            stack.enter_context(patch(name, value))
        stack.enter_context(jax.default_matmul_precision(variant.precision))
        start, run = make_epochs(model, TrainConfig(epochs=10**6), optimiser=variant.optimiser)
        state = jax.jit(jax.vmap(lambda key: start(key, data, jnp.float32(1e-3))))(keys)

        def run_all(state: Any, keys: Any, betas: Any, data: Any, epochs: Any) -> Any:
            one = lambda s, k, b: run(s, k, data, b, epochs)  # noqa: E731
            return jax.vmap(one)(state, keys, betas)

        times = [time.perf_counter()]
        traced = jax.jit(run_all, donate_argnums=0).trace(
            state, keys, betas, data, jnp.arange(n_epochs)
        )
        times.append(time.perf_counter())
        lowered = traced.lower()
        times.append(time.perf_counter())
        program = lowered.compile(compiler_options=dict(variant.options) or None)
        times.append(time.perf_counter())

    def call(state: Any, epochs: Any) -> Any:
        return jax.block_until_ready(program(state, keys, betas, data, epochs))

    return Built(call, state, tuple(np.diff(times)))


def time_variant(built: Built, n_epochs: int, n_times: int = 3) -> tuple[float, float, Any]:
    """Seconds per 100 epochs, the least of some calls, the last held-out loss, and the state."""
    state, seconds = built.state, []
    for turn in range(n_times + 1):
        start = time.perf_counter()
        state, history = built.run(state, jnp.arange(n_epochs) + turn * n_epochs)
        seconds.append(time.perf_counter() - start)
    return 100 / n_epochs * min(seconds[1:]), float(history.heldout.negative_elbo[0, -1]), state


def report_kernels(built: Built, state: Any, n_epochs: int, n_members: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            built.run(state, jnp.arange(n_epochs))
        (path,) = Path(folder).rglob("*.xplane.pb")
        found = jax.profiler.ProfileData.from_file(str(path))
        for plane in found.planes:
            if not plane.name.startswith("/device"):
                continue
            for line in plane.lines:
                total, count = Counter(), Counter()
                for event in line.events:
                    total[event.name] += event.duration_ns
                    count[event.name] += 1
                print(f"\n{plane.name}, {line.name}: {sum(total.values()) / 1e6:.1f} ms")
                for name, nanoseconds in total.most_common(25):
                    print(f"  {nanoseconds / 1e6:8.2f} ms {count[name]:6d} x {name[:110]}")
    n_steps = n_epochs * -(-(N_SONGS - len(make_data()[1])) // 32)
    print(f"({n_members} members, {n_steps} steps)", flush=True)


def main(options: argparse.Namespace) -> None:
    device = jax.devices()[0]
    rows = []
    for n_members in options.members:
        print(f"\n{n_members} members, {device.device_kind}, jax {jax.__version__}")
        for name in options.only or VARIANTS:
            try:
                built = build(VARIANTS[name], sweep(n_members), options.epochs)
                seconds, loss, state = time_variant(built, options.epochs)
            except (jax.errors.JaxRuntimeError, ValueError, TypeError) as error:
                print(f"| {name} | failed: {str(error).splitlines()[0][:200]} |", flush=True)
                continue
            row = {"members": n_members, "name": name, "seconds": seconds, "loss": loss}
            rows.append(row | {"compile": built.seconds})
            parts = ", ".join(f"{part:.1f}" for part in built.seconds)
            print(f"| {name} | {seconds:.2f} s | {parts} | {loss:.3f} |", flush=True)
            if name == "as it is":
                try:
                    report_kernels(built, state, options.epochs, n_members)
                except (jax.errors.JaxRuntimeError, ValueError) as error:
                    print(f"no kernels: {str(error)[:200]}", flush=True)
            if options.json:
                options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, nargs="*", default=[256, 1])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=VARIANTS)
    parser.add_argument("--json", type=Path)
    main(parser.parse_args())
