"""What a training is given, what it changes, and what it tells of every epoch."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from musicvae_jax.config import CropConfig, ModelConfig
from musicvae_jax.models import ConvAutoencoder, MLPAutoencoder


class Examples(NamedTuple):
    """What a model is given.

    Attributes:
        x: inputs, `[examples, features]`, or `[examples, bands, frames]` for a model of crops.
        condition: labels, `[examples, labels]`, or None.
        weight: of each feature in the reconstruction term, `[examples, features]`; 0 where the
            feature is missing. None if none is.
    """

    x: jax.Array
    condition: jax.Array | None = None
    weight: jax.Array | None = None


class Data(NamedTuple):
    """Examples to train on and examples held out; neither empty."""

    train: Examples
    heldout: Examples


class TrainState(NamedTuple):
    """What a step changes."""

    params: Any
    opt_state: optax.OptState


class Progress(NamedTuple):
    """Where a training stands.

    Attributes:
        state: what a step changes.
        going: bool; False once a loss is not finite, after which epochs are skipped.
    """

    state: TrainState
    going: jax.Array


class Losses(NamedTuple):
    """Nats per example; `negative_elbo` is weighted by beta.

    It is what training minimises, unless the KL is warmed up or has free bits: these change what
    is minimised and not what is told, so that runs with and without them compare.
    """

    reconstruction: jax.Array
    kl: jax.Array
    negative_elbo: jax.Array


class History(NamedTuple):
    """One number per epoch, each `[epochs]`.

    `train` averages over the epoch's songs as they were used, with the parameters of that moment;
    `heldout` and `active_units` (of the training songs' posterior means) are taken at its end.
    """

    train: Losses
    heldout: Losses
    active_units: jax.Array


def make_model(
    config: ModelConfig, crops: CropConfig, n_features: int
) -> MLPAutoencoder | ConvAutoencoder:
    """The Flax module that a config of a trained kind describes.

    Args:
        config: kind and sizes.
        crops: their length in frames, for a conv_vae.
        n_features: size of x, for the other kinds.
    """
    if config.kind == "conv_vae":
        return ConvAutoencoder(
            frames=crops.frames, latent=config.latent, architecture=config.architecture
        )
    return MLPAutoencoder(
        features=n_features,
        hidden=config.hidden,
        latent=config.latent,
        deterministic=config.kind == "ae",
    )


def init_state(
    model: MLPAutoencoder | ConvAutoencoder,
    key: jax.Array,
    examples: Examples,
    learning_rate: jax.Array | float,
) -> TrainState:
    """Fresh parameters and optimiser state; of the examples only the shapes matter."""
    first = jax.tree.map(lambda leaf: leaf[:1], examples)
    noise = jnp.zeros((1, model.latent))
    params = model.init(key, first.x, noise, first.condition)
    return TrainState(params, optimiser(learning_rate).init(params))


def optimiser(learning_rate: jax.Array | float = 0.0) -> optax.GradientTransformation:
    """Adam; its step size is part of its state, so that updates do not need it again."""
    # What is not swept stays a constant: in float32, 1 - 0.9 is not 0.1.
    fixed = ("b1", "b2", "eps", "eps_root")
    return optax.inject_hyperparams(optax.adam, static_args=fixed)(learning_rate)


def no_history() -> History:
    """Of an epoch that was skipped."""
    nan = jnp.float32(jnp.nan)
    return History(Losses(nan, nan, nan), Losses(nan, nan, nan), jnp.int32(0))


def blank_history(n_members: int, n_epochs: int) -> History:
    """Of epochs that are to come, NumPy, parts `[members, epochs]`."""
    return jax.tree.map(lambda leaf: np.full((n_members, n_epochs), leaf, leaf.dtype), no_history())
