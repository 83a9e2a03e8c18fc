"""One run at a time for each results folder."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from musicvae_jax.errors import InputError
from musicvae_jax.runtime.files import remove_empty


@contextmanager
def only_run(results_dir: Path) -> Iterator[None]:
    """Keeps other runs from the same results folder; a run that dies lets go of it.

    Args:
        results_dir: need not be there; the lock is a hidden file beside it.

    Raises:
        InputError: another run has it, or its parent folder cannot be written.
    """
    results_dir = results_dir.resolve()
    path = results_dir.with_name(f".{results_dir.name}.lock")
    missing = [folder for folder in path.parents if not folder.exists()]
    file = _take(path, results_dir)
    try:
        yield
    finally:
        path.unlink()
        file.close()
        remove_empty(missing)


def _take(path: Path, results_dir: Path) -> TextIO:
    while True:
        file = _opened(path, results_dir)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = file.read().strip()
            file.close()
            raise InputError(
                f"output folder {results_dir}: another run ({owner or 'just started'}) is at work "
                "on it; wait for its end, or choose another folder with --output-dir"
            ) from error
        # Its last owner may have removed the file between opening and locking it.
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            file.seek(0)
            file.truncate()
            file.write(f"process {os.getpid()} on {socket.gethostname()}")
            file.flush()
            return file
        file.close()


def _opened(path: Path, results_dir: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path.open("r+", encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"output folder {results_dir}: cannot be written ({error.strerror}); "
            "choose another with --output-dir"
        ) from error
