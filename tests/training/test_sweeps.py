import pickle
import subprocess
import sys
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from processes import clean_environment
from sweepmodels import Counts, assert_trees_close

from musicvae_jax.config import Member, ModelConfig, TrainConfig
from musicvae_jax.errors import InputError
from musicvae_jax.runtime.devices import make_mesh
from musicvae_jax.training import Data, Examples, adam, make_model, make_train, sweeps
from musicvae_jax.training.sweeps import train_members

pytestmark = pytest.mark.usefixtures("default_optimisations")

MODEL = make_model(ModelConfig(hidden=(8,), latent=3), (6,))
CONFIG = TrainConfig(epochs=7, batch_size=4)
MEMBERS = (Member(1.0, 1e-3, 4), Member(4.0, 1e-3, 9), Member(4.0, 1e-2, 9))


@pytest.fixture(scope="module")
def data():
    x = np.random.default_rng(0).normal(size=(13, 6)).astype(np.float32)
    return Data(Examples(jnp.asarray(x[:10])), Examples(jnp.asarray(x[10:])))


@pytest.fixture(scope="module")
def swept(default_optimisations, data):
    return train_members(MODEL, CONFIG, MEMBERS, data)


def test_another_default_of_jaxs_generators_changes_nothing(data, swept, other_generators):
    other_generators()
    assert_trees_close(train_members(MODEL, CONFIG, MEMBERS, data), swept)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([], r"^members: got \[\], expected at least one"),
        ([Member(1.0, 1e-3, -1)], r"^seeds: got \[-1\], expected seeds from 0 to"),
    ],
)
def test_members_that_cannot_be_trained_are_named(data, members, message):
    with pytest.raises(InputError, match=message):
        train_members(MODEL, CONFIG, members, data)


def test_data_without_training_examples_are_refused(data):
    nothing = jax.tree.map(lambda leaf: leaf[:0], data.train)
    with pytest.raises(InputError, match=r"^data: got 0 training and 3 held-out examples"):
        train_members(MODEL, CONFIG, MEMBERS, data._replace(train=nothing))


def member_of(trees, place):
    return jax.tree.map(lambda leaf: leaf[place], trees)


def test_members_are_single_runs(data, swept):
    train = jax.jit(make_train(MODEL, CONFIG))
    for place, (beta, learning_rate, seed) in enumerate(MEMBERS):
        expected = train(jax.random.key(seed), data, beta, learning_rate)
        assert_trees_close(member_of(swept, place), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_side_by_side_as_on_an_accelerator_is_the_same_sweep(data, swept, monkeypatch):
    monkeypatch.setattr(sweeps, "is_cpu_core", lambda device: False)
    sweeps._program.cache_clear()
    side_by_side = train_members(MODEL, CONFIG, MEMBERS, data)
    sweeps._program.cache_clear()
    assert_trees_close(side_by_side, swept, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_sweep_larger_than_memory_is_cut(data, swept):
    counts = Counts()
    cut = train_members(MODEL, CONFIG, MEMBERS, data, counts, state_bytes=1)
    assert_trees_close(cut, swept, rtol=1e-5, atol=1e-6)
    # One member after the other, reported every five epochs.
    assert counts.members == [(0, 1), (0, 1), (1, 1), (1, 1), (2, 1), (2, 1)]
    assert counts.epochs == [(0, 5), (5, 2)] * 3
    assert not any(counts.restored)


def test_the_histories_that_are_reported_are_the_whole_history(data, swept):
    reported = []
    train_members(
        *(MODEL, CONFIG, MEMBERS, data),
        lambda first_member, first_epoch, history, is_restored: reported.append(history),
    )
    whole = jax.tree.map(lambda *parts: np.concatenate(parts, axis=1), *reported)
    assert_trees_close(whole, swept[1])


def test_the_same_sweep_gives_the_same_numbers(data, swept):
    assert_trees_close(train_members(MODEL, CONFIG, MEMBERS, data), swept)


@pytest.mark.slow
def test_a_member_that_diverges_leaves_the_others_alone(data):
    wild = MEMBERS[0]._replace(learning_rate=1e18)
    _, history = train_members(MODEL, CONFIG, (wild, MEMBERS[0]), data)
    finite = np.isfinite(history.train.negative_elbo)
    assert not finite[0, -1]
    assert finite[1].all()


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.slow
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
    command = [sys.executable, script, tmp_path / "in", tmp_path / "out"]
    subprocess.run(command, check=True, env=clean_environment(JAX_NUM_CPU_DEVICES="2"))
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
    program = sweeps._program(MODEL, CONFIG, make_mesh(len(MEMBERS)), adam)
    traced = program.run._cache_size()
    train_members(MODEL, CONFIG, MEMBERS, data)
    assert program.run._cache_size() == traced
