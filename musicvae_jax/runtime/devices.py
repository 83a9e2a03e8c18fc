"""The device mesh, placing arrays on it, and waiting for the other processes of a run.

The mesh has two axes: members of a sweep along "sweep", shares of every batch along "data". With
several processes the mesh spans the devices of all of them, and every process makes the same
calls.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Literal, TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from orbax.checkpoint.multihost import sync_global_processes

from musicvae_jax.errors import InputError

SWEEP, DATA = "sweep", "data"
_MOST_SECONDS = 7 * 24 * 3600
# No two barriers of a run may have the same name.
_barriers = count()
T = TypeVar("T")
Devices = int | Literal["all"] | None


def make_mesh(n_members: int, wanted: Devices = None) -> Mesh:
    """A mesh of the devices, `[sweep, data]`: members first, then shares of every batch.

    The sweep axis is the longest that the members fill and that divides the devices evenly. If
    there are more members than that, they take turns.

    Args:
        n_members: of the sweep, at least 1.
        wanted: number of devices, or "all". None takes all accelerators, but no more CPU cores
            than members: at usual batch sizes, sharing a batch among cores costs more than it
            gains.

    Raises:
        InputError: there are fewer devices, or some of several processes would be left out.
    """
    found = jax.devices()
    n_devices = wanted if isinstance(wanted, int) else len(found)
    if n_devices > len(found) or (jax.process_count() > 1 and n_devices < len(found)):
        raise InputError(
            f"devices: got {wanted}, expected "
            + ("" if jax.process_count() > 1 else "at most ")
            + f"{len(found)}, the number of devices here ({found[0].platform})"
        )
    if wanted is None and is_cpu_core(found[0]) and jax.process_count() == 1:
        n_sweep = n_devices = min(n_members, n_devices)
    else:
        n_sweep = max(n for n in range(1, n_members + 1) if n_devices % n == 0)
    laid_out = np.array(found[:n_devices]).reshape(n_sweep, -1)
    return Mesh(laid_out, (SWEEP, DATA), axis_types=(AxisType.Auto,) * 2)


def local_mesh() -> Mesh:
    """All accelerators of this process, or one CPU core, `[1, devices]`.

    For work that other processes of the run do not share: on `make_mesh`'s it would wait for them.
    """
    found = jax.local_devices()
    used = found[:1] if is_cpu_core(found[0]) else found
    return Mesh(np.array(used)[None], (SWEEP, DATA), axis_types=(AxisType.Auto,) * 2)


def data_axis(mesh: Mesh) -> str | None:
    """The name of the data axis, or None if it has one device, so that no sums are needed."""
    return DATA if mesh.shape[DATA] > 1 else None


def has_accelerators() -> bool:
    """Whether this process computes on GPUs or TPUs."""
    return not is_cpu_core(jax.devices()[0])


def is_cpu_core(device: jax.Device) -> bool:
    """Whether the device is a core of a CPU, which one member keeps busy."""
    return device.platform == "cpu"


def place(tree: Any, mesh: Mesh, *axes: str | tuple[str, ...]) -> Any:
    """Puts NumPy arrays, the same in every process, on the devices of a mesh.

    Args:
        tree: of arrays, whose leading axes the mesh axes divide evenly.
        mesh: of the devices.
        axes: the mesh axis along which each leading array axis is split; none puts a copy on
            every device.
    """
    sharding = NamedSharding(mesh, P(*axes))

    def place_one(leaf: np.ndarray) -> jax.Array:
        leaf = np.asarray(leaf)
        return jax.make_array_from_callback(leaf.shape, sharding, lambda index: leaf[index])

    return jax.tree.map(place_one, tree)


def is_first() -> bool:
    """Whether this is the process that writes results and prints."""
    return jax.process_index() == 0


def wait_for_all(where: str) -> None:
    """Returns once every process has made this call."""
    if jax.process_count() > 1:
        # The coordinator waits as long as it takes; collectives of devices give up after minutes.
        sync_global_processes(
            f"{where} {next(_barriers)}",
            timeout=_MOST_SECONDS,
            processes=set(range(jax.process_count())),
        )


@contextmanager
def first_process_first(what: str) -> Iterator[None]:
    """Runs the block in the first process, then in the others, which find its files."""
    if not is_first():
        wait_for_all(what)
    yield
    if is_first():
        wait_for_all(what)


def first_does(work: Callable[[], T], what: str) -> T | None:
    """Does the work in the first process only; the others wait and get None.

    Raises:
        InputError: the work failed; only the first process says why.
    """
    found = error = None
    if is_first():
        try:
            found = work()
        except InputError as caught:
            error = caught
    wait_for_all(what)
    if any_process(error is not None):
        raise error or InputError(f"{what}: failed in the first process, which says why")
    return found


def any_process(flag: bool) -> bool:
    """Whether the flag is set in any process; every process must make this call."""
    if jax.process_count() == 1:
        return flag
    return bool(multihost_utils.process_allgather(np.array(flag)).any())
