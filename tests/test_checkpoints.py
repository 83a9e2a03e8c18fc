import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from musicvae_jax import lyrics
from musicvae_jax.checkpoints import (
    Checkpoint,
    find_trained,
    load_checkpoint,
    member_of,
    save_checkpoint,
    training_key,
    training_settings,
)
from musicvae_jax.config import DataConfig, Experiment, LyricsConfig, ModelConfig, TrainConfig
from musicvae_jax.errors import InputError
from musicvae_jax.features import Scaler
from musicvae_jax.runtime.devices import make_mesh, place
from musicvae_jax.training import Examples, History, Losses, init_state, make_model

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
    model = make_model(experiment.model, experiment.crops, 7)
    members = [
        init_state(model, jax.random.key(member.seed), examples, member.learning_rate)
        for member in experiment.members
    ]
    state = jax.tree.map(lambda *leaves: jnp.stack(leaves) + 1, *members)
    scaler = Scaler(np.arange(7, dtype=np.float32), np.full(7, 2, np.float32))
    numbers = np.arange(7 * len(members), dtype=np.float32).reshape(len(members), 7)
    history = History(
        Losses(*(numbers + i for i in range(3))),
        Losses(*(numbers - i for i in range(3))),
        numbers.astype(np.int32),
    )
    vocabularies = {"genre": ("a", "b", "c"), "language": ()}
    return Checkpoint(experiment, state, history, scaler, vocabularies, None, "key of it")


def assert_same(a, b):
    assert a.experiment == b.experiment
    assert a.vocabularies == b.vocabularies
    assert jax.tree.structure(a.state) == jax.tree.structure(b.state)
    assert a.key == b.key
    same = (a.state, a.scaler, a.history), (b.state, b.scaler, b.history)
    jax.tree.map(np.testing.assert_array_equal, *same)


@pytest.mark.parametrize(
    "model",
    [
        EXPERIMENT.model,
        replace(EXPERIMENT.model, condition="none"),
        replace(EXPERIMENT.model, condition="none", kind="ae"),
    ],
)
def test_everything_comes_back(tmp_path, model):
    train = replace(EXPERIMENT.train, beta=(0.0,) if model.kind == "ae" else (1.0, 4.0))
    saved = make_checkpoint(replace(EXPERIMENT, model=model, train=train))
    save_checkpoint(tmp_path / "c", saved)
    assert_same(load_checkpoint(tmp_path / "c"), saved)


def test_a_relative_folder_works():
    save_checkpoint(Path("here"), make_checkpoint())
    assert_same(load_checkpoint(Path("here")), make_checkpoint())


def test_checkpoints_of_eight_devices_restore_on_one_and_the_reverse(tmp_path):
    """Another process has one device; it restores what this one saved, and saves its own."""
    mesh = make_mesh(1, 8)
    checkpoint = make_checkpoint()
    state = place(checkpoint.state, mesh)
    assert len(jax.tree.leaves(state)[0].sharding.device_set) == 8
    save_checkpoint(tmp_path / "eight", checkpoint._replace(state=state))
    code = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
import jax
from test_checkpoints import assert_same, make_checkpoint
from musicvae_jax.checkpoints import load_checkpoint, save_checkpoint
jax.config.update("jax_num_cpu_devices", 1)
assert jax.device_count() == 1
assert_same(load_checkpoint(Path({str(tmp_path / "eight")!r})), make_checkpoint())
save_checkpoint(Path({str(tmp_path / "one")!r}), make_checkpoint())
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert_same(load_checkpoint(tmp_path / "one"), checkpoint)


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


def test_a_fitted_lyrics_transform_comes_back(tmp_path):
    texts = pd.Series([f"word{i} of song {i * i}" for i in range(12)])
    languages = pd.Series(["en", "pt"] * 6)
    config = LyricsConfig(runtime="tfidf", components=3, centred=True)
    fitted, vectors = lyrics.fit_transform(texts, languages, np.arange(10), config, tmp_path)
    save_checkpoint(tmp_path / "c", make_checkpoint()._replace(lyrics=fitted))
    restored = load_checkpoint(tmp_path / "c").lyrics
    again = lyrics.transform(restored, texts, languages, tmp_path)
    np.testing.assert_array_equal(again.values, vectors.values)


def test_one_beta_of_a_sweep_is_a_checkpoint_of_its_own():
    sweep = make_checkpoint(replace(EXPERIMENT, train=replace(EXPERIMENT.train, beta=(1.0, 4.0))))
    part = member_of(sweep, 4.0)
    assert part.experiment.members == ((4.0, 1e-3, 3), (4.0, 1e-3, 5))
    np.testing.assert_array_equal(part.history.train.kl, np.asarray(sweep.history.train.kl)[2:])
    first = [np.asarray(jax.tree.leaves(c.state)[0]) for c in (part, sweep)]
    np.testing.assert_array_equal(first[0], first[1][2:])
    assert part.key != sweep.key


def key_of(*made_of):
    return training_key(training_settings(*made_of))


def test_the_training_key_knows_what_a_training_depends_on():
    key = key_of(EXPERIMENT, "data", "code")
    unimportant = replace(EXPERIMENT, name="other", fuse=(), output_dir=Path("x"))
    assert key_of(unimportant, "data", "code") == key
    moved = replace(EXPERIMENT, data=DataConfig(path=Path("elsewhere.parquet")))
    assert key_of(moved, "data", "code") == key
    others = [
        key_of(EXPERIMENT, "other data", "code"),
        key_of(EXPERIMENT, "data", "other code"),
        key_of(replace(EXPERIMENT, seeds=(3,)), "data", "code"),
        key_of(replace(EXPERIMENT, train=TrainConfig(epochs=8)), "data", "code"),
        key_of(replace(EXPERIMENT, data=DataConfig(split_seed=1)), "data", "code"),
    ]
    assert len({key, *others}) == 6


def test_a_training_is_found_by_its_key(tmp_path):
    save_checkpoint(tmp_path / "a", make_checkpoint()._replace(key="one"))
    save_checkpoint(tmp_path / "b", make_checkpoint()._replace(key="two"))
    (tmp_path / "c" / "1" / "meta").mkdir(parents=True)
    (tmp_path / "c" / "1" / "meta" / "metadata").write_text("damaged")
    folders = sorted(tmp_path.iterdir())
    assert find_trained(folders, "two") == tmp_path / "b"
    assert find_trained(folders, "three") is None
