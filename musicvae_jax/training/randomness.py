"""Keys of a training, and noise that does not depend on the layout of a batch over devices."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

# Not JAX's default, which a process may have set: keys of "rbg" draw other numbers under `vmap`
# than alone, and so other ones on other devices.
_IMPLEMENTATION = "threefry2x32"


class Keys(NamedTuple):
    """The keys of a training, one for each purpose."""

    init: jax.Array
    order: jax.Array
    noise: jax.Array
    heldout: jax.Array


def seed_key(seed: jax.Array | int) -> jax.Array:
    """The key of a training with this seed, from 0 to 2**32 - 1; also of seeds that are traced."""
    return jax.random.key(seed, impl=_IMPLEMENTATION)


def split_key(key: jax.Array) -> Keys:
    """Splits a training's key into its `Keys`.

    Raises:
        ValueError: it is no key, or of an implementation whose numbers depend on the layout.
    """
    try:
        found = str(jax.random.key_impl(key))
    except TypeError:
        found = repr(key)
    if found != _IMPLEMENTATION:
        raise ValueError(
            f"key: got {found}, expected a key of {_IMPLEMENTATION}, such as "
            f"jax.random.key(0, impl={_IMPLEMENTATION!r})"
        )
    return Keys(*jax.random.split(key, 4))


def example_noise(key: jax.Array, index: jax.Array, latent: int) -> jax.Array:
    """Standard normal noise `[examples, latent]`; each row depends only on its example's index.

    It is float32 in a process that computes in double precision too: models are the same there.
    """
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, index)
    return jax.vmap(lambda key: jax.random.normal(key, (latent,), jnp.float32))(keys)
