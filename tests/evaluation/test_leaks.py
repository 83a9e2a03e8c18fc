"""No label reaches the points of a representation that is not marked with it."""

from dataclasses import replace

import numpy as np
import pytest
from musicvae_jax.checkpoints import training_settings
from musicvae_jax.pipeline.inputs import declared_columns, prepare_inputs

from musicvae_jax.config import CropConfig, LyricsConfig, RuntimeConfig
from musicvae_jax.features import extract_features
from musicvae_jax.pipeline import inputs as inputs_module
from musicvae_jax.pipeline.fit import encode_all, learn
from musicvae_jax.pipeline.listing import Representation, representations
from musicvae_jax.registry import EXPERIMENTS
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import LABELS, Split, load_songs

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def fixed_split(monkeypatch):
    """Artists are kept on one side of the split, so they move songs, and tell the model nothing."""
    split = Split(np.arange(4, 24), np.arange(4))
    monkeypatch.setattr(inputs_module, "split_songs", lambda *arguments: split)


def small(name, path):
    experiment = EXPERIMENTS[name][1]
    return replace(
        experiment,
        data=replace(experiment.data, path=path),
        crops=CropConfig(per_song=1, encoded=1),
        lyrics=LyricsConfig(runtime="tfidf", components=4),
        train=replace(experiment.train, epochs=1, beta=experiment.train.beta[:1]),
    )


def points(experiment, shuffled):
    """Representation to its labels seen and its points, with some labels shuffled over songs."""
    songs, terminal = load_songs(experiment.data.path), Terminal(is_quiet=True)
    features = extract_features(songs, experiment.features)
    order = np.random.default_rng(0).permutation(len(features.table))
    table = features.table.copy()
    for label in shuffled:
        table[label] = table[label].to_numpy()[order]
    features = features._replace(table=table)
    inputs, latents = prepare_inputs(experiment, songs, features, terminal), None
    if experiment.model.is_trained:
        settings = training_settings(experiment, f"{songs.fingerprint}{sorted(shuffled)}", "")
        runtime = RuntimeConfig(restart=True)
        checkpoint = learn(experiment, inputs, settings, runtime, terminal)
        latents = encode_all(checkpoint, inputs, runtime)
    found = representations(experiment, features, inputs, latents, terminal)
    return {one.name: (one.labels_seen, one.points[0]) for one in found}


@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if "beta" not in name])
def test_whoever_knows_a_label_has_its_mark(name, song_path):
    experiment = small(name, song_path)
    before = points(experiment, ())
    undeclared = tuple(label for label in LABELS if label not in experiment.labels_seen)
    for shuffled in (undeclared, *((label,) for label in experiment.labels_seen)):
        after = points(experiment, shuffled)
        knows = {one for one in after if not np.array_equal(after[one][1], before[one][1])}
        marked = {one for one, (seen, _) in after.items() if set(shuffled) & set(seen)}
        assert knows == marked, f"{knows} know {shuffled}"
    marks = {label for seen, _ in before.values() for label in seen}
    assert marks == set(experiment.labels_seen), "each declared label has its mark somewhere"


def test_a_label_that_is_not_declared_cannot_be_read(song_path):
    """An experiment that would train on it stops, whatever its representations say."""
    table = extract_features(load_songs(song_path), EXPERIMENTS["easy_vae"][1].features).table
    experiment = EXPERIMENTS["hard_cvae"][1]
    visible = declared_columns(table, experiment)
    assert set(visible) == {"music_id", "genre"}
    for hidden in ("language", "artist", "artist_id", "lyrics"):
        with pytest.raises(KeyError, match=hidden):
            visible[hidden]


def test_a_representation_without_its_columns_cannot_be_made():
    with pytest.raises(TypeError, match="columns_seen"):
        Representation("vae", "own", [np.zeros((3, 2))])
