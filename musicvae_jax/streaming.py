"""Training on crops that the host reads from a store while the device computes.

What `training` does in one compiled call needs all inputs on the device; mel crops do not fit.
Here a Python loop hands over chunks of steps, compiled once, and a thread reads the next chunk
meanwhile. Losses, optimiser, noise and history are those of `training`. Randomness is folded from
(epoch, song, crop number), so that the size of a chunk does not change the numbers.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from contextlib import closing
from functools import partial
from queue import SimpleQueue
from threading import Event
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from musicvae_jax.config import CropConfig, Member, TrainConfig
from musicvae_jax.devices import DATA, SWEEP, data_axis, make_mesh, place
from musicvae_jax.features import Scaler
from musicvae_jax.features.crops import CropStore, fixed_places, half_crops
from musicvae_jax.features.melstore import VALUE
from musicvae_jax.models import ConvAutoencoder
from musicvae_jax.prefetch import one_ahead
from musicvae_jax.songs import MEL_BANDS
from musicvae_jax.training import (
    ACTIVE_VARIANCE,
    Examples,
    History,
    Losses,
    TrainState,
    blank_history,
    example_noise,
    init_state,
    is_finite,
    make_losses,
    make_step,
    split_key,
)
from musicvae_jax.unfinished import Keeper, Keeping, keep_nothing

# Of crops in half precision; of each member in training two chunks exist at a time, one in use and
# one being read.
CHUNK_BYTES = 32 * 2**20
# Fixed crops of a song that the history looks at after every epoch.
HISTORY_CROPS = 2
# Crops that are encoded side by side.
_ENCODED_AT_ONCE = 128
# Encoding shares crops among all devices.
_ALL = (SWEEP, DATA)
_NO_KEEPER = Keeper()


class CropSource(NamedTuple):
    """Where crops come from: a store, the songs on each side of the split, the scaler."""

    store: CropStore
    train: np.ndarray
    heldout: np.ndarray
    scaler: Scaler


class _Steps(NamedTuple):
    """Crops of consecutive steps, filled up to the shape that is compiled.

    Only the first `n_steps` count. Windows are float16 `[steps, batch, frames, 128]`; a crop's id,
    `song * per_song + number`, and its weight, 0 for padding, are `[steps, batch]`.
    """

    windows: jax.Array
    ids: jax.Array
    weights: jax.Array
    n_steps: int


def train_crops(
    model: ConvAutoencoder,
    config: TrainConfig,
    crops: CropConfig,
    source: CropSource,
    member: Member,
    on_epochs: Callable[[int], None] | None = None,
    mesh: Mesh | None = None,
    keeper: Keeper = _NO_KEEPER,
    chunk_bytes: int = CHUNK_BYTES,
) -> tuple[TrainState, History]:
    """Trains one member of a sweep.

    Args:
        model: the module to fit, of `crops.frames` frames.
        config: epochs, batch size and reconstruction term.
        crops: length of a crop, and the number of random crops of each training song in an epoch.
        source: the store, the split and the scaler; neither side empty.
        member: its seed, step size and weight of the KL term.
        on_epochs: told, after every epoch, how many were trained; for a progress bar.
        mesh: devices that share every batch, all in the mesh axis "data"; by default one device.
        keeper: keeps the training.
        chunk_bytes: bound on the crops that are read at a time; one step always is.

    Returns:
        The state, NumPy, and the history as NumPy arrays `[epochs]` that mean what
        `training.History` says: `heldout` averages over fixed crops of the held-out songs,
        `active_units` counts over the training songs' latents, each a mean over fixed crops. Once
        a loss is not finite the remaining epochs are skipped and their history is NaN.

    Raises:
        StoppedError: the keeper was asked to stop.
    """
    mesh = mesh or make_mesh(1)
    # A seed may be too large for what JAX takes a Python integer for.
    member = Member(*map(np.float32, member[:2]), np.uint32(member.seed))
    plan = _plan(source, config, crops, mesh, chunk_bytes)
    carry = (_init(model, mesh, member), _no_losses())
    history = blank_history(1, config.epochs)
    like = jax.tree.map(partial(_whole, mesh), (carry, history))
    n_done, found = keeper.latest((0, None), like)
    if found is not None:
        carry, history = found[0], jax.tree.map(np.array, found[1])
    n_steps = config.epochs * plan.chunks_per_epoch
    if on_epochs and n_done:
        on_epochs(n_done // plan.chunks_per_epoch)
    with closing(one_ahead(_all_steps(source, plan, member.seed, range(n_done, n_steps)))) as steps:
        while n_done < n_steps and _is_going(history, n_done // plan.chunks_per_epoch):
            epoch, chunk = divmod(n_done, plan.chunks_per_epoch)
            # Waiting here keeps a third chunk from being read.
            carry = jax.block_until_ready(
                _run_steps(model, config, mesh, carry, next(steps), member, epoch, source.scaler)
            )
            n_done += 1
            if chunk + 1 == plan.chunks_per_epoch:
                found = _epoch_history(model, config, plan, carry, member, epoch, source)
                for whole, value in zip(*map(jax.tree.leaves, (history, found)), strict=True):
                    whole[0, epoch] = value
                carry = (carry[0], _no_losses())
                if on_epochs:
                    on_epochs(1)
            keeper.after(
                n_done,
                n_steps,
                lambda c=carry: (c, jax.tree.map(np.copy, history)),
                plan.chunks_per_epoch,
            )
    if on_epochs and n_done < n_steps:
        on_epochs(config.epochs - n_done // plan.chunks_per_epoch)
    return jax.tree.map(np.asarray, carry[0]), jax.tree.map(lambda leaf: leaf[0], history)


def train_crop_members(
    model: ConvAutoencoder,
    config: TrainConfig,
    crops: CropConfig,
    source: CropSource,
    members: Sequence[Member],
    on_epochs: Callable[[int], None] | None = None,
    mesh: Mesh | None = None,
    keeping: Keeping = keep_nothing,
) -> tuple[TrainState, History]:
    """Trains every member of a sweep, as many at a time as the mesh axis "sweep" is long.

    With several processes one member is trained after the other, on all devices: programs that
    talk between processes must run in the same order in each.

    Args:
        model: see `train_crops`, as for the other arguments.
        config: see there.
        crops: see there.
        source: see there.
        members: at least one.
        on_epochs: as there, from any thread.
        mesh: from `devices.make_mesh`; by default its default for so many members.
        keeping: opens the keeper of a member, by name.

    Returns:
        States and histories, NumPy, with a leading axis of members in their order.

    Raises:
        StoppedError: a keeper was asked to stop.
    """
    free: SimpleQueue[Mesh] = SimpleQueue()
    for row in _rows(mesh or make_mesh(len(members))):
        free.put(row)
    stopped = Event()

    def told(n_epochs: int) -> None:
        if stopped.is_set():
            raise CancelledError
        if on_epochs:
            on_epochs(n_epochs)

    def train(place: int) -> tuple[TrainState, History]:
        row = free.get()
        try:
            with keeping(f"member_{place}") as keeper:
                return train_crops(model, config, crops, source, members[place], told, row, keeper)
        finally:
            free.put(row)

    pool = ThreadPoolExecutor(free.qsize())
    try:
        trainings = [pool.submit(train, place) for place in range(len(members))]
        ended, _ = wait(trainings, return_when=FIRST_EXCEPTION)
        results = {training: training.result() for training in ended}
    finally:
        # After an interrupt or an error the other members end with their epoch, not their training.
        stopped.set()
        pool.shutdown(cancel_futures=True)
    return jax.tree.map(lambda *leaves: np.stack(leaves), *(results[t] for t in trainings))


def song_latents(
    model: ConvAutoencoder,
    params: Any,
    store: CropStore,
    index: np.ndarray,
    n_crops: int,
    scaler: Scaler,
    mesh: Mesh | None = None,
) -> np.ndarray:
    """Posterior means averaged over evenly spaced crops of each song, in bounded memory.

    Returns:
        float32 `[songs, latent]`, in the order of `index`; the same on any devices, up to rounding.
    """
    mesh = mesh or make_mesh(1)
    songs, positions = (part.ravel() for part in fixed_places(index, n_crops))
    params = place(params, mesh)
    means = np.concatenate(
        [
            np.asarray(_means(model, mesh, params, place(windows, mesh, _ALL), scaler))[:n_used]
            for windows, n_used in _fixed_windows(store, songs, positions, model.frames, mesh)
        ]
    )
    return means.reshape(len(index), n_crops, -1).mean(axis=1)


def standardised(windows: jax.Array, scaler: Scaler) -> jax.Array:
    """Windows in decibels, any float type, `[..., frames, 128]`, as float32 inputs of a model.

    Returns:
        `[..., 128, frames]`, less each band's mean, in units of the scale.
    """
    scaled = (windows.astype(jnp.float32) - scaler.mean) / scaler.scale
    return jnp.swapaxes(scaled, -1, -2)


class _Plan(NamedTuple):
    """How an epoch is cut: ids of its crops, steps of `batch` of them, chunks of steps.

    A batch is filled up to `width`, which the devices divide evenly; this process reads `columns`.
    """

    ids: np.ndarray
    per_song: int
    frames: int
    batch: int
    width: int
    columns: slice
    n_steps: int
    steps_per_chunk: int
    mesh: Mesh

    @property
    def chunks_per_epoch(self) -> int:
        return -(-self.n_steps // self.steps_per_chunk)


def _plan(
    source: CropSource, config: TrainConfig, crops: CropConfig, mesh: Mesh, chunk_bytes: int
) -> _Plan:
    per_song = crops.per_song
    ids = (source.train[:, None] * per_song + np.arange(per_song)).ravel()
    batch = min(config.batch_size, len(ids))
    width = -(-batch // mesh.size) * mesh.size
    n_steps = -(-len(ids) // batch)
    crop_bytes = crops.frames * MEL_BANDS * VALUE.itemsize
    # Of the batch, not of its width: where an epoch is cut must not depend on the devices.
    steps_per_chunk = min(max(chunk_bytes // (batch * crop_bytes), 1), n_steps)
    own = width // jax.process_count()
    columns = slice(jax.process_index() * own, (jax.process_index() + 1) * own)
    return _Plan(ids, per_song, crops.frames, batch, width, columns, n_steps, steps_per_chunk, mesh)


def _rows(mesh: Mesh) -> list[Mesh]:
    """The devices of each member that is in training, as meshes of their own."""
    rows = mesh.devices if jax.process_count() == 1 else mesh.devices.reshape(1, -1)
    return [Mesh(row[None], mesh.axis_names, axis_types=mesh.axis_types) for row in rows]


def _whole(mesh: Mesh, leaf: jax.Array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=NamedSharding(mesh, P()))


@partial(jax.jit, static_argnums=(0, 1))
def _init(model: ConvAutoencoder, mesh: Mesh, member: Member) -> TrainState:
    blank = Examples(jnp.zeros((1, MEL_BANDS, model.frames)))
    key = split_key(jax.random.key(member.seed)).init
    state = init_state(model, key, blank, member.learning_rate)
    return jax.lax.with_sharding_constraint(state, NamedSharding(mesh, P()))


def _no_losses() -> Losses:
    return Losses(*np.zeros(3, np.float32))


def _is_going(history: History, epoch: int) -> bool:
    """Whether the epoch before ended well."""
    return epoch == 0 or bool(is_finite(jax.tree.map(lambda leaf: leaf[0, epoch - 1], history)))


@partial(jax.jit, static_argnums=(0, 1, 2))
def _run_steps(
    model: ConvAutoencoder,
    config: TrainConfig,
    mesh: Mesh,
    carry: tuple[TrainState, Losses],
    steps: _Steps,
    member: Member,
    epoch: jax.Array,
    scaler: Scaler,
) -> tuple[TrainState, Losses]:
    step = make_step(model, config, data_axis(mesh))

    def run(carry, steps, member, epoch, scaler):
        key = jax.random.fold_in(split_key(jax.random.key(member.seed)).noise, epoch)

        def run_step(place, carry):
            state, sums = carry
            windows, ids, weight = (part[place] for part in steps[:3])
            noise = example_noise(key, ids, model.latent)
            examples = Examples(standardised(windows, scaler))
            state, losses = step(state, examples, weight, noise, member.beta, epoch)
            return state, jax.tree.map(jnp.add, sums, losses)

        # A loop of traced length: the last chunk of an epoch is shorter and need not be compiled
        # anew.
        return jax.lax.fori_loop(0, steps.n_steps, run_step, carry)

    by_batch = _Steps(*[P(None, DATA)] * 3, P())
    return jax.shard_map(
        run,
        mesh=mesh,
        in_specs=(P(), by_batch, P(), P(), P()),
        out_specs=P(),
        # What the devices have in common is added up by hand.
        check_vma=False,
    )(carry, steps, member, epoch, scaler)


def _all_steps(source: CropSource, plan: _Plan, seed: int, chunks: range) -> Iterator[_Steps]:
    """The wanted chunks, counted over all epochs, on the devices."""
    key = split_key(jax.random.key(seed)).order
    n_filled = plan.chunks_per_epoch * plan.steps_per_chunk
    weights = (np.arange(n_filled * plan.batch) < len(plan.ids)).astype(np.float32)
    weights = _filled_up(weights.reshape(n_filled, plan.batch), plan)
    # A batch is filled up with crops that do not count.
    weights[:, plan.batch :] = 0
    sharding = NamedSharding(plan.mesh, P(None, DATA))
    for chunk in chunks:
        epoch, place = divmod(chunk, plan.chunks_per_epoch)
        if chunk == chunks[0] or place == 0:
            order, positions = (
                _filled_up(np.resize(part, n_filled * plan.batch).reshape(n_filled, -1), plan)
                for part in _visits(jax.random.fold_in(key, epoch), plan.ids)
            )
        first = place * plan.steps_per_chunk
        part = np.s_[first : first + plan.steps_per_chunk, plan.columns]
        songs = order[part] // plan.per_song
        windows = half_crops(source.store, songs.ravel(), plan.frames, positions[part].ravel())
        arrays = (windows.reshape(*songs.shape, *windows.shape[1:]), order[part], weights[part])
        yield _Steps(
            *(jax.make_array_from_process_local_data(sharding, array) for array in arrays),
            min(plan.steps_per_chunk, plan.n_steps - first),
        )


def _filled_up(values: np.ndarray, plan: _Plan) -> np.ndarray:
    """`[steps, batch]` made `[steps, width]`."""
    return np.pad(np.asarray(values), ((0, 0), (0, plan.width - plan.batch)), mode="edge")


@jax.jit
def _visits(key: jax.Array, ids: jax.Array) -> tuple[jax.Array, jax.Array]:
    """An epoch's crops in random order, and the place of each in its song."""
    order_key, place_key = jax.random.split(key)
    order = jax.random.permutation(order_key, ids)
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(place_key, order)
    return order, jax.vmap(jax.random.uniform)(keys)


