"""Decodes latents to features, and samples features from a prior."""

from functools import partial
from typing import Any

import jax
import numpy as np

from musicvae_jax.models import Model
from musicvae_jax.training.state import Array

_DECODED_AT_ONCE = 8192


def decode(model: Model, params: Any, points: Array, condition: Array | None = None) -> np.ndarray:
    """Decodes latents to standardised features, in bounded memory.

    Args:
        model: the module.
        params: parameters of one member.
        points: latents, `[examples, latent]`.
        condition: one-hot labels, `[examples, labels]`, or None.

    Returns:
        float32 `[examples, features]`, or `[examples, bands, frames]` for a model of crops.
    """
    return _in_blocks("decode", model, params, points, condition)


def sample(
    model: Model, params: Any, noise: np.ndarray, condition: np.ndarray | None = None
) -> np.ndarray:
    """Samples standardised features from the model's prior, in bounded memory.

    Args:
        model: a module with a prior.
        params: see `decode`.
        noise: standard normal, `[examples, latent]`.
        condition: see `decode`.

    Returns:
        See `decode`.
    """
    return _in_blocks("sample", model, params, noise, condition)


def _in_blocks(
    method: str, model: Model, params: Any, points: Array, condition: Array | None
) -> np.ndarray:
    blocks = [slice(i, i + _DECODED_AT_ONCE) for i in range(0, len(points), _DECODED_AT_ONCE)]
    found = (
        _apply(method, model, params, points[b], None if condition is None else condition[b])
        for b in blocks
    )
    return np.concatenate([np.asarray(part) for part in found])


@partial(jax.jit, static_argnums=(0, 1))
def _apply(
    method: str, model: Model, params: Any, points: Array, condition: Array | None
) -> jax.Array:
    return model.apply(params, points, condition, method=method)
