import os
import pickle
import subprocess
import sys
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from musicvae_jax.config import CropConfig, Member, ModelConfig, TrainConfig
from musicvae_jax.runtime.devices import make_mesh
from musicvae_jax.training import Data, Examples, make_model, make_train, sweeps
from musicvae_jax.training.sweeps import train_members

MODEL = make_model(ModelConfig(hidden=(8,), latent=3), CropConfig(), 6)
CONFIG = TrainConfig(epochs=7, batch_size=4)
MEMBERS = (Member(1.0, 1e-3, 4), Member(4.0, 1e-3, 9), Member(4.0, 1e-2, 9))


@pytest.fixture(scope="module")
def data():
    x = np.random.default_rng(0).normal(size=(13, 6)).astype(np.float32)
    return Data(Examples(jnp.asarray(x[:10])), Examples(jnp.asarray(x[10:])))


@pytest.fixture(scope="module")
def swept(data):
    return train_members(MODEL, CONFIG, MEMBERS, data)


def assert_trees_close(a, b, **tolerance):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, **tolerance), a, b)


def member_of(trees, place):
    return jax.tree.map(lambda leaf: leaf[place], trees)


def test_members_are_single_runs(data, swept):
    train = jax.jit(make_train(MODEL, CONFIG))
    for place, (beta, learning_rate, seed) in enumerate(MEMBERS):
        expected = train(jax.random.key(seed), data, beta, learning_rate)
        assert_trees_close(member_of(swept, place), expected, rtol=1e-5, atol=1e-6)


def test_side_by_side_as_on_an_accelerator_is_the_same_sweep(data, swept, monkeypatch):
    monkeypatch.setattr(sweeps, "is_cpu_core", lambda device: False)
    sweeps._program.cache_clear()
    side_by_side = train_members(MODEL, CONFIG, MEMBERS, data)
    sweeps._program.cache_clear()
    assert_trees_close(side_by_side, swept, rtol=1e-4, atol=1e-5)


def test_a_sweep_larger_than_memory_is_cut(data, swept):
    calls = []
    cut = train_members(MODEL, CONFIG, MEMBERS, data, calls.append, state_bytes=1)
    assert_trees_close(cut, swept, rtol=1e-5, atol=1e-6)
    # One member after the other, told every five epochs.
    assert calls == [5, 2] * 3


def test_progress_counts_the_epochs_of_all_members(data):
    calls = []
    train_members(MODEL, CONFIG, MEMBERS, data, calls.append)
    assert sum(calls) == 3 * 7


def test_a_member_that_diverges_leaves_the_others_alone(data):
    wild = MEMBERS[0]._replace(learning_rate=1e18)
    _, history = train_members(MODEL, CONFIG, (wild, MEMBERS[0]), data)
    finite = np.isfinite(history.train.negative_elbo)
    assert not finite[0, -1]
    assert finite[1].all()


@pytest.mark.parametrize("n_members", [1, 3])
def test_any_number_of_devices_gives_the_same_numbers(data, swept, tmp_path, n_members):
    """Two CPU devices in a process of their own: fewer and more members than devices."""
    script = tmp_path / "sweep.py"
    script.write_text(
        "import pickle, sys\n"
        "import jax\n"
        "from musicvae_jax.training.sweeps import train_members\n"
        "assert len(jax.devices()) == 2\n"
        "arguments = pickle.load(open(sys.argv[1], 'rb'))\n"
        "pickle.dump(train_members(*arguments), open(sys.argv[2], 'wb'))\n"
    )
    arguments = (MODEL, CONFIG, MEMBERS[:n_members], jax.device_get(data))
    (tmp_path / "in").write_bytes(pickle.dumps(arguments))
    environment = os.environ | {"JAX_NUM_CPU_DEVICES": "2", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, script, tmp_path / "in", tmp_path / "out"]
    subprocess.run(command, check=True, env=environment)
    found = pickle.loads((tmp_path / "out").read_bytes())
    expected = jax.tree.map(lambda leaf: leaf[:n_members], swept)
    assert_trees_close(found, expected, rtol=1e-5, atol=1e-6)


def test_the_same_training_is_traced_once(data):
    before = sweeps._program.cache_info()
    for config in (CONFIG, replace(CONFIG, beta=(1.0, 4.0), learning_rate=(0.5,))):
        train_members(MODEL, config, MEMBERS, data)
    after = sweeps._program.cache_info()
    assert after.hits > before.hits
    assert after.misses <= before.misses + 1
    program = sweeps._program(MODEL, CONFIG, make_mesh(len(MEMBERS)))
    traced = program.run._cache_size()
    train_members(MODEL, CONFIG, MEMBERS, data)
    assert program.run._cache_size() == traced
