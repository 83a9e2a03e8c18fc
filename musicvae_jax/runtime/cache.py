"""Files in the cache folder: kept so that work is not done twice, or in place of memory."""

import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from musicvae_jax.errors import InputError
from musicvae_jax.runtime.files import remove_abandoned, replacing

# A larger array is left on disk, where the system may drop what is not looked at.
MOST_BYTES_IN_MEMORY = 1 << 30
# What reading a damaged .npz file has been seen to raise.
DAMAGED_NPZ = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
)


@contextmanager
def writing_cache(path: Path) -> Iterator[Path]:
    """A name to write to, which becomes the cache file `path` when the block ends well.

    What killed processes have left in the folder is removed.

    Args:
        path: the file to make; its folder is made if it is not there.

    Raises:
        InputError: the folder cannot be written.
    """
    with _writing_to(path.parent):
        remove_abandoned(path.parent)
        with replacing(path) as aside:
            yield aside


def joined_rows(blocks: Iterable[np.ndarray], shape: tuple[int, int], folder: Path) -> np.ndarray:
    """Blocks of rows one below the other; above 1 GiB memory-mapped, and not to be written to.

    The file has no name and goes with the array.

    Args:
        blocks: float32 `[some rows, columns]` each.
        shape: of the result.
        folder: where the file would be; made if it is not there.

    Raises:
        InputError: the folder cannot be written.
    """
    if np.dtype(np.float32).itemsize * shape[0] * shape[1] <= MOST_BYTES_IN_MEMORY:
        joined, first = np.empty(shape, np.float32), 0
        for block in blocks:
            joined[first : first + len(block)] = block
            first += len(block)
        return joined
    with _writing_to(folder), tempfile.TemporaryFile(dir=folder) as file:
        for block in blocks:
            file.write(block.tobytes())
        file.flush()
        return np.memmap(file, np.float32, "r", shape=shape)


@contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise InputError(
            f"features.cache_dir: cannot write to {folder} ({error}); "
            "expected a folder that can be written"
        ) from error
