"""Files that are either complete or absent."""

import hashlib
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicvae_jax.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_PREFIX = ".partial-"
# Longer than any process takes between two writes to its temporary folder.
_ABANDONED_SECONDS = 24 * 3600
# One digit more than float32 computations reproduce across libraries is noise in a diff.
_FLOAT_FORMAT = "%.6f"


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Yields a temporary path, which replaces `path` in one step if the block succeeds.

    If the block fails, what it wrote is removed and the old file, if any, stays.

    Args:
        path: the file to write; its folder must exist.

    Raises:
        OSError: the folder cannot be written.
    """
    path = Path(path)
    prefix = f"{_PREFIX}{_process_space()}-{os.getpid()}-"
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=prefix) as folder:
        aside = Path(folder) / path.name
        yield aside
        aside.replace(path)


def remove_abandoned(folder: Path) -> None:
    """Removes what processes that were killed within `replacing` have left in a folder.

    Another run, on this machine or on one that shares the folder, may be writing there. So a
    process counts as gone only if its id is one of this machine and no longer exists, or if
    nothing has been written for a day.
    """
    for partial in folder.glob(f"{_PREFIX}*"):
        if _is_gone(partial) or _is_old(partial):
            shutil.rmtree(partial, ignore_errors=True)


@cache
def _process_space() -> str:
    """The same for two processes if and only if they see each other's ids.

    Not the host name: containers of one machine may share that, but not the ids.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        space = f"{boot}{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        space = platform.node()
    return hashlib.sha256(space.encode()).hexdigest()[:8]


def _is_gone(partial: Path) -> bool:
    space, _, pid = partial.name.removeprefix(_PREFIX).partition("-")
    pid = pid.partition("-")[0]
    # On Windows os.kill ends the process.
    if space != _process_space() or not pid.isdecimal() or os.name != "posix":
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _is_old(partial: Path) -> bool:
    try:
        last = max(path.stat().st_mtime for path in (partial, *partial.iterdir()))
    except OSError:
        # Another process has just renamed or removed it.
        return False
    return time.time() - last > _ABANDONED_SECONDS


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes a JSON file in one step.

    Args:
        path: the file to write; its folder must exist.
        content: anything that `json.dumps` takes.
    """
    with replacing(path) as aside:
        text = json.dumps(content, indent=2, ensure_ascii=False)
        aside.write_text(text + "\n", encoding="utf-8")


def write_csv(path: Path, table: "pd.DataFrame") -> None:
    """Writes a table in one step, with a fixed number of digits: the same for the same numbers.

    Args:
        path: the file to make; its folder must exist.
        table: without its index.
    """
    with replacing(path) as aside:
        text = table.to_csv(index=False, float_format=_FLOAT_FORMAT, lineterminator="\n")
        aside.write_text(text, encoding="utf-8")


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None if the file does not exist or holds no object."""
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file of a results folder.

    Raises:
        InputError: the file does not exist or holds no object.
    """
    content = read_json(path)
    if content is None:
        raise InputError(
            f"{path}: no such file, or no JSON object in it; expected one in the results of every "
            "run: run the experiment again"
        )
    return content


def remove_empty(folders: Sequence[Path]) -> None:
    """Removes those of the folders, listed inner ones first, that exist and are empty."""
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
