from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from musicvae_jax.config import (
    ClusterConfig,
    CropConfig,
    DataConfig,
    Experiment,
    FeatureConfig,
    LyricsConfig,
    MapConfig,
    ModelConfig,
    RuntimeConfig,
    TrainConfig,
    to_json,
)
from musicvae_jax.errors import InputError

# At least one field of every config.
WRONG = [
    (TrainConfig, {"epochs": 1.5}, "train.epochs: got 1.5, expected a whole number"),
    (TrainConfig, {"epochs": True}, "train.epochs: got True, expected a whole number"),
    (TrainConfig, {"free_bits": "1"}, "train.free_bits: got '1', expected a number"),
    (
        TrainConfig,
        {"beta": 4.0},
        "train.beta: got 4.0, expected a tuple of numbers, such as (4.0,)",
    ),
    (TrainConfig, {"beta": None}, "train.beta: got None, expected a tuple of numbers"),
    (TrainConfig, {"beta": {1.0}}, "train.beta: got {1.0}, expected a tuple of numbers"),
    (
        TrainConfig,
        {"beta": np.ones((2, 1))},
        "train.beta: got array([[1.], [1.]]), expected a tuple of numbers",
    ),
    (
        ModelConfig,
        {"hidden": 8},
        "model.hidden: got 8, expected a tuple of whole numbers, such as (8,)",
    ),
    (ModelConfig, {"hidden": (8.0,)}, "model.hidden: got (8.0,), expected a tuple of whole"),
    (ModelConfig, {"kind": ["vae"]}, "model.kind: got ['vae'], expected one of 'vae', 'ae', "),
    (ModelConfig, {"decoded": 1}, "model.decoded: got 1, expected True or False"),
    (
        FeatureConfig,
        {"blocks": "mfcc"},
        "features.blocks: got 'mfcc', expected a tuple of strings, such as ('mfcc',)",
    ),
    (FeatureConfig, {"blocks": (["mfcc"],)}, "features.blocks: got (['mfcc'],), expected a tuple"),
    (DataConfig, {"path": 5}, "data.path: got 5, expected a path or None"),
    (CropConfig, {"frames": 128.0}, "crops.frames: got 128.0, expected one of 128, 256"),
    (LyricsConfig, {"model": None}, "lyrics.model: got None, expected a string"),
    (MapConfig, {"audio": ["link"]}, "map.audio: got ['link'], expected one of 'link', 'embed'"),
    (ClusterConfig, {"k": "3"}, "cluster.k: got '3', expected a whole number or None"),
    (RuntimeConfig, {"devices": 1.5}, "devices: got 1.5, expected a whole number or 'all' or None"),
    (RuntimeConfig, {"track": ["tensorboard"]}, "track: got ['tensorboard'], expected 'tens"),
    (Experiment, {"name": 5}, "name: got 5, expected a string"),
    (Experiment, {"name": "x", "seeds": 5}, "seeds: got 5, expected a tuple of whole numbers"),
    (Experiment, {"name": "x", "model": "pca"}, "model: got 'pca', expected a ModelConfig"),
]


@pytest.mark.parametrize(("kind", "values", "message"), WRONG)
def test_a_value_of_another_type_is_named_with_what_is_expected(kind, values, message):
    with pytest.raises(InputError) as caught:
        kind(**values)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "sizes", [[8, 4], np.array([8, 4]), pd.Series([8, 4]), (np.int64(8), np.int32(4))]
)
def test_lists_and_arrays_become_tuples_of_plain_numbers(sizes):
    found = ModelConfig(hidden=sizes)
    assert found == ModelConfig(hidden=(8, 4))
    assert hash(found) == hash(ModelConfig(hidden=(8, 4)))
    assert [type(width) for width in found.hidden] == [int, int]


def test_numbers_of_numpy_become_those_of_python():
    found = TrainConfig(epochs=np.int64(3), free_bits=np.float32(0.5))
    assert (type(found.epochs), type(found.free_bits)) == (int, float)
    assert ModelConfig(decoded=np.bool_(True)).decoded is True


def test_an_integer_among_numbers_keeps_its_json():
    assert str(to_json(TrainConfig(beta=(4,), free_bits=1))["beta"]) == "[4]"


def test_strings_become_paths_where_paths_are_wanted():
    assert DataConfig(path="a/b").path == Path("a/b")
    assert FeatureConfig(cache_dir="c").cache_dir == Path("c")
    assert LyricsConfig(model="a/b").model == "a/b"
