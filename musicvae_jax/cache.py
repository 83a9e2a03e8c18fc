"""Files that are kept so that work is not done twice, and may be damaged or unwritable."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from musicvae_jax.errors import InputError
from musicvae_jax.files import remove_abandoned, replacing

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
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(path.parent)
        with replacing(path) as aside:
            yield aside
    except OSError as error:
        raise InputError(
            f"features.cache_dir: cannot write to {path.parent} ({error}); "
            "expected a folder that can be written"
        ) from error
