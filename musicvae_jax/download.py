"""Fetches 4MuLA from Zenodo: `python -m musicvae_jax.download NAME`."""

import argparse
import hashlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeVar

from musicvae_jax.errors import EXIT_BAD_INPUT, EXIT_FAILED, EXIT_INTERRUPTED, InputError
from musicvae_jax.songs import FOURMULA_PATH

# Imported where it is used, so that --help does not wait for it.
if TYPE_CHECKING:
    import requests

_ZENODO = "https://zenodo.org"
_TIMEOUT_S = 30
_PAUSES_S = (1, 2, 4)
_BLOCK_BYTES = 1 << 16
_RANGE_BEYOND_END = 416

_T = TypeVar("_T")


class Dataset(NamedTuple):
    """A record of Zenodo that holds one parquet file.

    Attributes:
        record: its number.
        file_name: the file to take, or None if the record is to be asked.
        checksum: of that file, "md5:" and hexadecimal digits, or None likewise.
    """

    record: int
    file_name: str | None = None
    checksum: str | None = None


class RemoteFile(NamedTuple):
    """Where a file is, what it is called and the checksum ("md5:...") it must have."""

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
    """Fetches a data set; a file that is there already, with the right checksum, is left alone.

    The file has its name only once its checksum is right. Until then it grows in a file `.part`
    beside it, which outlives a broken connection and is continued by the next call.

    Args:
        name: a key of `DATASETS`.
        folder: where the file goes; made if missing.
        on_bytes: called with the bytes that have arrived, those of earlier calls included, and the
            bytes that there will be (None if the server does not say).

    Returns:
        The path of the whole file.

    Raises:
        InputError: no such data set, or no such folder can be made.
        OSError: the network, the server or the disk failed, or the checksum is wrong; in the last
            case what arrived is removed, in the others calling again resumes.
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
        # Only the last part of a name, lest a file is written outside the folder.
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
        resume = f"; {part} keeps {kept_bytes} bytes, the same command resumes from there"
        raise OSError(f"{part.stem}: {error}{resume if kept_bytes else ''}") from error


def _receive(url: str, part: Path, on_bytes: Callable[[int, int | None], None]) -> None:
    """Appends to `part` what it lacks, or writes it anew if the server sends all of it."""
    kept_bytes = _size_bytes(part)
    # Compressed bytes could not be counted from an offset into the file.
    headers = {"Accept-Encoding": "identity"}
    if kept_bytes:
        headers["Range"] = f"bytes={kept_bytes}-"
    with _get(url, headers, accept=_RANGE_BEYOND_END) as reply:
        if reply.status_code == _RANGE_BEYOND_END:
            # The part is whole already; if it is too long, the checksum will tell.
            return
        done_bytes = kept_bytes if reply.status_code == 206 else 0
        coming_bytes = int(reply.headers.get("Content-Length", 0))
        total_bytes = done_bytes + coming_bytes if coming_bytes else None
        _check_room(part.parent, (total_bytes or 0) - kept_bytes)
        with part.open("ab" if done_bytes else "wb") as file:
            for block in reply.iter_content(_BLOCK_BYTES):
                file.write(block)
                done_bytes += len(block)
                on_bytes(done_bytes, total_bytes)


# Not pooch, which checks a temporary file that it removes when it is interrupted: hours of
# download would be gone by a Ctrl-C in the minute that the check of 11 GB may take.
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
    """An answer whose body is still to be read; any error status but `accept` is raised."""
    import requests

    reply = requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S)
    if reply.status_code != accept and not reply.ok:
        reply.close()
        reply.raise_for_status()
    return reply


def _persist(action: Callable[[], _T]) -> _T:
    """Does `action`, again after a pause as long as it fails in a way that may pass."""
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
    """Runs the command line; returns the exit code."""
    parser = _Parser(
        prog="python -m musicvae_jax.download",
        description=f"Download 4MuLA from Zenodo into {FOURMULA_PATH.parent}/. A download that "
        "broke off is resumed by the same command; a file that is there already is only checked.",
    )
    parser.add_argument("name", metavar="NAME", help=f"one of {', '.join(DATASETS)}")
    try:
        name = parser.parse_args(arguments).name
        with _progress(name) as on_bytes:
            path = download(name, on_bytes=on_bytes)
    except InputError as error:
        return _fail(f"error: {error}", EXIT_BAD_INPUT)
    except OSError as error:
        return _fail(f"error: {error}", EXIT_FAILED)
    except KeyboardInterrupt:
        return _fail("interrupted; the same command resumes", EXIT_INTERRUPTED)
    print(f"{path}: complete, checksum as published")
    return 0


def _fail(line: str, code: int) -> int:
    print(line, file=sys.stderr)
    return code


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar with the time left on standard error; silent unless that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    disable = not console.is_terminal
    with Progress(*columns, console=console, disable=disable, transient=True) as bars:
        task = bars.add_task(name, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
