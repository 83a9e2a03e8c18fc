"""No label reaches the points of a representation that is not marked with it."""

from dataclasses import replace

import numpy as np
import pytest

from musicvae_jax.config import CropConfig, Experiment, LyricsConfig, ModelConfig, RuntimeConfig
from musicvae_jax.pipeline.fit import fit
from musicvae_jax.pipeline.listing import list_representations
from musicvae_jax.preprocess import fitting
from musicvae_jax.registry import EXPERIMENTS
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import LABELS, Split, load_songs


@pytest.fixture(autouse=True)
def fixed_split(monkeypatch):
    """Artists are kept on one side of the split, so they move songs, and tell the model nothing."""
    split = Split(np.arange(4, 24), np.arange(4))
    monkeypatch.setattr(fitting, "split_songs", lambda *arguments: split)


def small(name):
    experiment = EXPERIMENTS[name].experiment
    return replace(
        experiment,
        crops=CropConfig(per_song=1, encoded=1),
        lyrics=LyricsConfig(runtime="tfidf", components=4),
        train=replace(experiment.train, epochs=1, beta=experiment.train.beta[:1]),
    )


def points(experiment, songs, shuffled):
    """Representation to its labels seen and its points, with some labels shuffled over songs."""
    order = np.random.default_rng(0).permutation(len(songs.table))
    labels = {label: songs.table[label].to_numpy()[order] for label in shuffled}
    songs = songs._replace(table=songs.table.assign(**labels))
    fitted = fit(experiment, songs, RuntimeConfig(), Terminal(is_quiet=True))
    listing = list_representations(fitted)
    return {one.name: (one.labels_seen, one.points[0]) for one in listing.everything}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if "beta" not in name])
def test_whoever_knows_a_label_has_its_mark(name, song_path):
    experiment, songs = small(name), load_songs(song_path)
    before = points(experiment, songs, ())
    declared = [label for label in experiment.columns_seen if label in LABELS]
    undeclared = [label for label in LABELS if label not in declared]
    for shuffled in (undeclared, *([label] for label in declared)):
        after = points(experiment, songs, shuffled)
        knows = {one for one in after if not np.array_equal(after[one][1], before[one][1])}
        marked = {one for one, (seen, _) in after.items() if set(shuffled) & set(seen)}
        assert knows == marked, f"{knows} know {shuffled}"
    marks = {label for seen, _ in before.values() for label in seen}
    assert marks == set(declared), "each declared label has its mark somewhere"


@pytest.mark.parametrize(
    ("hidden", "experiment"),
    [
        ("genre", Experiment("x", model=ModelConfig(condition="genre"))),
        ("genre", Experiment("x", fuse=("genre",))),
        ("language", Experiment("x", model=ModelConfig(condition="language"))),
        ("language", Experiment("x", alone=("tfidf_centred",))),
        ("lyrics", Experiment("x", alone=("tfidf",))),
        ("musicnn_tags", Experiment("x", alone=("tags",))),
    ],
)
def test_a_column_that_is_not_declared_cannot_be_read(hidden, experiment, song_path, monkeypatch):
    """An experiment that would use it stops, whatever its representations say."""
    declared = tuple(column for column in experiment.columns_seen if column != hidden)
    monkeypatch.setattr(Experiment, "columns_seen", declared)
    with pytest.raises(KeyError, match=hidden):
        fit(experiment, load_songs(song_path), RuntimeConfig(), Terminal(is_quiet=True))
