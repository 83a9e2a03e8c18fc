"""Decodes latents to features."""

from functools import partial
from typing import Any

import jax
import numpy as np

from musicvae_jax.models import Model

_DECODED_AT_ONCE = 8192


def decode(
    model: Model, params: Any, points: np.ndarray, condition: np.ndarray | None = None
) -> np.ndarray:
    """Decodes latents to standardised features, in bounded memory.

    Args:
        model: the module.
        params: parameters of one member.
        points: latents, `[examples, latent]`.
        condition: one-hot labels, `[examples, labels]`, or None.

    Returns:
        float32 `[examples, features]`, or `[examples, bands, frames]` for a model of crops.
    """
    blocks = [slice(i, i + _DECODED_AT_ONCE) for i in range(0, len(points), _DECODED_AT_ONCE)]
    return np.concatenate(
        [
            np.asarray(
                _decode(model, params, points[b], None if condition is None else condition[b])
            )
            for b in blocks
        ]
    )


@partial(jax.jit, static_argnums=0)
def _decode(model: Model, params: Any, z: jax.Array, condition: jax.Array | None) -> jax.Array:
    return model.apply(params, z, condition, method="decode")
