"""The data of a training, its state, and its history."""

import dataclasses
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from musicvae_jax.config import ModelConfig
from musicvae_jax.config.checks import require_type
from musicvae_jax.errors import InputError
from musicvae_jax.models import Model

Array = jax.Array | np.ndarray
# Takes a learning rate, which must become part of the optimiser's state
# (`optax.inject_hyperparams`).
Optimiser = Callable[[jax.Array | float], optax.GradientTransformation]


class Examples(NamedTuple):
    """The input of a model.

    Attributes:
        x: inputs, `[examples, features]`, or `[examples, bands, frames]` for a model of crops.
        condition: labels, `[examples, labels]`, or None.
        mask: weight of each feature in the reconstruction term, `[examples, features]`: 0 if the
            feature is missing, else 1. None if none is missing.
    """

    x: Array
    condition: Array | None = None
    mask: Array | None = None


class Data(NamedTuple):
    """Examples to train on and examples held out; neither empty."""

    train: Examples
    heldout: Examples


def check_data(data: Data) -> None:
    """Raises `InputError` unless both sides have examples, whose parts have a row for each.

    Without the check, JAX would clamp the places that a condition or mask lacks.
    """
    for name, side in zip(Data._fields, data, strict=True):
        require_type(f"data.{name}", side, Examples)
        shape = np.shape(side.x)
        if side.condition is not None and len(side.condition) != shape[0]:
            raise InputError(
                f"data.{name}.condition: got {len(side.condition)} rows, expected {shape[0]}, as "
                "many as x has"
            )
        if side.mask is not None and np.shape(side.mask) != shape:
            raise InputError(
                f"data.{name}.mask: got shape {np.shape(side.mask)}, expected {shape}, that of x"
            )
    n_train, n_heldout = len(data.train.x), len(data.heldout.x)
    if not n_train or not n_heldout:
        raise InputError(
            f"data: got {n_train} training and {n_heldout} held-out examples, expected at least 1 "
            "of each"
        )


class TrainState(NamedTuple):
    """The state that a step updates."""

    params: Any
    opt_state: optax.OptState


class Progress(NamedTuple):
    """The progress of a training.

    Attributes:
        state: the state that a step updates.
        active: bool; False after a loss that is not finite: further epochs are then skipped.
    """

    state: TrainState
    active: jax.Array


class Losses(NamedTuple):
    """Nats per example; `negative_elbo` is weighted by beta.

    Training minimises the negative ELBO plus the other terms. KL warm-up and free bits change the
    objective but not the losses reported here, so that runs with and without them can be compared.

    Attributes:
        reconstruction: negative log-likelihood of x.
        kl: what beta weighs, see `models.objective.Terms`.
        negative_elbo: their weighted sum.
        others: further terms of the model's objective, by name.
    """

    reconstruction: jax.Array
    kl: jax.Array
    negative_elbo: jax.Array
    others: Mapping[str, jax.Array] = {}

    def by_name(self) -> dict[str, jax.Array]:
        """All losses, the model's own last."""
        return {name: getattr(self, name) for name in self._fields[:3]} | dict(self.others)


class History(NamedTuple):
    """One number per epoch, each `[epochs]`.

    `train` averages over the epoch's steps, each with the parameters of that moment. `heldout` and
    `active_units` (of the training songs' posterior means) are computed at the end of the epoch.
    """

    train: Losses
    heldout: Losses
    active_units: Array

    def by_name(self) -> dict[str, Array]:
        """Its parts under the names of history.csv: train_kl_nats, active_units, ..."""
        losses = {
            f"{side}_{name}_nats": value
            for side in ("train", "heldout")
            for name, value in getattr(self, side).by_name().items()
        }
        return losses | {"active_units": self.active_units}


def make_model(config: ModelConfig, shape: tuple[int, ...]) -> Model:
    """The Flax module that a config of a trained kind describes.

    Args:
        config: kind and sizes.
        shape: shape of an example, `[features]` or `[bands, frames]`, or the widths of its blocks.
    """
    file, name = config.traits.module.split(".")
    module = getattr(import_module(f"musicvae_jax.models.{file}"), name)
    # Settings without an attribute of the module are for other kinds of models.
    names = {field.name for field in dataclasses.fields(module)}
    settings = {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(config)
        if field.name in names
    }
    if settings.get("architecture") == "auto":
        # Not resolved: the module's own default.
        del settings["architecture"]
    return module.for_shape(shape, **(settings | dict(config.traits.settings)))


def empty_example(config: ModelConfig, shape: tuple[int, ...]) -> jax.Array:
    """A batch of one example of zeros; arguments as in `make_model`."""
    return jnp.zeros((1, sum(shape)) if config.traits.reads == "blocks" else (1, *shape))


def adam(learning_rate: jax.Array | float) -> optax.GradientTransformation:
    """Adam with the learning rate in its state."""
    # The other hyperparameters stay Python constants: in float32, 1 - 0.9 is not 0.1.
    fixed = ("b1", "b2", "eps", "eps_root")
    return optax.inject_hyperparams(optax.adam, static_args=fixed)(learning_rate)


def init_state(
    model: Model,
    key: jax.Array,
    examples: Examples,
    learning_rate: jax.Array | float,
    optimiser: Optimiser = adam,
) -> TrainState:
    """Fresh parameters and optimiser state; only the shapes of the examples matter.

    Raises:
        ValueError: the optimiser's state does not hold the learning rate.
    """
    first = jax.tree.map(lambda leaf: leaf[:1], examples)
    noise = jnp.zeros((1, model.latent))
    params = model.init(key, first.x, noise, first.condition, method="terms")
    opt_state = optimiser(learning_rate).init(params)
    if not optax.tree_utils.tree_get_all_with_path(opt_state, "learning_rate"):
        # A step would use another rate, since it reads the rate from the state.
        raise ValueError(
            "optimiser: got one without the learning rate in its state, expected one such as "
            "optax.inject_hyperparams(optax.sgd)"
        )
    return TrainState(params, opt_state)


def no_losses(model: Model, value: float = jnp.nan) -> Losses:
    """Losses of a model that are all the same number."""
    # Not of JAX: several processes could not save what is on a device of one of them.
    number: Any = np.float32(value)
    return Losses(number, number, number, dict.fromkeys(model.other_terms, number))


def no_history(model: Model) -> History:
    """The history of a skipped epoch."""
    nothing: Any = np.int32(0)
    return History(no_losses(model), no_losses(model), nothing)


def blank_history(model: Model, n_members: int, n_epochs: int) -> History:
    """The history of epochs not trained yet, NumPy, parts `[members, epochs]`."""
    blank = no_history(model)
    return jax.tree.map(lambda leaf: np.full((n_members, n_epochs), leaf, leaf.dtype), blank)
