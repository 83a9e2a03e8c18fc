"""The tables of models, clusterers and blocks say what is there."""

import inspect
from importlib import import_module
from typing import get_args

import numpy as np
import pytest

from musicvae_jax.clustering import Clustering, KCurves, find_clusterer
from musicvae_jax.config import (
    BLOCKS,
    CLUSTERERS,
    K_RULES,
    MODELS,
    TRACKERS,
    Block,
    ClusterConfig,
    KRule,
    ModelConfig,
    RuntimeConfig,
    TrackerName,
    load_function,
)
from musicvae_jax.config.traits import Clusterer, ModelKind, TrackerTraits
from musicvae_jax.models import Model
from musicvae_jax.tracking import Tracker
from musicvae_jax.training import make_model

pytestmark = pytest.mark.usefixtures("quick_manifold")


def test_every_kind_that_can_be_asked_for_has_its_traits_and_no_other():
    assert tuple(MODELS) == get_args(ModelKind)
    assert tuple(CLUSTERERS) == get_args(Clusterer)
    assert tuple(BLOCKS) == get_args(Block)
    assert tuple(K_RULES) == get_args(KRule)
    assert tuple(TRACKERS) == get_args(TrackerName)


def test_every_measured_rule_has_the_curve_of_its_name():
    assert {rule for rule, traits in K_RULES.items() if traits.measure} <= set(KCurves._fields)


def parameters(of, method):
    """Names, kinds and defaults: how a method is called. Types are for those who annotate."""
    found = inspect.signature(getattr(of, method)).parameters.values()
    return [(one.name, one.kind, one.default) for one in found]


@pytest.mark.parametrize("kind", [kind for kind, traits in MODELS.items() if traits.trained])
def test_the_module_of_a_kind_fulfils_the_protocol_of_models(kind):
    shape = {"rows": (7,), "blocks": (4, 3), "crops": (128, 128)}[MODELS[kind].reads]
    model = make_model(ModelConfig(kind=kind, latent=5), shape)
    file, name = MODELS[kind].module.split(".")
    assert type(model) is getattr(import_module(f"musicvae_jax.models.{file}"), name)
    assert model.latent == 5
    assert isinstance(model.other_terms, tuple)
    for method in ("for_shape", "encode", "decode", "sample", "terms"):
        assert parameters(type(model), method) == parameters(Model, method)
    assert {name: getattr(model, name) for name, _ in MODELS[kind].settings} == dict(
        MODELS[kind].settings
    )


@pytest.mark.parametrize("name", TRACKERS)
def test_the_class_of_a_tracker_fulfils_the_protocol_of_trackers(name):
    made = load_function(f"tracking.{TRACKERS[name].tracker}")
    assert list(inspect.signature(made).parameters) == ["experiment"]
    for method in ("on_epochs", "on_outcome", "close"):
        wanted = inspect.signature(getattr(Tracker, method)).parameters
        assert inspect.signature(getattr(made, method)).parameters == wanted


def test_a_tracker_that_imports_nothing_needs_no_extra(monkeypatch):
    monkeypatch.setitem(TRACKERS, "memory", TrackerTraits("memory.Memory"))
    assert RuntimeConfig(track="memory").track == "memory"


@pytest.mark.parametrize("method", CLUSTERERS)
def test_what_a_clusterer_is_said_to_do_is_what_it_does(method):
    rng = np.random.default_rng(0)
    near = rng.normal(size=(60, 2)) * 0.1 + np.repeat([[0, 0], [9, 0], [0, 9]], 20, axis=0)
    x = np.concatenate([near, [[50, 50]]]).astype(np.float32)
    config = ClusterConfig(k=3)
    found = [find_clusterer(method)(x, 3, seed, config) for seed in (0, 1)]
    assert all(isinstance(one, Clustering) for one in found)
    assert bool(np.any(found[0].labels == -1)) == CLUSTERERS[method].leaves_noise
    if not CLUSTERERS[method].draws:
        np.testing.assert_array_equal(found[0].labels, found[1].labels)


COMPUTED = [name for name, traits in BLOCKS.items() if traits.function]


@pytest.mark.parametrize("name", COMPUTED)
@pytest.mark.parametrize("length", [1, 300])
def test_a_block_is_as_wide_as_it_says(name, length):
    rng = np.random.default_rng(0)
    db = rng.uniform(-80, 0, (128, length)).astype(np.float32)
    song = db if BLOCKS[name].is_audio else "we sing a line\nand another line\n" * length
    found = BLOCKS[name].load()(song)
    assert found.shape == (BLOCKS[name].width,)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_a_block_is_of_sound_of_lyrics_a_label_or_tags():
    kinds = {
        name: (traits.is_audio, traits.is_lyrics, traits.is_label, traits.is_tags)
        for name, traits in BLOCKS.items()
    }
    assert set(map(sum, kinds.values())) == {1}
    assert kinds["mfcc"] == (True, False, False, False)
    assert kinds["tfidf"] == (False, True, False, False)
    assert kinds["genre"] == (False, False, True, False)
    assert kinds["tags"] == (False, False, False, True)
    for name, traits in BLOCKS.items():
        assert (traits.width > 0) == bool(traits.function), name
        assert bool(traits.function) or not traits.needs_mels, name
    # The table's numbers are there, and they are in the place of audio features.
    assert [name for name, traits in BLOCKS.items() if traits.is_audio != traits.needs_mels] == [
        "table"
    ]
