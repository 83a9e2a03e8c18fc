"""The commands offered at the end of a run: each is read by the command that it calls."""

import shlex
import sys
from dataclasses import replace
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import tyro

import musicvae_jax
from experiments import next_steps as offered
from experiments import run, suite
from musicvae_jax.config import DataConfig, TrainConfig
from musicvae_jax.registry import EXPERIMENTS
from musicvae_jax.songs import DEMO_PATH

ODD = Path("my songs/it's $5 & more")


def steps(named="easy_vae", path=None, music=Path("no such folder"), **changes):
    asked = replace(EXPERIMENTS[named].experiment, data=DataConfig(path=path), **changes)
    return offered.next_steps(asked, path or DEMO_PATH, 7, music)


def read(command):
    """What a command's own parser makes of it."""
    python, option, module, *arguments = shlex.split(command)
    assert (python, option) == ("python", "-m")
    if module == "experiments.run":
        return run._parse(arguments).experiment
    if module == "experiments.suite":
        return tyro.cli(suite.Command, args=arguments)
    assert module == "musicvae_jax.assign"
    return tyro.cli(assign_command(), args=arguments)


@cache
def assign_command():
    """The command's class; once the module is imported, its name is the function's."""
    path = Path(musicvae_jax.__file__).with_name("assign.py")
    module = module_from_spec(spec_from_file_location("assign_command", path))
    module.__spec__.loader.exec_module(module)
    # tyro reads the options' help there.
    sys.modules[module.__name__] = module
    return module.Command


@pytest.mark.parametrize("name", EXPERIMENTS)
@pytest.mark.parametrize("path", [None, ODD])
def test_every_experiment_offers_three_commands_on_its_songs(name, path):
    another, together, further = [read(step.command) for step in steps(name, path)]
    assert another.data.path == together.data.path == path
    assert another.cluster.k == together.k == 7
    assert together.names == ("easy",)
    assert all(step.purpose for step in steps(name, path))
    if path is None and not EXPERIMENTS[name].experiment.all_text_blocks:
        assert (further.name, further.cluster.k) == ("hard_mopoe", 7)
    else:
        assert further.model == EXPERIMENTS[name].experiment.results_dir
        assert further.songs == (path or DEMO_PATH,)


def test_one_seed_is_tried_again_with_three():
    another = read(steps("easy_vae", ODD)[0].command)
    named = EXPERIMENTS["easy_vae"].experiment
    assert (another.name, another.seeds, another.train) == ("easy_vae", (0, 1, 2), named.train)


@pytest.mark.parametrize(
    ("name", "changes", "other"),
    [
        ("hard_cvae", {}, "easy_vae"),
        ("hard_cvae_language", {}, "easy_vae"),
        ("easy_pca", {}, "hard_vade"),
        ("easy_vae", {"seeds": (0, 1)}, "hard_vade"),
        ("hard_vade", {"seeds": (0, 1)}, "easy_vae"),
        # Its other options would be lost.
        ("easy_vae", {"train": TrainConfig(epochs=3)}, "hard_vade"),
        ("easy_vae", {"name": "mine"}, "hard_vade"),
    ],
)
def test_otherwise_another_model_is_offered(name, changes, other):
    another = read(steps(name, **changes)[0].command)
    named = EXPERIMENTS[other].experiment
    # Only the mixture of hard_vade has components of its own; they become clusters.
    n = 7 if other == "hard_vade" else named.model.components
    assert another == replace(
        named,
        cluster=replace(named.cluster, k=7),
        model=replace(named.model, components=n),
    )


@pytest.mark.parametrize("path", [None, ODD])
@pytest.mark.parametrize(
    ("name", "other"),
    [("easy_vae", "easy_vae"), ("easy_pca", "hard_vade"), ("hard_cvae", "easy_vae")],
)
def test_the_songs_are_read_as_before(name, other, path):
    # Without its role, the column of the genre would become a feature.
    columns = ("genre=the class", "drop=f2")
    data = DataConfig(path, "full", 12.5, 90.0, columns, 0.3, 4, "no")
    asked = replace(EXPERIMENTS[name].experiment, data=data)
    another, together, further = [
        read(step.command) for step in offered.next_steps(asked, path or DEMO_PATH, 7, Path("none"))
    ]
    assert another.name == other
    assert another.data == together.data == data
    assert path or further.data == data


def test_a_plain_model_is_not_called_the_same():
    assert steps("hard_cvae")[0].purpose == "a plain VAE, not given the genre"


def test_after_the_demo_set_a_folder_of_music_is_offered_if_there_is_one(tmp_path):
    music = tmp_path / "Music"
    assert "hard_mopoe" in steps(music=music)[2].command
    music.mkdir()
    own = read(steps(music=music)[2].command)
    assert (own.name, own.data.path) == ("easy_vae", music)
    assert "assign" in steps(path=ODD, music=music)[2].command


def test_another_output_folder_is_where_songs_are_assigned():
    out = Path("runs/it's one")
    assert read(steps(path=ODD, output_dir=out)[2].command).model == out
