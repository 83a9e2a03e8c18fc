"""Keys of a training, and noise that does not depend on how a batch is laid out over devices."""

from typing import NamedTuple

import jax


class Keys(NamedTuple):
    """What the randomness of a training is for."""

    init: jax.Array
    order: jax.Array
    noise: jax.Array
    heldout: jax.Array


def split_key(key: jax.Array) -> Keys:
    """The keys of a training, from the one that it is given."""
    return Keys(*jax.random.split(key, 4))


def example_noise(key: jax.Array, index: jax.Array, latent: int) -> jax.Array:
    """Standard normal noise `[examples, latent]` that depends on each example's index alone."""
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, index)
    return jax.vmap(lambda key: jax.random.normal(key, (latent,)))(keys)
