"""The encoder of a trained model as one function of features, standardisation included."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from musicvae_jax.errors import InputError
from musicvae_jax.features import standardise
from musicvae_jax.trained import Trained


class Encoder(NamedTuple):
    """An encoder without its songs.

    Attributes:
        function: takes float32 arrays, one for each of `inputs` and with a first axis of songs, and
            returns posterior means, float32 `[songs, latent]`.
        inputs: name of each array, to its shape without the axis of songs. "features" are in the
            units of the model's input (decibels, for audio); "condition" is one-hot, in the order
            of the preprocessor's vocabulary; "mask" is 0 where a feature is missing, else 1.
    """

    function: Callable[..., jax.Array]
    inputs: dict[str, tuple[int, ...]]


def encoder_of(trained: Trained, member: int = 0) -> Encoder:
    """The encoder of one member of a sweep.

    Raises:
        InputError: the model is not a trained network, or there is no such member.
    """
    experiment = trained.experiment
    if trained.state is None:
        raise InputError(
            f"export: got a model of kind {experiment.model.kind!r}, which has no network; "
            "expected a trained one, such as a vae"
        )
    model, traits = trained.model, experiment.model.traits
    params = jax.tree.map(jnp.asarray, trained.params(member))
    scaler = jax.tree.map(jnp.asarray, trained.preprocessor.scaler)
    n_features = sum(trained.shape) if traits.reads == "blocks" else trained.shape
    inputs = {"features": (n_features,) if isinstance(n_features, int) else n_features}
    if experiment.model.condition != "none":
        inputs["condition"] = (len(trained.preprocessor.vocabularies[experiment.model.condition]),)
    if traits.reads == "blocks":
        inputs["mask"] = inputs["features"]

    def encode(*arrays: jax.Array) -> jax.Array:
        given = dict(zip(inputs, arrays, strict=True))
        x, mask = given["features"], given.get("mask")
        # The features of a crop are its bands, and its last axis is time.
        is_crop = traits.reads == "crops"
        x = jnp.swapaxes(x, -1, -2) if is_crop else x
        x = standardise(x, scaler)
        x = jnp.swapaxes(x, -1, -2) if is_crop else x
        x = x if mask is None else x * mask
        return model.apply(params, x, given.get("condition"), mask, method="encode").mean

    return Encoder(encode, inputs)
