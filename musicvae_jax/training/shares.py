"""One device's share of the data, for devices that share every batch."""

from typing import Any

import jax
import jax.numpy as jnp

from musicvae_jax.training.state import Examples


def take(examples: Examples, index: jax.Array) -> Examples:
    return jax.tree.map(lambda leaf: leaf[index], examples)


def psum(tree: Any, data_axis: str | None) -> Any:
    """Sums over the devices that share the data."""
    return tree if data_axis is None else jax.lax.psum(tree, data_axis)


def own_share(items: jax.Array, data_axis: str | None) -> tuple[jax.Array, jax.Array]:
    """This device's share of items `[n]`, and a weight for each: 1, or 0 for padding."""
    if data_axis is None:
        return items, jnp.ones(len(items), jnp.float32)
    n_shares = jax.lax.axis_size(data_axis)
    share = -(-len(items) // n_shares)
    place = jax.lax.axis_index(data_axis) * share + jnp.arange(share)
    return items[jnp.minimum(place, len(items) - 1)], (place < len(items)).astype(jnp.float32)


def own_examples(
    examples: Examples, data_axis: str | None
) -> tuple[Examples, jax.Array, jax.Array]:
    """This device's share of examples, their indices and weights."""
    index, weight = own_share(jnp.arange(len(examples.x)), data_axis)
    return (examples if data_axis is None else take(examples, index)), index, weight
