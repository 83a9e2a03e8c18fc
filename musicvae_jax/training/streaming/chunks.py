"""Divides the epochs of a streamed training into chunks of steps, and reads them."""

from collections.abc import Iterator
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from musicvae_jax.config import TrainConfig
from musicvae_jax.runtime.devices import DATA
from musicvae_jax.training import seed_key, split_key
from musicvae_jax.training.streaming.source import Source, Visits


class Plan(NamedTuple):
    """How an epoch is divided into steps of `batch` examples, and these into chunks.

    A batch is padded to `width`, a multiple of the number of devices; this process reads `columns`.
    """

    n_examples: int
    batch: int
    width: int
    columns: slice
    n_steps: int
    steps_per_chunk: int
    mesh: Mesh

    @property
    def chunks_per_epoch(self) -> int:
        return -(-self.n_steps // self.steps_per_chunk)


class Steps(NamedTuple):
    """Examples of consecutive steps, padded to the compiled shape.

    Only the first `n_steps` count. The data read is `[steps, batch, ...]`; the examples' ids and
    weights, 0 for padding, are `[steps, batch]`.
    """

    read: Any
    ids: jax.Array
    weights: jax.Array
    n_steps: int


def make_plan(source: Source, config: TrainConfig, mesh: Mesh, chunk_bytes: int) -> Plan:
    """The plan of every epoch; a chunk has at most `chunk_bytes`, but at least one step."""
    batch = min(config.batch_size, source.n_examples)
    width = -(-batch // mesh.size) * mesh.size
    n_steps = -(-source.n_examples // batch)
    # From the batch, not its width: the division of an epoch must not depend on the devices.
    steps_per_chunk = min(max(chunk_bytes // (batch * source.example_bytes), 1), n_steps)
    own = width // jax.process_count()
    columns = slice(jax.process_index() * own, (jax.process_index() + 1) * own)
    return Plan(source.n_examples, batch, width, columns, n_steps, steps_per_chunk, mesh)


def read_steps(source: Source, plan: Plan, seed: int, chunks: range) -> Iterator[Steps]:
    """Reads chunks, numbered over all epochs, onto the devices."""
    key = split_key(seed_key(seed)).order
    weights = _steps_of(np.arange(_n_filled(plan)) < plan.n_examples, plan).astype(np.float32)
    # A batch is padded with examples of weight 0.
    weights[:, plan.batch :] = 0
    sharding = NamedSharding(plan.mesh, P(None, DATA))
    for chunk in chunks:
        epoch, place = divmod(chunk, plan.chunks_per_epoch)
        if chunk == chunks[0] or place == 0:
            visits = source.epoch(jax.random.fold_in(key, epoch))
            visits = jax.tree.map(lambda part: _steps_of(part, plan), visits)
        first = place * plan.steps_per_chunk
        part = np.s_[first : first + plan.steps_per_chunk, plan.columns]
        wanted = jax.tree.map(itemgetter(part), visits)
        read, ids, used = jax.tree.map(
            partial(jax.make_array_from_process_local_data, sharding),
            (_read(source, wanted), wanted.ids, weights[part]),
        )
        yield Steps(read, ids, used, min(plan.steps_per_chunk, plan.n_steps - first))


def _read(source: Source, visits: Visits) -> Any:
    """Reads examples `[steps, batch]` as arrays `[steps, batch, ...]`."""
    found = source.read(jax.tree.map(np.ravel, visits))
    shape = visits.ids.shape
    return jax.tree.map(lambda leaf: leaf.reshape(*shape, *leaf.shape[1:]), found)


def _n_filled(plan: Plan) -> int:
    """Number of examples in an epoch with its last step and chunk padded."""
    return plan.chunks_per_epoch * plan.steps_per_chunk * plan.batch


def _steps_of(values: np.ndarray, plan: Plan) -> np.ndarray:
    """Values `[n]` of an epoch's examples as `[steps, width]`, padded."""
    steps = np.resize(values, _n_filled(plan)).reshape(-1, plan.batch)
    return np.pad(steps, ((0, 0), (0, plan.width - plan.batch)), mode="edge")
