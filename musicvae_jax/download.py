"""Fetches 4MuLA from Zenodo: `python -m musicvae_jax.download NAME`."""

import argparse
import hashlib
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeVar

from musicvae_jax.errors import InputError
from musicvae_jax.runtime.command import DEBUG, DEBUG_HELP, QUIET, QUIET_HELP, run_command
from musicvae_jax.runtime.tasks import Task
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import FOURMULA_PATH

# Imported where used, so that --help is fast.
if TYPE_CHECKING:
    import requests

_ZENODO = "https://zenodo.org"
_TIMEOUT_S = 30
_PAUSES_S = (1, 2, 4)
_BLOCK_BYTES = 1 << 16
_RANGE_BEYOND_END = 416

_T = TypeVar("_T")


class Dataset(NamedTuple):
    """A Zenodo record that holds one parquet file.

    Attributes:
        record: its number.
        file_name: name of the file, or None to ask Zenodo.
        checksum: "md5:" and the file's MD5 in hexadecimal, or None to ask Zenodo.
    """

    record: int
    file_name: str | None = None
    checksum: str | None = None


class RemoteFile(NamedTuple):
    """The address of a file, its name, and the checksum ("md5:...") it must have."""

    url: str
    name: str
    checksum: str


DATASETS = {
    "4mula-tiny": Dataset(4585498, FOURMULA_PATH.name, "md5:b1caba387baa22a7b16893702a3214f7"),
    "4mula-small": Dataset(4636802),
}


def download(
    name: str,
    folder: Path = FOURMULA_PATH.parent,
    on_bytes: Callable[[int, int | None], None] | None = None,
) -> Path:
    """Downloads a data set, unless the file already exists with the right checksum.

    The download goes to a `.part` file, which is renamed once its checksum is right. If the
    connection breaks, the next call resumes it.

    Args:
        name: a key of `DATASETS`.
        folder: where the file goes; made if missing.
        on_bytes: called with the number of bytes received, including earlier calls, and the total
            (None if the server does not say): first with those of earlier calls.

    Returns:
        The path of the complete file.

    Raises:
        InputError: there is no such data set, or the folder cannot be made.
        OSError: the network, the server or the disk failed, and calling again resumes; or the
            checksum is wrong, and the file is removed.
    """
    if name not in DATASETS:
        raise InputError(f"unknown data set {name!r}; expected one of {', '.join(DATASETS)}")
    _make_folder(folder)
    remote = _locate(DATASETS[name])
    path = folder / remote.name
    if not path.exists() or _md5(path) != remote.checksum:
        part = folder / f"{remote.name}.part"
        _fetch(remote.url, part, on_bytes or (lambda _done, _total: None))
        _check_content(part, remote.checksum)
        part.replace(path)
    return path


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder} ({error})") from error


def _locate(dataset: Dataset) -> RemoteFile:
    if dataset.file_name is None or dataset.checksum is None:
        return _ask_record(dataset.record)
    url = f"{_ZENODO}/records/{dataset.record}/files/{dataset.file_name}?download=1"
    return RemoteFile(url, dataset.file_name, dataset.checksum)


