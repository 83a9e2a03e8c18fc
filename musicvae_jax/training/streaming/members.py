"""Trains the members of a sweep on streamed examples, one member per row of the mesh."""

from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from functools import partial
from queue import SimpleQueue
from threading import Event

import jax
import numpy as np
from jax.sharding import Mesh

from musicvae_jax.config import Member, TrainConfig
from musicvae_jax.models import Model
from musicvae_jax.runtime.devices import make_mesh
from musicvae_jax.training import History, Optimiser, TrainState, adam
from musicvae_jax.training.reports import OnHistory
from musicvae_jax.training.resume import OpenSaver, save_nothing
from musicvae_jax.training.streaming.loop import train_streamed
from musicvae_jax.training.streaming.source import CHUNK_BYTES, Source


def train_streamed_members(
    model: Model,
    config: TrainConfig,
    source: Source,
    members: Sequence[Member],
    on_history: OnHistory | None = None,
    mesh: Mesh | None = None,
    open_saver: OpenSaver = save_nothing,
    chunk_bytes: int = CHUNK_BYTES,
    optimiser: Optimiser = adam,
) -> tuple[TrainState, History]:
    """Trains every member of a sweep, as many at a time as the mesh axis "sweep" is long.

    Each member reads its own examples, since each seed has its own order. With several processes,
    members train one after the other on all devices: programs that communicate between processes
    must run in the same order in each.

    Args:
        model: see `train_streamed`.
        config: see `train_streamed`.
        source: see `train_streamed`.
        members: at least one.
        on_history: called after every epoch of a member, from its thread.
        mesh: from `devices.make_mesh`; by default its default for this number of members.
        open_saver: opens the saver of a member, by name.
        chunk_bytes: see `train_streamed`.
        optimiser: see `train_streamed`.

    Returns:
        States and histories, NumPy, with a leading axis of members in their order.

    Raises:
        StoppedError: a stop was requested.
    """
    free: SimpleQueue[Mesh] = SimpleQueue()
    for row in _rows(mesh or make_mesh(len(members))):
        free.put(row)
    stopped = Event()

    def report(place: int, epoch: int, history: History, is_restored: bool) -> None:
        if stopped.is_set():
            raise CancelledError
        if on_history:
            on_history(place, epoch, history, is_restored)

    def train(place: int) -> tuple[TrainState, History]:
        row = free.get()
        try:
            with open_saver(f"member_{place}") as saver:
                return train_streamed(
                    model,
                    config,
                    source,
                    members[place],
                    partial(report, place),
                    row,
                    saver,
                    chunk_bytes,
                    optimiser,
                )
        finally:
            free.put(row)

    pool = ThreadPoolExecutor(free.qsize())
    try:
        trainings = [pool.submit(train, place) for place in range(len(members))]
        ended, _ = wait(trainings, return_when=FIRST_EXCEPTION)
        results = {training: training.result() for training in ended}
    finally:
        # After an interrupt or an error, the other members stop at the end of their epoch.
        stopped.set()
        pool.shutdown(cancel_futures=True)
    return jax.tree.map(lambda *leaves: np.stack(leaves), *(results[t] for t in trainings))


def _rows(mesh: Mesh) -> list[Mesh]:
    """A mesh for each member trained at a time."""
    rows = mesh.devices if jax.process_count() == 1 else mesh.devices.reshape(1, -1)
    return [Mesh(row[None], mesh.axis_names, axis_types=mesh.axis_types) for row in rows]
