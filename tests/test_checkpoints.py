import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from musicvae_jax.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from musicvae_jax.config import Experiment, ModelConfig, TrainConfig
from musicvae_jax.errors import InputError
from musicvae_jax.features import Scaler
from musicvae_jax.training import Examples, init_state, make_model

EXPERIMENT = Experiment(
    "tiny",
    model=ModelConfig(hidden=(4,), latent=2, condition="genre"),
    train=TrainConfig(epochs=7),
    seeds=(3, 5),
)


def make_checkpoint(experiment=EXPERIMENT):
    """Seven features, three genres, two seeds; every number different from a fresh start."""
    labelled = experiment.model.condition != "none"
    examples = Examples(jnp.zeros((1, 7)), jnp.zeros((1, 3)) if labelled else None)
    model = make_model(experiment.model, 7)
    members = [
        init_state(model, experiment.train, jax.random.key(seed), examples)
        for seed in experiment.seeds
    ]
    state = jax.tree.map(lambda *leaves: jnp.stack(leaves) + 1, *members)
    scaler = Scaler(np.arange(7, dtype=np.float32), np.full(7, 2, np.float32))
    return Checkpoint(experiment, state, scaler, {"genre": ("a", "b", "c"), "language": ()})


def assert_same(a, b):
    assert a.experiment == b.experiment
    assert a.vocabularies == b.vocabularies
    assert jax.tree.structure(a.state) == jax.tree.structure(b.state)
    jax.tree.map(np.testing.assert_array_equal, (a.state, a.scaler), (b.state, b.scaler))


@pytest.mark.parametrize(
    "model",
    [
        EXPERIMENT.model,
        replace(EXPERIMENT.model, condition="none"),
        replace(EXPERIMENT.model, condition="none", kind="ae"),
    ],
)
def test_everything_comes_back(tmp_path, model):
    train = replace(EXPERIMENT.train, beta=0.0) if model.kind == "ae" else EXPERIMENT.train
    saved = make_checkpoint(replace(EXPERIMENT, model=model, train=train))
    save_checkpoint(tmp_path / "c", saved)
    assert_same(load_checkpoint(tmp_path / "c"), saved)


def test_a_relative_folder_works():
    save_checkpoint(Path("here"), make_checkpoint())
    assert_same(load_checkpoint(Path("here")), make_checkpoint())


def test_a_checkpoint_of_four_devices_restores_on_one(tmp_path):
    """Another process with four devices spreads the state over them and saves it."""
    code = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
import jax
jax.config.update("jax_num_cpu_devices", 4)
from test_checkpoints import make_checkpoint
from musicvae_jax.checkpoints import save_checkpoint
mesh = jax.make_mesh((4,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
everywhere = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
checkpoint = make_checkpoint()
state = jax.device_put(checkpoint.state, everywhere)
assert len(jax.tree.leaves(state)[0].sharding.device_set) == 4
save_checkpoint(Path({str(tmp_path / "c")!r}), checkpoint._replace(state=state))
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert jax.device_count() == 1
    assert_same(load_checkpoint(tmp_path / "c"), make_checkpoint())


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="gone: no such folder"):
        load_checkpoint(tmp_path / "gone")


def test_a_damaged_checkpoint_is_one_clear_error(tmp_path):
    (tmp_path / "5").mkdir()
    with pytest.raises(InputError, match="step 5 cannot be read"):
        load_checkpoint(tmp_path)


def test_a_folder_without_checkpoint_is_named(tmp_path):
    with pytest.raises(InputError, match="holds no checkpoint"):
        load_checkpoint(tmp_path)
    assert list(tmp_path.iterdir()) == []
