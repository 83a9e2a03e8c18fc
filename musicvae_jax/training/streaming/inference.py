"""Passes over fixed examples of a source, in blocks shared by all devices."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from operator import itemgetter
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jax.tree_util import Partial

from musicvae_jax.config import Member, TrainConfig
from musicvae_jax.models import Model, Posterior
from musicvae_jax.runtime.devices import DATA, SWEEP, local_mesh, place
from musicvae_jax.runtime.prefetch import one_ahead
from musicvae_jax.training import Losses, example_noise, make_losses, seed_key, split_key
from musicvae_jax.training.streaming.source import Source, Visits

_ALL = (SWEEP, DATA)


def song_means(
    model: Model, params: Any, source: Source, visits: Visits, n_songs: int, mesh: Mesh
) -> np.ndarray:
    """Posterior means, averaged over the examples of each song.

    Args:
        model: the module.
        params: its parameters, of one member.
        source: where the examples are.
        visits: the examples, the same number for each song, those of a song next to each other.
        n_songs: number of songs.
        mesh: devices that share the examples.

    Returns:
        float32 `[n_songs, latent]`.
    """
    means = np.asarray(posteriors(model, params, source, visits, mesh).mean)
    return means.reshape(n_songs, -1, means.shape[-1]).mean(axis=1)


def posteriors(
    model: Model, params: Any, source: Source, visits: Visits, mesh: Mesh | None = None
) -> Posterior:
    """Posteriors of examples, in bounded memory.

    Args:
        model: the module.
        params: its parameters, of one member.
        source: where the examples are.
        visits: the examples.
        mesh: devices that share the examples; by default those of `local_mesh`.

    Returns:
        Parts float32 `[examples, latent]`, NumPy, in the order of `visits`.
    """
    mesh = mesh or local_mesh()
    params = place(params, mesh)
    with closing(one_ahead(_blocks(source, visits, mesh))) as blocks:
        found = [
            jax.tree.map(
                lambda part, n=n_used: np.asarray(part)[:n],
                _posteriors(model, mesh, params, read, source.to_examples),
            )
            for read, _, n_used in blocks
        ]
    return jax.tree.map(lambda *parts: np.concatenate(parts), *found)


def latents(
    model: Model, params: Any, source: Source, songs: np.ndarray, mesh: Mesh | None = None
) -> np.ndarray:
    """Latents of songs under one member: posterior means, averaged over a song's examples.

    Args:
        model: the module.
        params: its parameters, of one member.
        source: where the songs are.
        songs: their places in it, `[n]`.
        mesh: devices that share the examples; by default those of `local_mesh`.

    Returns:
        float32 `[n, latent]`, in the order of `songs`; devices change them only by rounding.
    """
    visits = source.encoding(songs)
    return song_means(model, params, source, visits, len(songs), mesh or local_mesh())


def heldout_losses(
    model: Model,
    config: TrainConfig,
    mesh: Mesh,
    params: Any,
    member: Member,
    epoch: int,
    source: Source,
) -> Losses:
    """Means over the held-out examples after an epoch, counted from 0."""
    visits = source.fixed(source.heldout)
    sums = []
    with closing(one_ahead(_blocks(source, visits, mesh))) as blocks:
        for read, ids, n_used in blocks:
            losses = _losses(
                model, config, mesh, params, read, ids, member, epoch, source.to_examples
            )
            sums.append(_block_sums(losses, n_used))
    n_examples = len(visits.ids)
    return jax.tree.map(lambda *parts: np.float32(sum(parts) / n_examples), *sums)


def _block_sums(losses: Losses, n_used: int) -> Losses:
    return jax.tree.map(lambda part: np.asarray(part)[:n_used].sum(dtype=np.float64), losses)


def _blocks(source: Source, visits: Visits, mesh: Mesh) -> Iterator[tuple[Any, jax.Array, int]]:
    """Data and ids of blocks of examples, padded, and how many examples of each are real."""
    n_examples = len(visits.ids)
    at_once = -(-min(source.n_at_once, n_examples) // mesh.size) * mesh.size
    for first in range(0, n_examples, at_once):
        part = jax.tree.map(itemgetter(slice(first, first + at_once)), visits)
        filled = jax.tree.map(lambda some: np.resize(some, at_once), part)
        yield *place((source.read(filled), filled.ids), mesh, _ALL), len(part.ids)


@partial(jax.jit, static_argnums=(0, 1))
def _posteriors(
    model: Model, mesh: Mesh, params: Any, read: Any, to_examples: Partial
) -> Posterior:
    examples = to_examples(read)
    posterior = model.apply(params, *examples, method="encode")
    return jax.lax.with_sharding_constraint(posterior, NamedSharding(mesh, P()))


@partial(jax.jit, static_argnums=(0, 1, 2))
def _losses(
    model: Model,
    config: TrainConfig,
    mesh: Mesh,
    params: Any,
    read: Any,
    ids: jax.Array,
    member: Member,
    epoch: jax.Array,
    to_examples: Partial,
) -> Losses:
    key = jax.random.fold_in(split_key(seed_key(member.seed)).heldout, epoch)
    noise = example_noise(key, ids, model.latent)
    losses = make_losses(model, config)(params, to_examples(read), noise, member.beta)
    return jax.lax.with_sharding_constraint(losses, NamedSharding(mesh, P()))
