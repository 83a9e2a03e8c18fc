"""Features that stream from the host train the same model as features on the devices."""

from dataclasses import replace
from functools import cache

import jax
import numpy as np
import pytest

from musicvae_jax.config import CropConfig, Member, ModelConfig, TrainConfig
from musicvae_jax.devices import make_mesh
from musicvae_jax.errors import StoppedError
from musicvae_jax.streaming import RowSource, loop, train_streamed_members
from musicvae_jax.sweeps import train_members
from musicvae_jax.training import Examples, make_model
from musicvae_jax.unfinished import KeepConfig, keep_in

N_SONGS, N_FEATURES = 40, 12
# 27 songs in batches of 8: three full ones and one of 3.
CONFIG = TrainConfig(epochs=4, batch_size=8)
MEMBERS = (Member(1.0, 1e-3, 4), Member(4.0, 1e-2, 9))
# Songs on each side are neither neighbours nor in order.
TRAIN, HELDOUT = np.split(np.random.default_rng(5).permutation(N_SONGS)[:36], [27])
KINDS = ("ae", "vae", "cvae")


@cache
def source(kind):
    """The autoencoders lack some features of some songs, as of songs without lyrics."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N_SONGS, N_FEATURES)).astype(np.float32)
    weight = np.ones_like(x)
    weight[::3, 8:] = 0
    condition = np.eye(3, dtype=np.float32)[np.arange(N_SONGS) % 3] if kind == "cvae" else None
    return RowSource(Examples(x * weight, condition, weight), TRAIN, HELDOUT)


def model(kind):
    config = ModelConfig(kind="ae" if kind == "ae" else "vae", hidden=(16,), latent=4)
    return make_model(config, CropConfig(), N_FEATURES)


def step_bytes(kind):
    return CONFIG.batch_size * source(kind).example_bytes


@cache
def on_devices(kind, config=CONFIG):
    return train_members(
        model(kind), config, MEMBERS, source(kind).data(), mesh=make_mesh(len(MEMBERS), 1)
    )


def streamed(kind, config=CONFIG, **options):
    return train_streamed_members(model(kind), config, source(kind), MEMBERS, **options)


def assert_same(found, expected):
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), found, expected
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps_per_chunk", [1, 3, 100])
def test_streaming_changes_no_numbers(kind, steps_per_chunk):
    assert_same(streamed(kind, chunk_bytes=steps_per_chunk * step_bytes(kind)), on_devices(kind))


@pytest.mark.parametrize(("n_devices", "layout"), [(1, (1, 1)), (4, (2, 2)), (8, (2, 4))])
def test_devices_that_share_batches_change_no_numbers(n_devices, layout):
    mesh = make_mesh(len(MEMBERS), n_devices)
    assert mesh.devices.shape == layout
    found = streamed("cvae", mesh=mesh, chunk_bytes=2 * step_bytes("cvae"))
    assert_same(found, on_devices("cvae"))


def test_the_size_of_a_block_does_not_change_the_history(monkeypatch):
    monkeypatch.setattr(RowSource, "n_at_once", 5)
    assert_same(streamed("cvae"), on_devices("cvae"))


def test_a_batch_may_be_larger_than_the_data():
    config = replace(CONFIG, batch_size=500)
    assert_same(streamed("vae", config), on_devices("vae", config))


def test_features_may_be_memory_mapped(tmp_path):
    in_memory = source("cvae")
    parts = []
    for name, part in in_memory.examples._asdict().items():
        np.save(tmp_path / f"{name}.npy", part)
        parts.append(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
    mapped = in_memory._replace(examples=Examples(*parts))
    found = train_streamed_members(model("cvae"), CONFIG, mapped, MEMBERS)
    assert_same(found, on_devices("cvae"))


def test_members_share_one_compilation():
    streamed("vae", mesh=make_mesh(2, 1))
    before = loop._run_steps._cache_size()
    other = [Member(2.0, 1e-4, 7)]
    train_streamed_members(model("vae"), CONFIG, source("vae"), other, mesh=make_mesh(1, 1))
    assert loop._run_steps._cache_size() == before


def test_a_training_that_diverges_ends_as_on_the_devices():
    wild = [Member(1.0, 1e18, 0)]
    config = replace(CONFIG, epochs=6)
    _, expected = train_members(model("vae"), config, wild, source("vae").data())
    _, found = train_streamed_members(model("vae"), config, source("vae"), wild)
    finite = np.isfinite(found.train.negative_elbo)
    assert not finite.all()
    np.testing.assert_array_equal(finite, np.isfinite(expected.train.negative_elbo))


@pytest.mark.parametrize(("stop_after", "devices_after"), [(2, 1), (6, 1), (6, 4)])
def test_a_stopped_training_goes_on_with_the_same_numbers(tmp_path, stop_after, devices_after):
    """Stopped within an epoch and at its end, after so many chunks of all members together."""
    asked = []

    def stops():
        asked.append(1)
        return len(asked) >= stop_after

    def run(should_stop, n_devices, told=None):
        keep = KeepConfig(every=1, kept=2, seconds_between=0.0)
        return streamed(
            "cvae",
            mesh=make_mesh(len(MEMBERS), n_devices),
            on_epochs=told,
            keeping=lambda part: keep_in(tmp_path, keep, should_stop, print, part),
            chunk_bytes=2 * step_bytes("cvae"),
        )

    with pytest.raises(StoppedError):
        run(stops, 1)
    told = []
    assert_same(run(lambda: False, devices_after, told.append), on_devices("cvae"))
    assert sum(told) == len(MEMBERS) * CONFIG.epochs


def test_bytes_are_those_of_both_sides():
    bytes_each = 4 * (N_FEATURES + 3 + N_FEATURES)
    assert source("cvae").n_bytes == (27 + 9) * bytes_each
    data = source("cvae").data()
    assert source("cvae").n_bytes == sum(leaf.nbytes for leaf in jax.tree.leaves(data))
