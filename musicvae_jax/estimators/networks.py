"""Trains the network of an estimator and applies it: arrays in, arrays out.

The training is that of the experiments. Applying works on blocks of one size, so that a program is
compiled once and the result for a sample does not depend on which others are with it.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import numpy as np

from musicvae_jax.config import Member, ModelConfig, TrainConfig
from musicvae_jax.models import Model
from musicvae_jax.runtime.devices import make_mesh
from musicvae_jax.training import (
    Data,
    Examples,
    History,
    example_noise,
    make_losses,
    make_model,
    seed_key,
    split_key,
)
from musicvae_jax.training.sweeps import train_members

_BLOCK = 256


class Network(NamedTuple):
    """A trained network; it can be pickled.

    Attributes:
        config: kind and sizes.
        features: number of features.
        params: its parameters, NumPy.
    """

    config: ModelConfig
    features: int
    params: Any

    @property
    def model(self) -> Model:
        """The Flax module."""
        return make_model(self.config, (self.features,))


def train_network(
    config: ModelConfig,
    train: TrainConfig,
    seed: int,
    examples: Examples,
    validation: np.ndarray,
) -> tuple[Network, History]:
    """Trains one network.

    Args:
        config: kind and sizes.
        train: epochs, batch size, and one beta and learning rate.
        seed: from 0 to 2**32 - 1.
        examples: NumPy.
        validation: which examples are held out of training, bool `[examples]`; if none, the
            held-out losses of the history are those of the training examples.

    Returns:
        The network, and its history with parts `[epochs]`, whose losses need not be finite.
    """
    n_features = examples.x.shape[1]
    model = make_model(config, (n_features,))
    heldout = validation if validation.any() else ~validation
    data = Data(_take(examples, ~validation), _take(examples, heldout))
    members = [Member(train.beta[0], train.learning_rate[0], seed)]
    # One device: a network this small would mostly wait for the others.
    state, history = train_members(model, train, members, data, mesh=make_mesh(1, 1))
    params, history = jax.tree.map(lambda leaf: leaf[0], (state.params, history))
    return Network(config, n_features, params), history


def encode(network: Network, examples: Examples) -> np.ndarray:
    """Posterior means, float32 `[examples, latent]`."""
    return _in_blocks(_encoder(network.model), network.params, examples)


def decode(network: Network, latents: np.ndarray, condition: np.ndarray | None) -> np.ndarray:
    """Features given latents, float32 `[examples, features]`."""
    return _in_blocks(_decoder(network.model), network.params, Examples(latents, condition))


def elbo(network: Network, train: TrainConfig, examples: Examples, seed: int) -> np.ndarray:
    """The evidence lower bound in nats, `[examples]`, estimated with one sample of the latents.

    The sample's noise depends on the seed and on the place of the example.
    """
    noise = _noise(np.uint32(seed), np.arange(len(examples.x)), network.config.latent)
    losses = _losses(network.model, train)
    return -_in_blocks(losses, network.params, examples, np.asarray(noise))


def _take(examples: Examples, chosen: np.ndarray) -> Examples:
    return jax.tree.map(lambda leaf: leaf[chosen], examples)


@cache
def _encoder(model: Model) -> Callable[..., jax.Array]:
    return jax.jit(lambda params, examples: model.apply(params, *examples, method="encode").mean)


@cache
def _decoder(model: Model) -> Callable[..., jax.Array]:
    return jax.jit(
        lambda params, examples: model.apply(
            params, examples.x, examples.condition, method="decode"
        )
    )


@cache
def _losses(model: Model, train: TrainConfig) -> Callable[..., jax.Array]:
    losses = make_losses(model, train)
    return jax.jit(
        lambda params, examples, noise: losses(params, examples, noise, 1.0).negative_elbo
    )


@jax.jit
def _draw(seed: jax.Array, index: jax.Array, like: jax.Array) -> jax.Array:
    return example_noise(split_key(seed_key(seed)).heldout, index, like.shape[0])


def _noise(seed: np.uint32, index: np.ndarray, latent: int) -> np.ndarray:
    parts = [
        _draw(seed, np.resize(index[first : first + _BLOCK], _BLOCK), np.empty(latent))
        for first in range(0, len(index), _BLOCK)
    ]
    return np.concatenate(parts)[: len(index)]


def _in_blocks(function: Callable[..., jax.Array], params: Any, *arrays: Any) -> np.ndarray:
    """The function of blocks of rows of the arrays, padded with their first rows."""
    n_rows = len(jax.tree.leaves(arrays)[0])
    found = []
    for first in range(0, n_rows, _BLOCK):
        rows = np.resize(np.arange(first, min(first + _BLOCK, n_rows)), _BLOCK)
        block = jax.tree.map(lambda leaf, rows=rows: leaf[rows], arrays)
        found.append(np.asarray(function(params, *block)))
    return np.concatenate(found)[:n_rows]
