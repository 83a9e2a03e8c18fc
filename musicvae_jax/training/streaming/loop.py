"""Trains one member on chunks that are read ahead."""

from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jax.tree_util import Partial

from musicvae_jax.config import Member, TrainConfig
from musicvae_jax.models import Model
from musicvae_jax.runtime.devices import DATA, data_axis, make_mesh, place
from musicvae_jax.runtime.prefetch import one_ahead
from musicvae_jax.training import (
    ACTIVE_VARIANCE,
    History,
    Losses,
    Optimiser,
    TrainState,
    adam,
    blank_history,
    example_noise,
    init_state,
    is_finite,
    make_step,
    no_losses,
    seed_key,
    split_key,
)
from musicvae_jax.training.resume import Saver
from musicvae_jax.training.streaming.chunks import Plan, Steps, make_plan, read_steps
from musicvae_jax.training.streaming.inference import heldout_losses, song_means
from musicvae_jax.training.streaming.source import CHUNK_BYTES, Source

_NO_SAVER = Saver()


def train_streamed(
    model: Model,
    config: TrainConfig,
    source: Source,
    member: Member,
    on_history: Callable[[int, History, bool], None] | None = None,
    mesh: Mesh | None = None,
    saver: Saver = _NO_SAVER,
    chunk_bytes: int = CHUNK_BYTES,
    optimiser: Optimiser = adam,
) -> tuple[TrainState, History]:
    """Trains one member of a sweep.

    Args:
        model: the module to fit, of the source's examples.
        config: epochs, batch size and reconstruction term.
        source: the examples.
        member: its seed, learning rate and weight of the KL term.
        on_history: called after every epoch with its number, its history, parts `[1, 1]`, and
            False; first with the epochs of a saved training, parts `[1, epochs]`, and True.
        mesh: devices that share every batch, all in the mesh axis "data"; by default one device.
        saver: saves the training.
        chunk_bytes: limit on the examples read at a time; at least one step is. A saved training
            resumes only with the same limit.
        optimiser: makes an optimiser from a learning rate, which it must keep in its state.

    Returns:
        The state, NumPy, and a `training.History` of NumPy arrays `[epochs]`, on the fixed examples
        of the source. After a loss that is not finite, the remaining epochs are skipped and their
        history is NaN.

    Raises:
        StoppedError: a stop was requested.
    """
    mesh = mesh or make_mesh(1)
    # JAX takes a Python integer for an int32, which may be too small for the seed.
    traced: Any = (*map(np.float32, member[:2]), np.uint32(member.seed))
    member = Member(*traced)
    plan = make_plan(source, config, mesh, chunk_bytes)
    # Placed as the sums of a chunk are, or the steps would be compiled once more for those.
    nothing = place(no_losses(model, 0.0), mesh)
    carry = (_start(model, source, mesh, member, optimiser), nothing)
    history = blank_history(model, 1, config.epochs)
    like = jax.tree.map(partial(_whole, mesh), (carry, history))
    n_done, found = saver.latest((0, None), like)
    if found is not None:
        carry, history = found[0], jax.tree.map(np.array, found[1])
    n_chunks = config.epochs * plan.chunks_per_epoch
    if on_history and n_done:
        on_history(0, _epochs(history, 0, n_done // plan.chunks_per_epoch), True)
    wanted = range(n_done, n_chunks)
    with closing(one_ahead(read_steps(source, plan, member.seed, wanted))) as chunks:
        while n_done < n_chunks and _is_active(history, n_done // plan.chunks_per_epoch):
            epoch, chunk = divmod(n_done, plan.chunks_per_epoch)
            # Wait here, so that no third chunk is read.
            carry = jax.block_until_ready(
                _run_steps(
                    *(model, config, mesh, optimiser),
                    *(carry, next(chunks), member, epoch, source.to_examples),
                )
            )
            n_done += 1
            if chunk + 1 == plan.chunks_per_epoch:
                found = _epoch_history(model, config, plan, carry, member, epoch, source)
                for whole, value in zip(*map(jax.tree.leaves, (history, found)), strict=True):
                    whole[0, epoch] = value
                carry = (carry[0], nothing)
                if on_history:
                    on_history(epoch, _epochs(history, epoch, epoch + 1), False)
            saver.after(
                n_done,
                n_chunks,
                partial(lambda c: (c, jax.tree.map(np.copy, history)), carry),
                plan.chunks_per_epoch,
            )
    if on_history and n_done < n_chunks:
        first = n_done // plan.chunks_per_epoch
        on_history(first, _epochs(history, first, config.epochs), False)
    return jax.tree.map(np.asarray, carry[0]), jax.tree.map(lambda leaf: leaf[0], history)


def _epochs(history: History, first: int, last: int) -> History:
    return jax.tree.map(lambda leaf: leaf[:, first:last].copy(), history)


def _whole(mesh: Mesh, leaf: jax.Array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=NamedSharding(mesh, P()))


def _start(
    model: Model, source: Source, mesh: Mesh, member: Member, optimiser: Optimiser
) -> TrainState:
    first = jax.tree.map(lambda part: part[:1], source.fixed(source.train[:1]))
    return _init(model, mesh, optimiser, member, source.read(first), source.to_examples)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _init(
    model: Model,
    mesh: Mesh,
    optimiser: Optimiser,
    member: Member,
    read: Any,
    to_examples: Partial,
) -> TrainState:
    key = split_key(seed_key(member.seed)).init
    state = init_state(model, key, to_examples(read), member.learning_rate, optimiser)
    return jax.lax.with_sharding_constraint(state, NamedSharding(mesh, P()))


def _is_active(history: History, epoch: int) -> bool:
    """Whether the losses of the epoch before are finite."""
    return epoch == 0 or bool(is_finite(jax.tree.map(lambda leaf: leaf[0, epoch - 1], history)))


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _run_steps(
    model: Model,
    config: TrainConfig,
    mesh: Mesh,
    optimiser: Optimiser,
    carry: tuple[TrainState, Losses],
    steps: Steps,
    member: Member,
    epoch: jax.Array,
    to_examples: Partial,
) -> tuple[TrainState, Losses]:
    step = make_step(model, config, data_axis(mesh), optimiser)

    def run(
        carry: tuple[TrainState, Losses],
        steps: Steps,
        member: Member,
        epoch: jax.Array,
        to_examples: Partial,
    ) -> tuple[TrainState, Losses]:
        key = jax.random.fold_in(split_key(seed_key(member.seed)).noise, epoch)

        def run_step(
            index: jax.Array, carry: tuple[TrainState, Losses]
        ) -> tuple[TrainState, Losses]:
            state, sums = carry
            read, ids, weight = jax.tree.map(lambda part: part[index], steps[:3])
            noise = example_noise(key, ids, model.latent)
            state, losses = step(state, to_examples(read), weight, noise, member.beta, epoch)
            return state, jax.tree.map(jnp.add, sums, losses)

        # The length of the loop is traced, so the shorter last chunk of an epoch needs no second
        # compilation.
        return jax.lax.fori_loop(0, steps.n_steps, run_step, carry)

    specs: Any = (*[P(None, DATA)] * 3, P())
    by_batch = Steps(*specs)
    return jax.shard_map(
        run,
        mesh=mesh,
        in_specs=(P(), by_batch, P(), P(), P()),
        out_specs=P(),
        # The sums over devices are explicit.
        check_vma=False,
    )(carry, steps, member, epoch, to_examples)


def _epoch_history(
    model: Model,
    config: TrainConfig,
    plan: Plan,
    carry: tuple[TrainState, Losses],
    member: Member,
    epoch: int,
    source: Source,
) -> History:
    state, sums = carry
    params, mesh, songs = state.params, plan.mesh, source.train
    means = song_means(model, params, source, source.fixed(songs), len(songs), mesh)
    return History(
        train=jax.tree.map(lambda total: np.asarray(total) / np.float32(plan.n_examples), sums),
        heldout=heldout_losses(model, config, mesh, params, member, epoch, source),
        active_units=np.asarray(np.sum(means.var(axis=0) > ACTIVE_VARIANCE, dtype=np.int32)),
    )
