"""Needs the extra `onnx`, whose requirements may ask for an environment of their own."""

import numpy as np
import pytest
from songfiles import songs_table, write
from trainedmodels import EXPORTED, by_hand, fresh

from musicvae_jax.export import encoder_of, to_onnx
from musicvae_jax.songs import load_songs

pytest.importorskip("jax2onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def assert_same_latents(trained, path):
    to_onnx(trained, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    encoder = encoder_of(trained)
    assert [one.name for one in session.get_inputs()] == list(encoder.inputs)
    rng = np.random.default_rng(0)
    for n in (1, 5):
        given = {
            name: rng.normal(size=(n, *shape)).astype(np.float32)
            for name, shape in encoder.inputs.items()
        }
        if "mask" in given:
            given["mask"] = np.ones_like(given["mask"])
        (found,) = session.run(["latents"], given)
        np.testing.assert_allclose(found, encoder.function(*given.values()), rtol=1e-5, atol=1e-5)


def test_a_conditional_model(tmp_path):
    assert_same_latents(by_hand(), tmp_path / "encoder.onnx")


@pytest.mark.parametrize("experiment", EXPORTED, ids=lambda one: one.name)
def test_models_of_songs(experiment, tmp_path):
    songs = load_songs(write(tmp_path / "s.parquet", songs_table()))
    trained, *_ = fresh(experiment, songs)
    assert_same_latents(trained, tmp_path / "encoder.onnx")