def _ask_record(record: int) -> RemoteFile:
    url = f"{_ZENODO}/api/records/{record}"
    reply = _persist(lambda: _get(url))
    try:
        # Only the last part of a name, so that no file is written outside the folder.
        files = [
            RemoteFile(file["links"]["self"], Path(file["key"]).name, file["checksum"])
            for file in reply.json()["files"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise OSError(f"{url}: expected a record with a list of files ({error!r})") from error
    parquet = [file for file in files if file.name.endswith(".parquet")]
    if len(parquet) != 1:
        names = ", ".join(file.name for file in files) or "no file"
        raise OSError(f"{url}: expected one .parquet file, found {names}")
    if not parquet[0].checksum.startswith("md5:"):
        raise OSError(f"{url}: expected an md5 checksum, found {parquet[0].checksum}")
    return parquet[0]


def _fetch(url: str, part: Path, on_bytes: Callable[[int, int | None], None]) -> None:
    try:
        _persist(lambda: _receive(url, part, on_bytes))
    except OSError as error:
        kept_bytes = _size_bytes(part)
        resume = f"; {part} holds {kept_bytes} bytes, and the same command resumes from there"
        raise OSError(f"{part.stem}: {error}{resume if kept_bytes else ''}") from error


def _receive(url: str, part: Path, on_bytes: Callable[[int, int | None], None]) -> None:
    """Appends the missing bytes to `part`, or rewrites it if the server sends the whole file."""
    kept_bytes = _size_bytes(part)
    # Compressed bytes could not be counted from an offset into the file.
    headers = {"Accept-Encoding": "identity"}
    if kept_bytes:
        headers["Range"] = f"bytes={kept_bytes}-"
    with _get(url, headers, accept=_RANGE_BEYOND_END) as reply:
        if reply.status_code == _RANGE_BEYOND_END:
            # The part is complete already; if it is too long, the checksum will be wrong.
            return
        done_bytes = kept_bytes if reply.status_code == 206 else 0
        coming_bytes = int(reply.headers.get("Content-Length", 0))
        total_bytes = done_bytes + coming_bytes if coming_bytes else None
        _check_room(part.parent, (total_bytes or 0) - kept_bytes)
        with part.open("ab" if done_bytes else "wb") as file:
            on_bytes(done_bytes, total_bytes)
            for block in reply.iter_content(_BLOCK_BYTES):
                file.write(block)
                done_bytes += len(block)
                on_bytes(done_bytes, total_bytes)


# Not pooch, which removes its temporary file when the check is interrupted: checking 11 GB may take
# a minute, and a Ctrl-C then would lose hours of download.
def _check_content(part: Path, checksum: str) -> None:
    found = _md5(part)
    if found != checksum:
        part.unlink()
        raise OSError(f"{part.stem}: expected {checksum}, found {found}; it has been removed")


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return f"md5:{hashlib.file_digest(file, 'md5').hexdigest()}"


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _check_room(folder: Path, needed_bytes: int) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise OSError(f"{folder} has {free_bytes} bytes free, {needed_bytes} are needed")


def _get(
    url: str, headers: dict[str, str] | None = None, accept: int | None = None
) -> "requests.Response":
    """A response whose body has not been read; raises on any error status except `accept`."""
    import requests

    reply = requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S)
    if reply.status_code != accept and not reply.ok:
        reply.close()
        reply.raise_for_status()
    return reply


def _persist(action: Callable[[], _T]) -> _T:
    """Does `action`; after a temporary failure, pauses and tries again."""
    import requests

    for pause_s in _PAUSES_S:
        try:
            return action()
        except requests.RequestException as error:
            if error.response is not None and error.response.status_code < 500:
                raise
        time.sleep(pause_s)
    return action()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; NAME is one of {', '.join(DATASETS)}")


def main(arguments: Sequence[str]) -> int:
    """Runs the command line; returns the exit code.

    Raises:
        SystemExit: see `run_command`.
    """
    return run_command(arguments, _run)


def _run(arguments: Sequence[str], notices_only: bool) -> None:
    name = _parse(arguments)
    terminal = Terminal(notices_only=notices_only)
    try:
        with terminal.task(name, unit="MB") as task:
            path = download(name, on_bytes=partial(_show_bytes, task))
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt("interrupted; the same command resumes") from error
    terminal.say(f"{path}: complete, checksum as published")


def _parse(arguments: Sequence[str]) -> str:
    parser = _Parser(
        prog="python -m musicvae_jax.download",
        description=f"Download 4MuLA from Zenodo into {FOURMULA_PATH.parent}/. The same command "
        "resumes an interrupted download; a file that already exists is only checked.",
    )
    parser.add_argument("name", metavar="NAME", help=f"one of {', '.join(DATASETS)}")
    # For the help: `run_command` obeys them.
    parser.add_argument(QUIET, action="store_true", help=QUIET_HELP)
    parser.add_argument(DEBUG, action="store_true", help=DEBUG_HELP)
    return parser.parse_args(arguments).name


def _show_bytes(task: Task, done: int, total: int | None) -> None:
    is_first = task.total is None
    task.total = total and -(-total // 10**6)
    new = done // 10**6 - task.done
    # There are fewer where the server sends the whole file once more.
    (task.skip if is_first or new < 0 else task.advance)(new)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