def _epoch_history(
    model: ConvAutoencoder,
    config: TrainConfig,
    plan: _Plan,
    carry: tuple[TrainState, Losses],
    member: Member,
    epoch: int,
    source: CropSource,
) -> History:
    state, sums = carry
    latents = song_latents(
        model, state.params, source.store, source.train, HISTORY_CROPS, source.scaler, plan.mesh
    )
    return History(
        train=Losses(*(np.asarray(total) / np.float32(len(plan.ids)) for total in sums)),
        heldout=_heldout_losses(model, config, plan.mesh, state.params, member, epoch, source),
        active_units=np.sum(latents.var(axis=0) > ACTIVE_VARIANCE, dtype=np.int32),
    )


def _heldout_losses(
    model: ConvAutoencoder,
    config: TrainConfig,
    mesh: Mesh,
    params: Any,
    member: Member,
    epoch: int,
    source: CropSource,
) -> Losses:
    songs, positions = (part.ravel() for part in fixed_places(source.heldout, HISTORY_CROPS))
    n_crops, first = len(songs), 0
    sums = np.zeros(3)
    for windows, n_used in _fixed_windows(source.store, songs, positions, model.frames, mesh):
        ids = np.arange(first, first + len(windows))
        losses = _losses(
            model,
            config,
            mesh,
            params,
            *place((windows, ids), mesh, _ALL),
            member,
            epoch,
            source.scaler,
        )
        sums += [np.asarray(part)[:n_used].sum(dtype=np.float64) for part in losses]
        first += n_used
    return Losses(*(sums / n_crops).astype(np.float32))


