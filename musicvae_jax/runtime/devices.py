"""Which devices compute, how they are laid out, and how arrays get to them and back.

The mesh has two axes: members of a sweep along "sweep", shares of every batch along "data". With
several processes the devices are those of all of them, and every process makes the same calls.
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
    """The devices as `[sweep, data]`: members first, then batches over what is left.

    The sweep axis is the longest that members fill and that divides the devices evenly; where
    members are more, they take turns.

    Args:
        n_members: of the sweep, at least 1.
        wanted: number of devices, or "all". None takes all accelerators there are, but of the
            cores of a CPU no more than members: at usual batch sizes, sharing a batch among cores
            costs more than it gains.

    Raises:
        InputError: so many devices are not there, or not those of every process.
    """
    found = jax.devices()
    n_devices = len(found) if wanted in (None, "all") else wanted
    if n_devices > len(found) or (jax.process_count() > 1 and n_devices < len(found)):
        raise InputError(
            f"devices: got {wanted}, expected "
            + ("" if jax.process_count() > 1 else "at most ")
            + f"{len(found)}, as many as there are ({found[0].platform})"
        )
    if wanted is None and one_fills(found[0]) and jax.process_count() == 1:
        n_sweep = n_devices = min(n_members, n_devices)
    else:
        n_sweep = max(n for n in range(1, n_members + 1) if n_devices % n == 0)
    laid_out = np.array(found[:n_devices]).reshape(n_sweep, -1)
    return Mesh(laid_out, (SWEEP, DATA), axis_types=(AxisType.Auto,) * 2)


def data_axis(mesh: Mesh) -> str | None:
    """The name of the data axis if it has more than one device: there is something to add up."""
    return DATA if mesh.shape[DATA] > 1 else None


def one_fills(device: jax.Device) -> bool:
    """Whether a device is busy with one member."""
    return device.platform == "cpu"


def place(tree: Any, mesh: Mesh, *axes: str | tuple[str, ...]) -> Any:
    """NumPy arrays, the same in every process, on the devices: the leading axes along mesh axes.

    Args:
        tree: of arrays, whose leading axes the mesh axes divide evenly.
        mesh: where to.
        axes: mesh axes of the leading array axes; none puts a copy on every device.
    """
    sharding = NamedSharding(mesh, P(*axes))

    def place_one(leaf: np.ndarray) -> jax.Array:
        leaf = np.asarray(leaf)
        return jax.make_array_from_callback(leaf.shape, sharding, lambda index: leaf[index])

    return jax.tree.map(place_one, tree)


def is_first() -> bool:
    """Whether this is the process that writes results and talks."""
    return jax.process_index() == 0


def wait_for_all(where: str) -> None:
    """Returns once every process has come to this place."""
    if jax.process_count() > 1:
        # The coordinator waits as long as it takes; collectives of devices give up after minutes.
        sync_global_processes(
            f"{where} {next(_barriers)}",
            timeout=_MOST_SECONDS,
            processes=set(range(jax.process_count())),
        )


@contextmanager
def first_process_first(what: str) -> Iterator[None]:
    """The first process goes through the block alone, then the others, who find its files."""
    if not is_first():
        wait_for_all(what)
    yield
    if is_first():
        wait_for_all(what)


def first_does(work: Callable[[], T], what: str) -> T | None:
    """What the first process gets from work that it does alone; the others wait and get None.

    Raises:
        InputError: in the first process the one that the work raised, in the others that it did.
    """
    found = error = None
    if is_first():
        try:
            found = work()
        except InputError as caught:
            error = caught
    wait_for_all(what)
    if any_process(error is not None):
        raise error or InputError(f"{what}: the first process found an error, which it tells")
    return found


def any_process(flag: bool) -> bool:
    """Whether the flag is set in any process; every process must ask."""
    if jax.process_count() == 1:
        return flag
    return bool(multihost_utils.process_allgather(np.array(flag)).any())
