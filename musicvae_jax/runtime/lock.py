"""One run at a time for each results folder."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from musicvae_jax.errors import InputError
from musicvae_jax.runtime.files import remove_empty


@contextmanager
def only_run(results_dir: Path) -> Iterator[None]:
    """Locks a results folder for this run; the system unlocks it if the run dies.

    Args:
        results_dir: need not exist; the lock is a hidden file beside it.

    Raises:
        InputError: another run has locked it, or its parent folder cannot be written.
    """
    results_dir = results_dir.resolve()
    path = results_dir.with_name(f".{results_dir.name}.lock")
    missing = [folder for folder in path.parents if not folder.exists()]
    # A file that merely exists, filelock's fallback, would outlive a run that dies.
    lock = FileLock(path, fallback_to_soft=False)
    try:
        _acquire(lock, path, results_dir)
        try:
            path.write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
            yield
        finally:
            # While it is locked: filelock does not lock a file that was removed meanwhile.
            try:
                path.unlink(missing_ok=True)
            finally:
                lock.release()
    finally:
        remove_empty(missing)


def _acquire(lock: FileLock, path: Path, results_dir: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout as error:
        raise InputError(
            f"output folder {results_dir}: another run ({_owner(path)}) is using it; wait until it "
            "ends, or choose another folder with --output-dir"
        ) from error
    except OSError as error:
        raise InputError(
            f"output folder {results_dir}: cannot be written ({error.strerror}); "
            "choose another with --output-dir"
        ) from error


def _owner(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") or "just started"
    except FileNotFoundError:
        return "just finished"
