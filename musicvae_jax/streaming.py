"""Training on crops that the host reads from a store while the device computes.

What `training` does in one compiled call needs all inputs on the device; mel crops do not fit.
Here a Python loop hands over chunks of steps, compiled once, and a thread reads the next chunk
meanwhile. Losses, optimiser, noise and history are those of `training`. Randomness is folded from
(epoch, song, crop number), so that the size of a chunk does not change the numbers.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from functools import partial
from queue import SimpleQueue
from threading import Event
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from musicvae_jax.config import CropConfig, Member, TrainConfig
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
    example_noise,
    init_state,
    is_finite,
    make_losses,
    make_step,
    no_history,
    split_key,
)

# Of crops in half precision; of each member in training two chunks exist at a time, one in use and
# one being read.
CHUNK_BYTES = 32 * 2**20
# Fixed crops of a song that the history looks at after every epoch.
HISTORY_CROPS = 2
# Crops that are encoded side by side.
_ENCODED_AT_ONCE = 128


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

    windows: np.ndarray
    ids: np.ndarray
    weights: np.ndarray
    n_steps: int


def train_crops(
    model: ConvAutoencoder,
    config: TrainConfig,
    crops: CropConfig,
    source: CropSource,
    member: Member,
    on_epochs: Callable[[int], None] | None = None,
    chunk_bytes: int = CHUNK_BYTES,
) -> tuple[TrainState, History]:
    """Trains one member of a sweep on the default device.

    Args:
        model: the module to fit, of `crops.frames` frames.
        config: epochs, batch size and reconstruction term.
        crops: length of a crop, and the number of random crops of each training song in an epoch.
        source: the store, the split and the scaler; neither side empty.
        member: its seed, step size and weight of the KL term.
        on_epochs: called with 1 after every epoch, for a progress bar.
        chunk_bytes: bound on the crops that are read at a time; one step always is.

    Returns:
        The state, and the history as NumPy arrays `[epochs]` that mean what `training.History`
        says: `heldout` averages over fixed crops of the held-out songs, `active_units` counts
        over the training songs' latents, each a mean over fixed crops. Once a loss is not finite
        the remaining epochs are skipped and their history is NaN.
    """
    keys, beta = split_key(jax.random.key(member.seed)), member.beta
    blank = Examples(jnp.zeros((1, MEL_BANDS, crops.frames)), None)
    state = init_state(model, keys.init, blank, member.learning_rate)
    n_visits = len(source.train) * crops.per_song
    history: list[History] = []
    finite = True
    chunks = one_ahead(_all_steps(source, config, crops, keys.order, chunk_bytes))
    try:
        for epoch in range(config.epochs):
            if finite:
                noise_key, heldout_key = (
                    jax.random.fold_in(key, epoch) for key in (keys.noise, keys.heldout)
                )
                state, sums = _run_epoch(model, config, state, chunks, noise_key, beta, source)
                epoch_history = History(
                    train=Losses(*(total / n_visits for total in sums)),
                    heldout=_heldout_losses(model, config, state.params, heldout_key, beta, source),
                    active_units=_active_units(model, state.params, source),
                )
                history.append(epoch_history)
                finite = bool(is_finite(epoch_history))
            if on_epochs:
                on_epochs(1)
    finally:
        chunks.close()
    history += [no_history()] * (config.epochs - len(history))
    return state, jax.tree.map(lambda *values: np.array(values), *history)


def train_crop_members(
    model: ConvAutoencoder,
    config: TrainConfig,
    crops: CropConfig,
    source: CropSource,
    members: Sequence[Member],
    on_epochs: Callable[[int], None] | None = None,
) -> tuple[TrainState, History]:
    """Trains every member of a sweep, each on one device, as many at a time as there are devices.

    Args:
        model: see `train_crops`, as for the other arguments.
        config: see there.
        crops: see there.
        source: see there.
        members: at least one.
        on_epochs: called with 1 after every epoch of any member, from any thread.

    Returns:
        States and histories, NumPy, with a leading axis of members in their order.
    """
    free: SimpleQueue[jax.Device] = SimpleQueue()
    for device in jax.local_devices():
        free.put(device)
    stopped = Event()

    def told(n_epochs: int) -> None:
        if stopped.is_set():
            raise CancelledError
        if on_epochs:
            on_epochs(n_epochs)

    def train(member: Member) -> tuple[TrainState, History]:
        device = free.get()
        try:
            with jax.default_device(device):
                return jax.device_get(train_crops(model, config, crops, source, member, told))
        finally:
            free.put(device)

    pool = ThreadPoolExecutor(free.qsize())
    try:
        trainings = [pool.submit(train, member) for member in members]
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
) -> np.ndarray:
    """Posterior means averaged over evenly spaced crops of each song, in bounded memory.

    Returns:
        float32 `[songs, latent]`, in the order of `index`.
    """
    songs, positions = (part.ravel() for part in fixed_places(index, n_crops))
    means = np.concatenate(
        [
            np.asarray(_means(model, params, windows, scaler))[:n_used]
            for windows, n_used in _fixed_windows(store, songs, positions, model.frames)
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


def _run_epoch(
    model: ConvAutoencoder,
    config: TrainConfig,
    state: TrainState,
    chunks: Iterator[_Steps],
    key: jax.Array,
    beta: float,
    source: CropSource,
) -> tuple[TrainState, Losses]:
    """The state after an epoch and its losses, summed over all crops."""
    zero = jnp.float32(0)
    carry = (state, Losses(zero, zero, zero))
    last = False
    while not last:
        steps, last = next(chunks)
        # Waiting here keeps a third chunk from being read.
        carry = jax.block_until_ready(
            _run_steps(model, config, carry, steps, key, jnp.float32(beta), source.scaler)
        )
    state, sums = carry
    return state, jax.tree.map(np.asarray, sums)


@partial(jax.jit, static_argnums=(0, 1))
def _run_steps(
    model: ConvAutoencoder,
    config: TrainConfig,
    carry: tuple[TrainState, Losses],
    steps: _Steps,
    key: jax.Array,
    beta: jax.Array,
    scaler: Scaler,
) -> tuple[TrainState, Losses]:
    step = make_step(model, config)

    def run_step(place, carry):
        state, sums = carry
        windows, ids, weight = (part[place] for part in steps[:3])
        noise = example_noise(key, ids, model.latent)
        examples = Examples(standardised(windows, scaler))
        state, losses = step(state, examples, weight, noise, beta)
        return state, jax.tree.map(jnp.add, sums, losses)

    # A loop of traced length: the last chunk of an epoch is shorter and need not be compiled anew.
    return jax.lax.fori_loop(0, steps.n_steps, run_step, carry)


def _all_steps(
    source: CropSource, config: TrainConfig, crops: CropConfig, key: jax.Array, chunk_bytes: int
) -> Iterator[tuple[_Steps, bool]]:
    """The chunks of all epochs, each with whether it is its epoch's last."""
    store, per_song = source.store, crops.per_song
    ids = (source.train[:, None] * per_song + np.arange(per_song)).ravel()
    batch_size = min(config.batch_size, len(ids))
    n_steps = -(-len(ids) // batch_size)
    crop_bytes = crops.frames * MEL_BANDS * VALUE.itemsize
    steps_per_chunk = min(max(chunk_bytes // (batch_size * crop_bytes), 1), n_steps)
    n_filled = -(-n_steps // steps_per_chunk) * steps_per_chunk * batch_size
    weights = (np.arange(n_filled) < len(ids)).astype(np.float32)
    for epoch in range(config.epochs):
        order, positions = _visits(jax.random.fold_in(key, epoch), ids)
        order, positions = (np.resize(np.asarray(part), n_filled) for part in (order, positions))
        for first in range(0, n_steps, steps_per_chunk):
            shape = (steps_per_chunk, batch_size)
            part = slice(first * batch_size, (first + steps_per_chunk) * batch_size)
            windows = half_crops(store, order[part] // per_song, crops.frames, positions[part])
            steps = _Steps(
                windows.reshape(*shape, *windows.shape[1:]),
                order[part].reshape(shape),
                weights[part].reshape(shape),
                min(steps_per_chunk, n_steps - first),
            )
            yield steps, first + steps_per_chunk >= n_steps


@jax.jit
def _visits(key: jax.Array, ids: jax.Array) -> tuple[jax.Array, jax.Array]:
    """An epoch's crops in random order, and the place of each in its song."""
    order_key, place_key = jax.random.split(key)
    order = jax.random.permutation(order_key, ids)
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(place_key, order)
    return order, jax.vmap(jax.random.uniform)(keys)


def _heldout_losses(
    model: ConvAutoencoder,
    config: TrainConfig,
    params: Any,
    key: jax.Array,
    beta: float,
    source: CropSource,
) -> Losses:
    songs, positions = (part.ravel() for part in fixed_places(source.heldout, HISTORY_CROPS))
    n_crops, first = len(songs), 0
    sums = np.zeros(3)
    for windows, n_used in _fixed_windows(source.store, songs, positions, model.frames):
        ids = np.arange(first, first + len(windows))
        losses = _losses(model, config, params, windows, ids, key, jnp.float32(beta), source.scaler)
        sums += [np.asarray(part)[:n_used].sum(dtype=np.float64) for part in losses]
        first += n_used
    return Losses(*(sums / n_crops).astype(np.float32))


def _active_units(model: ConvAutoencoder, params: Any, source: CropSource) -> np.ndarray:
    latents = song_latents(model, params, source.store, source.train, HISTORY_CROPS, source.scaler)
    return np.sum(latents.var(axis=0) > ACTIVE_VARIANCE, dtype=np.int32)


def _fixed_windows(
    store: CropStore, songs: np.ndarray, positions: np.ndarray, n_frames: int
) -> Iterator[tuple[np.ndarray, int]]:
    """Windows `[at once, frames, 128]`, and how many of them are not there to fill up."""
    at_once = min(_ENCODED_AT_ONCE, len(songs))
    for first in range(0, len(songs), at_once):
        part = slice(first, first + at_once)
        n_used = len(songs[part])
        song, position = (np.resize(p[part], at_once) for p in (songs, positions))
        yield half_crops(store, song, n_frames, position), n_used


@partial(jax.jit, static_argnums=(0, 1))
def _losses(
    model: ConvAutoencoder,
    config: TrainConfig,
    params: Any,
    windows: jax.Array,
    ids: jax.Array,
    key: jax.Array,
    beta: jax.Array,
    scaler: Scaler,
) -> Losses:
    examples = Examples(standardised(windows, scaler), None)
    noise = example_noise(key, ids, model.latent)
    return make_losses(model, config)(params, examples, noise, beta)


@partial(jax.jit, static_argnums=0)
def _means(model: ConvAutoencoder, params: Any, windows: jax.Array, scaler: Scaler) -> jax.Array:
    return model.apply(params, standardised(windows, scaler), method="encode").mean
