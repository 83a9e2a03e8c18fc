"""Trains all members of a sweep in one compiled program, spread over the devices.

Members are distributed over the devices along the mesh axis "sweep"; the devices along "data" share
the batches of their member. A CPU device, of which there should be one per core, trains its members
one after the other, which keeps one optimiser state in cache. An accelerator trains its members in
parallel, since one alone does not use it fully.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from musicvae_jax.config import Member, TrainConfig
from musicvae_jax.config.checks import require
from musicvae_jax.models import Model
from musicvae_jax.runtime.devices import SWEEP, data_axis, is_cpu_core, make_mesh, place
from musicvae_jax.training import (
    Data,
    History,
    Optimiser,
    Progress,
    TrainState,
    adam,
    blank_history,
    check_data,
    init_state,
    make_epochs,
    seed_key,
)
from musicvae_jax.training.reports import OnHistory
from musicvae_jax.training.resume import OpenSaver, Saver, save_nothing

# Parameters and optimiser states of the members trained at a time, on all devices together. The
# split of a sweep must not depend on the devices, so that it can resume on others.
STATE_BYTES = 2**30
# Between two progress reports: enough to hide the host's work, few enough to see progress.
_MOST_EPOCHS_PER_CALL = 5
_SONGS_PER_CALL = 20_000
# Parameters for members, NumPy, with a leading axis of them.
StartParams = Callable[[Sequence[Member]], Any]


class _Group(NamedTuple):
    """Members trained at a time, padded with idle ones to fit the devices."""

    members: Sequence[Member]
    seeds: jax.Array
    betas: jax.Array
    learning_rates: jax.Array
    is_used: jax.Array

    @property
    def n_members(self) -> int:
        return len(self.members)


class _Program(NamedTuple):
    """Compiled parts of a sweep; all arguments but data and epochs have an axis of members.

    `gather` copies the arrays of the first members to every device, unsharded and the same on any
    number of devices; `spread` shards such copies over the devices again; `whole` describes them to
    Orbax.
    """

    start: Any
    run: Any
    gather: Callable[..., Any]
    spread: Callable[..., Any]
    whole: Callable[..., Any]


def train_members(
    model: Model,
    config: TrainConfig,
    members: Sequence[Member],
    data: Data,
    on_history: OnHistory | None = None,
    mesh: Mesh | None = None,
    open_saver: OpenSaver = save_nothing,
    state_bytes: int = STATE_BYTES,
    optimiser: Optimiser = adam,
    start_params: StartParams | None = None,
) -> tuple[TrainState, History]:
    """Trains every member of a sweep.

    Args:
        model: the module to fit.
        config: epochs, batch size and reconstruction term.
        members: at least one.
        data: shared by all members.
        on_history: called on the host every few epochs with their history.
        mesh: from `devices.make_mesh`; by default its default for this number of members.
        open_saver: opens the saver of a part of the sweep, by name.
        state_bytes: limit on the parameters and optimiser states of the members trained at a time;
            at least one member is.
        optimiser: makes an optimiser from a learning rate, which it must keep in its state.
        start_params: makes the parameters to start from, called only for members of which nothing
            was saved; None for random ones.

    Returns:
        States and histories, NumPy, with a leading axis of members in their order.

    Raises:
        InputError: there is no member, a seed is out of range, or the data do not fit each other.
        StoppedError: a stop was requested.
    """
    require(len(members) > 0, "members", members, "at least one")
    seeds = [member.seed for member in members]
    require(all(0 <= seed < 2**32 for seed in seeds), "seeds", seeds, "seeds from 0 to 2**32 - 1")
    check_data(data)
    at_once = _members_at_once(model, members, data, state_bytes, optimiser)
    mesh = mesh or make_mesh(at_once)
    # Swept values are arguments of the program, so sweeps that differ only in them share it.
    unswept = replace(config, beta=TrainConfig.beta, learning_rate=TrainConfig.learning_rate)
    program = _program(model, unswept, mesh, optimiser)
    data = place(data, mesh)
    parts = []
    for first in range(0, len(members), at_once):
        group = _group(members[first : first + at_once], mesh)
        with open_saver(f"members_{first}") as saver:
            blank = blank_history(model, group.n_members, config.epochs)
            report = partial(on_history, first) if on_history else None
            parts.append(
                _train_group(program, config, group, data, blank, report, saver, start_params)
            )
    if len(parts) == 1:
        # It may have a gigabyte of states, which joining would copy.
        return parts[0]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def _members_at_once(
    model: Model,
    members: Sequence[Member],
    data: Data,
    state_bytes: int,
    optimiser: Optimiser,
) -> int:
    def start() -> TrainState:
        return init_state(model, seed_key(members[0].seed), data.train, 0.0, optimiser)

    state = jax.eval_shape(start)
    bytes_each = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
    return min(max(state_bytes // bytes_each, 1), len(members))


def _group(members: Sequence[Member], mesh: Mesh) -> _Group:
    n_filled = -(-len(members) // mesh.shape[SWEEP]) * mesh.shape[SWEEP]
    filled = [members[i % len(members)] for i in range(n_filled)]
    seeds, betas, learning_rates = (
        np.array([getattr(member, name) for member in filled], dtype)
        for name, dtype in (
            ("seed", np.uint32),
            ("beta", np.float32),
            ("learning_rate", np.float32),
        )
    )
    is_used = np.arange(n_filled) < len(members)
    return _Group(members, *place((seeds, betas, learning_rates, is_used), mesh, SWEEP))


def _train_group(
    program: _Program,
    config: TrainConfig,
    group: _Group,
    data: Data,
    history: History,
    report: Callable[[int, History, bool], None] | None,
    saver: Saver,
    start_params: StartParams | None,
) -> tuple[TrainState, History]:
    n_members = group.n_members
    per_call = min(max(_SONGS_PER_CALL // len(data.train.x), 1), _MOST_EPOCHS_PER_CALL)
    _compile(program, group, data, np.arange(per_call))
    progress = program.start(group.seeds, group.learning_rates, group.is_used, data)
    like = jax.eval_shape(lambda progress: program.gather(progress, n_members), progress)
    n_done, found = saver.latest((0, None), jax.tree.map(program.whole, (like, history)))
    if found is not None:
        progress = program.spread(found[0], group.is_used)
        history = jax.tree.map(np.array, found[1])
        if report:
            report(0, jax.tree.map(lambda leaf: leaf[:, :n_done], history), True)
    elif start_params is not None:
        progress = _starting_at(start_params(group.members), progress, group)
    for first in range(n_done, config.epochs, per_call):
        last = min(first + per_call, config.epochs)
        epochs = np.arange(first, first + per_call)
        progress, part = program.run(progress, group.seeds, group.betas, data, epochs)
        part = program.gather(part, n_members)
        part = jax.tree.map(lambda leaf, n=last - first: np.asarray(leaf)[:, :n], part)
        for whole, found in zip(*map(jax.tree.leaves, (history, part)), strict=True):
            whole[:, first:last] = found
        if report:
            report(first, part, False)
        saver.after(
            last,
            config.epochs,
            # Copied, since training fills it in further while it is being written.
            partial(
                lambda p: (program.gather(p, n_members), jax.tree.map(np.copy, history)), progress
            ),
        )
    return jax.device_get(program.gather(progress.state, n_members)), history


def _compile(program: _Program, group: _Group, data: Data, epochs: np.ndarray) -> None:
    """Compiles both parts side by side; the calls that follow find them compiled."""
    new = (group.seeds, group.learning_rates, group.is_used, data)
    # `place` has given them one that knows its mesh.
    sharding: Any = group.seeds.sharding
    progress = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
        jax.eval_shape(program.start, *new),
    )
    with ThreadPoolExecutor(1) as pool:
        start = pool.submit(lambda: program.start.lower(*new).compile())
        program.run.lower(progress, group.seeds, group.betas, data, epochs).compile()
        start.result()


def _starting_at(params: Any, progress: Progress, group: _Group) -> Progress:
    """The progress with other parameters, NumPy, with a leading axis of members."""
    filled = np.arange(len(group.is_used)) % group.n_members
    own = jax.tree.map(lambda leaf: leaf[filled], params)
    # `place` has given them one that knows its mesh.
    sharding: Any = group.is_used.sharding
    own = place(own, sharding.mesh, SWEEP)
    return progress._replace(state=progress.state._replace(params=own))


@cache
def _program(model: Model, config: TrainConfig, mesh: Mesh, optimiser: Optimiser) -> _Program:
    """Cached, so that the same training under another name is not traced again."""
    start, run = make_epochs(model, config, data_axis(mesh), optimiser)
    fills_a_device = is_cpu_core(mesh.devices.flat[0])

    def start_each(
        seeds: jax.Array, learning_rates: jax.Array, is_used: jax.Array, data: Data
    ) -> Progress:
        keys = jax.vmap(seed_key)(seeds)
        progress = jax.vmap(start, in_axes=(0, None, 0))(keys, data, learning_rates)
        return progress._replace(active=is_used)

    def run_each(
        progress: Progress, seeds: jax.Array, betas: jax.Array, data: Data, epochs: jax.Array
    ) -> tuple[Progress, History]:
        def run_one(
            member: tuple[Progress, jax.Array, jax.Array],
        ) -> tuple[Progress, History]:
            progress, seed, beta = member
            return run(progress, seed_key(seed), data, beta, epochs)

        side_by_side = None if fills_a_device else len(seeds)
        return jax.lax.map(run_one, (progress, seeds, betas), batch_size=side_by_side)

    def spread(progress: Progress, is_used: jax.Array) -> Progress:
        repeated = jnp.arange(len(is_used)) % len(progress.active)
        progress = jax.tree.map(lambda leaf: leaf[repeated], progress)
        return progress._replace(active=progress.active & is_used)

    def gather(tree: Any, n_members: int) -> Any:
        return jax.tree.map(lambda leaf: leaf[:n_members], tree)

    each, same = P(SWEEP), P()
    # Members are independent, and the sums over the devices of a member are explicit, so there is
    # no replication to check.
    sharded = partial(jax.shard_map, mesh=mesh, out_specs=each, check_vma=False)
    everywhere = NamedSharding(mesh, same)
    return _Program(
        start=jax.jit(
            sharded(start_each, in_specs=(each, each, each, same)),
            # It runs once: optimising it further takes longer than it saves.
            compiler_options={"xla_backend_optimization_level": 1},
        ),
        run=jax.jit(sharded(run_each, in_specs=(each, each, each, same, same)), donate_argnums=0),
        gather=jax.jit(gather, static_argnums=1, out_shardings=everywhere),
        spread=jax.jit(spread, out_shardings=NamedSharding(mesh, each)),
        whole=lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=everywhere),
    )
