"""The same numbers on one device and on eight simulated ones (see conftest)."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from musicvae_jax import bridge
from musicvae_jax.config import CropConfig, Member, ModelConfig, TrainConfig
from musicvae_jax.errors import InputError
from musicvae_jax.runtime.devices import make_mesh
from musicvae_jax.training import Data, Examples, make_model
from musicvae_jax.training.sweeps import train_members

MODEL = make_model(ModelConfig(hidden=(16,), latent=4), CropConfig(), 12)
# 10 epochs of 5 steps, the last of which has 3 songs.
CONFIG = TrainConfig(epochs=10, batch_size=10)
MEMBERS = [Member(1.0, 1e-3, 0), Member(4.0, 1e-3, 0), Member(1.0, 1e-2, 3), Member(2.0, 1e-3, 7)]


@pytest.fixture(scope="module")
def data():
    x = np.random.default_rng(1).normal(size=(52, 12)).astype(np.float32)
    condition = np.eye(3, dtype=np.float32)[np.arange(52) % 3]
    return Data(Examples(x[:43], condition[:43]), Examples(x[43:], condition[43:]))


def train(data, n_members, devices, config=CONFIG):
    mesh = make_mesh(n_members, devices)
    return train_members(MODEL, config, MEMBERS[:n_members], data, mesh=mesh)


def assert_close(found, expected):
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), found, expected
    )


@pytest.mark.parametrize(
    ("n_members", "n_devices", "layout"), [(1, 8, (1, 8)), (4, 8, (4, 2)), (3, 8, (2, 4))]
)
def test_eight_devices_train_as_one_does(data, n_members, n_devices, layout):
    assert make_mesh(n_members, n_devices).devices.shape == layout
    (one, one_history), (eight, eight_history) = (
        train(data, n_members, devices) for devices in (1, n_devices)
    )
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5),
        eight.params,
        one.params,
    )
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), eight_history, one_history
    )


def test_free_bits_are_of_the_whole_batch_on_any_devices(data):
    """Of a batch of ten, eight devices have two songs each or what fills up; so has the last."""
    config = replace(CONFIG, free_bits=0.3, kl_warmup="linear")
    one, eight = (train(data, 1, devices, config) for devices in (1, 8))
    assert_close(eight[1], one[1])
    assert_close(eight[0].params, one[0].params)
    plain = train(data, 1, 1)
    assert np.abs(plain[1].train.kl - one[1].train.kl).max() > 0.02


@pytest.mark.parametrize("n_songs", [1, 8, 43])
def test_encoding_keeps_the_order_of_songs_on_any_devices(data, n_songs, monkeypatch):
    monkeypatch.setattr(bridge, "_ENCODED_AT_ONCE", 3)
    params = train(data, 1, 1)[0].params
    x, condition = data.train.x[:n_songs], data.train.condition[:n_songs]
    one, eight = (bridge.encode(MODEL, params, x, condition, make_mesh(1, n)) for n in (1, 8))
    assert eight.shape == (1, n_songs, 4)
    np.testing.assert_allclose(eight, one, atol=1e-5)
    # Songs one by one have the latents they have among others.
    last = bridge.encode(MODEL, params, x[-1:], condition[-1:], make_mesh(1, 1))
    np.testing.assert_allclose(eight[:, -1:], last, atol=1e-5)


def test_the_mesh_takes_members_first():
    shapes = {
        (members, wanted): make_mesh(members, wanted).devices.shape
        for members in (1, 3, 20)
        for wanted in (None, 6, "all")
    }
    assert shapes == {
        # By default the cores of a CPU do not share batches.
        **{(1, None): (1, 1), (3, None): (3, 1), (20, None): (8, 1)},
        **{(1, 6): (1, 6), (3, 6): (3, 2), (20, 6): (6, 1)},
        **{(1, "all"): (1, 8), (3, "all"): (2, 4), (20, "all"): (8, 1)},
    }


def test_more_devices_than_there_are_is_an_error():
    with pytest.raises(InputError, match="devices: got 9, expected at most 8"):
        make_mesh(1, 9)
