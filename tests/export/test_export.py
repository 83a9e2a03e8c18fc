import json
from pathlib import Path

import jax
import numpy as np
import pytest
from songfiles import songs_table, write
from trainedmodels import EXPORTED, TINY, by_hand, fresh

from musicvae_jax.config import Experiment, ModelConfig
from musicvae_jax.errors import EXIT_BAD_INPUT, InputError
from musicvae_jax.export import encoder_of, to_safetensors, to_stablehlo
from musicvae_jax.export.__main__ import main
from musicvae_jax.songs import load_songs


def features_and_condition(n):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(n, 7)).astype(np.float32)
    return features, np.eye(3, dtype=np.float32)[rng.integers(3, size=n)]


def test_the_encoder_is_that_of_the_model():
    trained = by_hand()
    features, condition = features_and_condition(5)
    scaler = trained.preprocessor.scaler
    x = (features - scaler.mean) / scaler.scale
    for member in (0, 1):
        expected = trained.model.apply(trained.params(member), x, condition, method="encode").mean
        encoder = encoder_of(trained, member)
        assert encoder.inputs == {"features": (7,), "condition": (3,)}
        found = encoder.function(features, condition)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "experiment",
    [
        pytest.param(one, marks=[pytest.mark.slow] * (one.name == "conv"), id=one.name)
        for one in EXPORTED
    ],
)
def test_the_program_encodes_songs_as_the_model_does(experiment, tmp_path):
    songs = load_songs(write(tmp_path / "s.parquet", songs_table()))
    trained, *_ = fresh(experiment, songs)
    to_stablehlo(trained, str(tmp_path / "encoder.stablehlo"))
    program = jax.export.deserialize((tmp_path / "encoder.stablehlo").read_bytes())
    encoder = encoder_of(trained)
    rng = np.random.default_rng(0)
    for n in (1, 3):
        arrays = [
            rng.normal(size=(n, *shape)).astype(np.float32) for shape in encoder.inputs.values()
        ]
        if "mask" in encoder.inputs:
            arrays[-1] = np.ones_like(arrays[0])
        standardised = _standardised(trained, arrays[0])
        expected = trained.model.apply(
            trained.params(0), standardised, None, *arrays[1:], method="encode"
        ).mean
        np.testing.assert_allclose(program.call(*arrays), expected, rtol=1e-5, atol=1e-5)


def _standardised(trained, features):
    scaler = trained.preprocessor.scaler
    mean, scale = (part if features.ndim == 2 else part[:, None] for part in scaler)
    return ((features - mean) / scale).astype(np.float32)


def test_weights_have_names_and_can_be_used_without_the_package(tmp_path):
    numpy_reader = pytest.importorskip("safetensors.numpy")
    safetensors = pytest.importorskip("safetensors")
    trained = by_hand()
    to_safetensors(trained, tmp_path / "w.safetensors", member=1)
    weights = numpy_reader.load_file(tmp_path / "w.safetensors")
    with safetensors.safe_open(tmp_path / "w.safetensors", "np") as file:
        about = {name: json.loads(value) for name, value in file.metadata().items()}
    features, condition = features_and_condition(4)
    x = (features - weights["scaler.mean"]) / weights["scaler.scale"]
    hidden = np.concatenate([x, condition], axis=1)
    hidden = hidden @ weights["encoder.Dense_0.kernel"] + weights["encoder.Dense_0.bias"]
    hidden = np.maximum(hidden, 0)
    code = hidden @ weights["encoder.Dense_1.kernel"] + weights["encoder.Dense_1.bias"]
    expected = encoder_of(trained, 1).function(features, condition)
    np.testing.assert_allclose(code[:, : about["latent"]], expected, rtol=1e-5, atol=1e-6)
    assert about["conditions"] == ["a", "b", "c"]
    assert about["member"]["seed"] == TINY.seeds[1]


def test_a_model_without_a_network_is_named(tmp_path):
    songs = load_songs(write(tmp_path / "s.parquet", songs_table()))
    trained, *_ = fresh(Experiment("linear", model=ModelConfig("pca", latent=2)), songs)
    with pytest.raises(InputError, match="got a model of kind 'pca', which has no network"):
        encoder_of(trained)


def test_a_member_that_is_not_there_is_named():
    with pytest.raises(InputError, match="member: got 2, expected a place from 0 to 1"):
        encoder_of(by_hand(), 2)


def test_the_command_writes_the_encoder_of_a_checkpoint(capsys):
    pytest.importorskip("flatbuffers")
    by_hand().save("c/mine")
    assert main(["c/mine", "--to", "stablehlo", "--member", "1"]) == 0
    assert capsys.readouterr().out == "stablehlo: mine.stablehlo\n"
    program = jax.export.deserialize(bytearray(Path("mine.stablehlo").read_bytes()))
    arrays = features_and_condition(5)
    expected = encoder_of(by_hand(), 1).function(*arrays)
    np.testing.assert_allclose(program.call(*arrays), expected, rtol=1e-5, atol=1e-6)
    assert main(["c/mine", "--to", "stablehlo", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("gone/a", "out: got gone/a, expected a file in a folder that exists"),
        ("here", "out: got here, which is a folder, expected a file"),
    ],
)
def test_a_file_that_cannot_be_written_is_named(capsys, out, message):
    Path("here").mkdir()
    assert main(["c", "--to", "stablehlo", "--out", out]) == EXIT_BAD_INPUT
    assert capsys.readouterr().err == f"error: {message}\n"
