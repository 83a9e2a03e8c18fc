from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

from experiments.registry import EXPERIMENTS
from musicvae_jax.config import (
    ClusterConfig,
    DataConfig,
    Experiment,
    FeatureConfig,
    ModelConfig,
    TrainConfig,
    from_json,
    to_json,
)
from musicvae_jax.errors import InputError

INVALID = [
    (DataConfig, "data.heldout_fraction", {"heldout_fraction": 0.0}),
    (DataConfig, "data.heldout_fraction", {"heldout_fraction": 0.6}),
    (DataConfig, "data.split_seed", {"split_seed": -1}),
    (FeatureConfig, "features.db_range", {"db_range": 0.0}),
    (FeatureConfig, "features.db_range", {"db_range": float("nan")}),
    (FeatureConfig, "features.db_range", {"db_range": 301.0}),
    (ModelConfig, "model.kind", {"kind": "gan"}),
    (ModelConfig, "model.hidden", {"hidden": ()}),
    (ModelConfig, "model.hidden", {"hidden": (256, 0)}),
    (ModelConfig, "model.latent", {"latent": 0}),
    (ModelConfig, "model.condition", {"condition": "artist"}),
    (ModelConfig, "model.condition", {"kind": "pca", "condition": "genre"}),
    (TrainConfig, "train.epochs", {"epochs": 0}),
    (TrainConfig, "train.batch_size", {"batch_size": 0}),
    (TrainConfig, "train.learning_rate", {"learning_rate": -1e-3}),
    (TrainConfig, "train.learning_rate", {"learning_rate": float("inf")}),
    (TrainConfig, "train.beta", {"beta": -1.0}),
    (TrainConfig, "train.beta", {"beta": float("nan")}),
    (TrainConfig, "train.reconstruction", {"reconstruction": "mae"}),
    (ClusterConfig, "cluster.k", {"k": 1}),
    (ClusterConfig, "cluster.k_min", {"k_min": 1}),
    (ClusterConfig, "cluster.k_max", {"k_min": 5, "k_max": 4}),
    (ClusterConfig, "cluster.restarts", {"restarts": 0}),
]


@pytest.mark.parametrize(("kind", "field", "values"), INVALID)
def test_an_invalid_value_is_named_with_what_arrived(kind, field, values):
    with pytest.raises(InputError) as caught:
        kind(**values)
    message = str(caught.value)
    assert message.startswith(field + ": got ")
    assert repr(values[field.split(".")[1]]) in message
    assert "expected" in message


@pytest.mark.parametrize("seeds", [(), (1, 1), (-1,), (2**32,)])
def test_seeds_must_be_different_whole_numbers_from_zero(seeds):
    with pytest.raises(InputError, match=r"^seeds: got "):
        Experiment("x", seeds=seeds)


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b"])
def test_a_name_must_be_a_folder_name(name):
    with pytest.raises(InputError, match=r"^name: got "):
        Experiment(name)


def test_an_autoencoder_takes_no_kl_weight():
    with pytest.raises(InputError, match=r"^train\.beta: got 1\.0"):
        Experiment("x", model=ModelConfig(kind="ae"))


def test_configs_are_frozen():
    with pytest.raises(FrozenInstanceError):
        TrainConfig().beta = 2.0


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_json_round_trip(name):
    experiment = replace(
        EXPERIMENTS[name][1],
        data=DataConfig(path=Path("a/b.parquet")),
        seeds=(3, 1),
        output_dir=Path("out"),
    )
    assert from_json(Experiment, to_json(experiment)) == experiment


def test_json_round_trip_keeps_none():
    experiment = Experiment("x")
    assert from_json(Experiment, to_json(experiment)) == experiment


def test_representations_of_the_registry():
    found = {name: experiment.representation for name, (_, experiment) in EXPERIMENTS.items()}
    assert found == {
        "easy_pca": "pca",
        "easy_vae": "vae",
        "hard_ae": "ae",
        "hard_beta_vae": "beta_vae",
        "hard_cvae": "cvae",
    }


def test_a_weighted_conditional_model_has_a_name_of_its_own():
    weighted = replace(EXPERIMENTS["hard_cvae"][1], train=TrainConfig(beta=4.0))
    assert weighted.representation == "beta_cvae"


def test_only_the_conditional_model_has_seen_a_label():
    seen = {name: experiment.labels_seen for name, (_, experiment) in EXPERIMENTS.items()}
    assert seen.pop("hard_cvae") == ("genre",)
    assert set(seen.values()) == {()}


def test_output_folders():
    assert Experiment("x").results_dir == Path("results/x")
    assert Experiment("x").checkpoint_dir == Path("checkpoints/x")
    moved = Experiment("x", output_dir=Path("o"))
    assert (moved.results_dir, moved.checkpoint_dir) == (Path("o"), Path("o/checkpoint"))
