"""Files in the cache folder, and arrays that are too large for memory."""

import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from musicvae_jax.errors import InputError
from musicvae_jax.runtime.files import remove_abandoned, replacing

# Larger arrays stay on disk; the system holds in memory only the parts in use.
MOST_BYTES_IN_MEMORY = 1 << 30
# Errors that reading damaged .npz files has raised.
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
    """Yields a temporary path, which is renamed to `path` if the block succeeds.

    Removes what killed processes have left in the folder.

    Args:
        path: the cache file; its folder is made if it does not exist.

    Raises:
        InputError: the folder cannot be written.
    """
    with _writing_to(path.parent):
        remove_abandoned(path.parent)
        with replacing(path) as aside:
            yield aside


def joined_rows(blocks: Iterable[np.ndarray], shape: tuple[int, int], folder: Path) -> np.ndarray:
    """Concatenates blocks of rows; a result above 1 GiB is memory-mapped and read-only.

    The file has no name and is freed with the array.

    Args:
        blocks: float32 `[some rows, columns]` each.
        shape: of the result.
        folder: for that file; made if it does not exist.

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
