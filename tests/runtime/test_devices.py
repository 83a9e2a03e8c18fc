"""The same numbers on one device and on eight simulated ones (see conftest)."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from sweepmodels import ROW_CONFIG, ROW_MEMBERS, ROW_MODEL, assert_trees_close, row_data

from musicvae_jax.errors import InputError
from musicvae_jax.runtime.devices import local_mesh, make_mesh
from musicvae_jax.training import sweeps
from musicvae_jax.training.streaming import RowSource, latents
from musicvae_jax.training.sweeps import train_members

pytestmark = pytest.mark.usefixtures("default_optimisations")


class InBlocks(RowSource):
    """Few rows at once, so that there are several blocks."""

    n_at_once = 3


def train(n_members, devices, config=ROW_CONFIG):
    mesh = make_mesh(n_members, devices)
    return train_members(ROW_MODEL, config, ROW_MEMBERS[:n_members], row_data(), mesh=mesh)


@pytest.fixture(scope="module")
def on_one_device(default_optimisations):
    """All members."""
    return train(len(ROW_MEMBERS), 1)


@pytest.mark.parametrize(("n_members", "layout"), [(1, (1, 8)), (4, (4, 2)), (3, (2, 4))])
@pytest.mark.slow
def test_eight_devices_train_as_one_does(on_one_device, n_members, layout):
    assert make_mesh(n_members, 8).devices.shape == layout
    one, one_history = jax.tree.map(lambda leaf: leaf[:n_members], on_one_device)
    eight, eight_history = train(n_members, 8)
    assert_trees_close(eight.params, one.params, rtol=1e-5, atol=1e-5)
    assert_trees_close(eight_history, one_history, rtol=1e-5)


def test_the_same_training_on_the_same_devices_gives_the_same_numbers():
    # Traced again, as in another process.
    first = train(4, 8)
    sweeps._program.cache_clear()
    jax.clear_caches()
    assert_trees_close(train(4, 8), first)


@pytest.mark.slow
def test_free_bits_are_of_the_whole_batch_on_any_devices(on_one_device):
    """Of a batch of ten, eight devices have two songs each or what fills up; so has the last."""
    config = replace(ROW_CONFIG, free_bits=0.3, kl_warmup="linear")
    one, eight = (train(1, devices, config) for devices in (1, 8))
    assert_trees_close(eight[1], one[1], rtol=1e-5, atol=1e-5)
    assert_trees_close(eight[0].params, one[0].params, rtol=1e-5, atol=1e-5)
    plain = on_one_device[1].train.kl[:1]
    assert np.abs(plain - one[1].train.kl).max() > 0.02


@pytest.mark.parametrize("n_songs", [1, 8, 43])
def test_latents_keep_the_order_of_songs_on_any_devices(on_one_device, n_songs):
    params = jax.tree.map(lambda leaf: leaf[0], on_one_device[0].params)
    train_rows = row_data().train
    songs = np.arange(n_songs)[::-1]
    source = InBlocks(train_rows, songs, songs)
    one, eight = (latents(ROW_MODEL, params, source, songs, make_mesh(1, n)) for n in (1, 8))
    expected = ROW_MODEL.apply(
        params, train_rows.x[songs], train_rows.condition[songs], method="encode"
    ).mean
    assert one.shape == (n_songs, 4)
    np.testing.assert_allclose(one, expected, atol=1e-5)
    np.testing.assert_allclose(eight, expected, atol=1e-5)


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


def test_one_process_alone_uses_the_devices_that_it_would_use_by_default():
    assert local_mesh() == make_mesh(1)


def test_more_devices_than_there_are_is_an_error():
    with pytest.raises(InputError, match="devices: got 9, expected at most 8"):
        make_mesh(1, 9)
