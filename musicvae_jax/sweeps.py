"""All members of a sweep in one compiled program, spread over the devices.

Members are dealt to the devices along the mesh axis "sweep". A CPU's device, of which there should
be one per core, trains its members one after the other, which keeps the optimiser state of one in
cache; an accelerator trains its members side by side, since one alone does not fill it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh
from jax.sharding import PartitionSpec as P

from musicvae_jax.config import Member, TrainConfig
from musicvae_jax.models import MLPAutoencoder
from musicvae_jax.training import Data, History, Progress, TrainState, init_state, make_epochs

# Parameters and optimiser states that are on a device at a time.
STATE_BYTES = 2**30
# Between two signs of life: enough to hide the host's part, too few to bore.
_EPOCHS_PER_CALL = 5


class _Program(NamedTuple):
    """Compiled parts of a sweep; all arguments but data and epochs have an axis of members."""

    start: Callable
    run: Callable


def train_members(
    model: MLPAutoencoder,
    config: TrainConfig,
    members: Sequence[Member],
    data: Data,
    on_epochs: Callable[[int], None] | None = None,
    state_bytes: int = STATE_BYTES,
) -> tuple[TrainState, History]:
    """Trains every member of a sweep.

    Args:
        model: the module to fit.
        config: epochs, batch size and reconstruction term.
        members: at least one.
        data: shared by all members.
        on_epochs: told, every few epochs, how many were trained, counted over all members.
        state_bytes: bound on the parameters and optimiser states of the members that a device
            trains in one go; one member always is.

    Returns:
        States and histories, NumPy, with a leading axis of members in their order.
    """
    devices = jax.local_devices()[: len(members)]
    per_device = _members_per_device(model, members, data, len(devices), state_bytes)
    at_once = per_device * len(devices)
    # What is swept is an argument of the program, so programs that differ in it are one.
    unswept = replace(config, beta=TrainConfig.beta, learning_rate=TrainConfig.learning_rate)
    program = _program(model, unswept, Mesh(devices, "sweep", axis_types=(AxisType.Auto,)))
    parts = [
        _train_group(program, config, members[first : first + at_once], at_once, data, on_epochs)
        for first in range(0, len(members), at_once)
    ]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def _members_per_device(
    model: MLPAutoencoder,
    members: Sequence[Member],
    data: Data,
    n_devices: int,
    state_bytes: int,
) -> int:
    def start() -> TrainState:
        return init_state(model, jax.random.key(members[0].seed), data.train, 0.0)

    state = jax.eval_shape(start)
    bytes_each = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
    return min(max(state_bytes // bytes_each, 1), -(-len(members) // n_devices))


def _train_group(
    program: _Program,
    config: TrainConfig,
    members: Sequence[Member],
    at_once: int,
    data: Data,
    on_epochs: Callable[[int], None] | None,
) -> tuple[TrainState, History]:
    """Trains as many members as the program takes; the group is filled up with idle ones."""
    is_used = np.arange(at_once) < len(members)
    filled = [members[i % len(members)] for i in range(at_once)]
    betas, learning_rates = (
        np.array([getattr(member, name) for member in filled], np.float32)
        for name in ("beta", "learning_rate")
    )
    keys = jnp.stack([jax.random.key(member.seed) for member in filled])
    progress = program.start(keys, data, learning_rates, is_used)
    histories = []
    for first in range(0, config.epochs, _EPOCHS_PER_CALL):
        epochs = np.arange(first, first + _EPOCHS_PER_CALL)
        progress, history = program.run(progress, keys, data, betas, epochs)
        histories.append(jax.device_get(history))
        if on_epochs:
            on_epochs(len(members) * min(_EPOCHS_PER_CALL, config.epochs - first))
    history = jax.tree.map(lambda *parts: np.concatenate(parts, axis=1), *histories)
    history = jax.tree.map(lambda leaf: leaf[is_used, : config.epochs], history)
    state = jax.tree.map(lambda leaf: leaf[is_used], jax.device_get(progress.state))
    return state, history


@cache
def _program(model: MLPAutoencoder, config: TrainConfig, mesh: Mesh) -> _Program:
    """Kept, so that the same training under another name is not traced again."""
    start, run = make_epochs(model, config)
    fills_a_device = _one_fills(mesh.devices.flat[0])

    def start_each(keys, data, learning_rates, is_used) -> Progress:
        progress = jax.vmap(start, in_axes=(0, None, 0))(keys, data, learning_rates)
        return progress._replace(going=is_used)

    def run_each(progress: Progress, keys, data, betas, epochs):
        def run_one(member):
            progress, key, beta = member
            return run(progress, key, data, beta, epochs)

        side_by_side = None if fills_a_device else len(keys)
        return jax.lax.map(run_one, (progress, keys, betas), batch_size=side_by_side)

    each, same = P("sweep"), P()
    return _Program(
        # Members do not talk to each other, so there is nothing to check about replication.
        start=jax.jit(
            jax.shard_map(
                start_each,
                mesh=mesh,
                in_specs=(each, same, each, each),
                out_specs=each,
                check_vma=False,
            )
        ),
        run=jax.jit(
            jax.shard_map(
                run_each,
                mesh=mesh,
                in_specs=(each, each, same, each, same),
                out_specs=each,
                check_vma=False,
            ),
            donate_argnums=0,
        ),
    )


def _one_fills(device: jax.Device) -> bool:
    """Whether a device is busy with one member."""
    return device.platform == "cpu"
