"""Keys of a training, and noise that does not depend on the layout of a batch over devices."""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Keys(NamedTuple):
    """The keys of a training, one for each purpose."""

    init: jax.Array
    order: jax.Array
    noise: jax.Array
    heldout: jax.Array


def split_key(key: jax.Array) -> Keys:
    """Splits a training's key into its `Keys`."""
    return Keys(*jax.random.split(key, 4))


def example_noise(key: jax.Array, index: jax.Array, latent: int) -> jax.Array:
    """Standard normal noise `[examples, latent]`; each row depends only on its example's index.

    It is float32 in a process that computes in double precision too: models are the same there.
    """
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, index)
    return jax.vmap(lambda key: jax.random.normal(key, (latent,), jnp.float32))(keys)
