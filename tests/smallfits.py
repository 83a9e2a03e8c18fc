"""Small experiments for tests of the verbs, and how these fit them."""

from dataclasses import replace

import numpy as np

import musicvae_jax as mv
from musicvae_jax.registry import EXPERIMENTS

TINY = mv.Experiment(
    "tiny",
    features=mv.FeatureConfig(blocks=("mfcc",)),
    lyrics=mv.LyricsConfig(runtime="tfidf", components=6),
    model=mv.ModelConfig(hidden=(8,), latent=4),
    train=mv.TrainConfig(epochs=3),
    seeds=(0, 1),
)
PCA = mv.Experiment(
    "mine", model=mv.ModelConfig(kind="pca", latent=4), lyrics=mv.LyricsConfig(runtime="tfidf")
)


def quick(name):
    """A named experiment, trained for two epochs at a size that no number is read from."""
    experiment = EXPERIMENTS[name].experiment
    return replace(
        experiment,
        lyrics=TINY.lyrics,
        model=replace(experiment.model, hidden=(8,), latent=4),
        train=replace(experiment.train, epochs=2),
        seeds=(0, 1),
    )


def fit(experiment, songs, **options):
    return mv.fit(experiment, songs, quiet=True, **options)


def assert_calls_are_the_history(calls, model):
    assert [epoch for epoch, _ in calls] == list(range(model.experiment.train.epochs))
    history = model.history.by_name()
    for epoch, metrics in calls:
        assert metrics.keys() == history.keys()
        for name, values in metrics.items():
            assert isinstance(values, np.ndarray)
            assert values.shape == (len(model.experiment.members),)
            np.testing.assert_array_equal(values, history[name][:, epoch])
