"""Models with fresh parameters, where a test needs no training."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from musicvae_jax.config import (
    CropConfig,
    Experiment,
    FeatureConfig,
    LyricsConfig,
    ModelConfig,
    TrainConfig,
)
from musicvae_jax.features import Scaler, extract_features
from musicvae_jax.preprocess import (
    ModelInputs,
    Preprocessor,
    audio_config,
    fit_transform,
    split_inputs,
)
from musicvae_jax.songs import Songs, Split
from musicvae_jax.trained import Trained
from musicvae_jax.training import Examples, History, Losses, empty_example, init_state, make_model

TINY = Experiment(
    "tiny",
    model=ModelConfig(hidden=(4,), latent=2, condition="genre"),
    train=TrainConfig(epochs=7),
    seeds=(3, 5),
)


# One of each kind of input, for exporting encoders.
EXPORTED = (
    Experiment("rows", model=ModelConfig(hidden=(4,), latent=2)),
    Experiment("patch", model=ModelConfig("conv_vae", latent=2)),
    Experiment("conv", model=ModelConfig("conv_vae", architecture="conv", latent=2)),
    Experiment(
        "blocks",
        features=FeatureConfig(blocks=("statistics", "tfidf_32")),
        model=ModelConfig("mvtcae", hidden=(4,), latent=2),
    ),
)
# Two betas and two seeds of rows, and two seeds of crops.
AUDIO = ("statistics", "mfcc")
SWEEP = Experiment(
    "x",
    features=FeatureConfig(blocks=AUDIO),
    lyrics=LyricsConfig(runtime="tfidf", components=4),
    model=ModelConfig(hidden=(8,), latent=3),
    train=TrainConfig(beta=(1.0, 4.0)),
    seeds=(2, 7),
)
CROPS = replace(
    SWEEP,
    features=FeatureConfig(),
    crops=CropConfig(encoded=2),
    model=ModelConfig(kind="conv_vae", latent=3),
    train=TrainConfig(epochs=1),
)


def sweep_of(blocks: tuple[str, ...] = AUDIO, condition: str = "none") -> Experiment:
    """The sweep with other inputs."""
    return replace(
        SWEEP,
        features=FeatureConfig(blocks=blocks),
        model=replace(SWEEP.model, condition=condition),
    )


def fresh(experiment: Experiment, songs: Songs) -> tuple[Trained, ModelInputs, Split]:
    """An experiment's model of songs, not trained yet, and what it reads of them."""
    features = extract_features(songs, audio_config(experiment))
    split = split_inputs(experiment, features.table)
    preprocessor, inputs, split = fit_transform(experiment, songs, features, split)
    if not experiment.model.traits.trained:
        return Trained(preprocessor, inputs.shape), inputs, split
    n_labels = 0 if inputs.condition is None else inputs.condition.shape[1]
    return with_state(Trained(preprocessor, inputs.shape), n_labels), inputs, split


def by_hand(experiment: Experiment = TINY) -> Trained:
    """Of seven features and three genres, every number its own, without any songs."""
    scaler = Scaler(np.arange(7, dtype=np.float32), np.full(7, 2, np.float32))
    vocabularies = {"genre": ("a", "b", "c"), "language": ()}
    preprocessor = Preprocessor(experiment, scaler, {}, scaler, vocabularies, {})
    n_labels = 0 if experiment.model.condition == "none" else 3
    return with_state(Trained(preprocessor, (7,), key="key of it"), n_labels)


def with_state(blank: Trained, n_labels: int) -> Trained:
    """The model with other parameters for each member, and a history that counts up."""
    experiment = blank.experiment
    model = make_model(experiment.model, blank.shape)
    x = empty_example(experiment.model, blank.shape)
    examples = Examples(x, jnp.zeros((1, n_labels)) if n_labels else None)
    states = [
        init_state(model, jax.random.key(place), examples, member.learning_rate)
        for place, member in enumerate(experiment.members)
    ]
    shape = len(states), experiment.train.epochs
    numbers = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    history = History(
        Losses(*(numbers + i for i in range(3))),
        Losses(*(numbers - i for i in range(3))),
        numbers.astype(np.int32),
    )
    state = jax.tree.map(lambda *leaves: np.stack(leaves), *states)
    return blank._replace(state=state, history=history)


def assert_same(a: Trained, b: Trained) -> None:
    """All that a checkpoint holds, bit for bit."""
    assert jax.tree.structure(a) == jax.tree.structure(b)
    jax.tree.map(np.testing.assert_array_equal, a, b)
    first, second = ([np.asarray(leaf).dtype for leaf in jax.tree.leaves(one)] for one in (a, b))
    assert first == second