def _fixed_windows(
    store: CropStore, songs: np.ndarray, positions: np.ndarray, n_frames: int, mesh: Mesh
) -> Iterator[tuple[np.ndarray, int]]:
    """Windows `[at once, frames, 128]`, and how many of them are not there to fill up."""
    at_once = -(-min(_ENCODED_AT_ONCE, len(songs)) // mesh.size) * mesh.size
    for first in range(0, len(songs), at_once):
        part = slice(first, first + at_once)
        n_used = len(songs[part])
        song, position = (np.resize(p[part], at_once) for p in (songs, positions))
        yield half_crops(store, song, n_frames, position), n_used


@partial(jax.jit, static_argnums=(0, 1, 2))
def _losses(
    model: ConvAutoencoder,
    config: TrainConfig,
    mesh: Mesh,
    params: Any,
    windows: jax.Array,
    ids: jax.Array,
    member: Member,
    epoch: jax.Array,
    scaler: Scaler,
) -> Losses:
    examples = Examples(standardised(windows, scaler))
    key = jax.random.fold_in(split_key(jax.random.key(member.seed)).heldout, epoch)
    noise = example_noise(key, ids, model.latent)
    losses = make_losses(model, config)(params, examples, noise, member.beta)
    return jax.lax.with_sharding_constraint(losses, NamedSharding(mesh, P()))


@partial(jax.jit, static_argnums=(0, 1))
def _means(
    model: ConvAutoencoder, mesh: Mesh, params: Any, windows: jax.Array, scaler: Scaler
) -> jax.Array:
    means = model.apply(params, standardised(windows, scaler), method="encode").mean
    return jax.lax.with_sharding_constraint(means, NamedSharding(mesh, P()))
