"""Files that are either whole or not there."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name to write to, which replaces `path` in one step when the block ends well.

    If the block fails, what it wrote is removed and the old file, if any, stays.

    Args:
        path: the file to make; its folder must exist.

    Raises:
        OSError: the folder cannot be written.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".partial-") as folder:
        aside = Path(folder) / path.name
        yield aside
        aside.replace(path)
