"""SHA-256 of audio files; the cache remembers those of files that have not changed."""

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from musicvae_jax.runtime.cache import writing_cache
from musicvae_jax.runtime.files import read_json
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs.audio.find import AudioFiles
from musicvae_jax.songs.audio.store import Signature, audio_folder, digest_of, signature
from musicvae_jax.songs.audio.text import path_text

# Within it, a file system that keeps whole seconds can miss a change.
_TIME_STEP_NS = 2_000_000_000


class Content(NamedTuple):
    """What a file holds.

    Attributes:
        file: its state when it was read; None if it cannot be read.
        digest: SHA-256 of its bytes, hexadecimal, or "".
        fault: why it cannot be read, or "".
    """

    file: Signature | None
    digest: str
    fault: str

    @property
    def readable(self) -> Signature:
        """`file`, of a file that can be read."""
        if self.file is None:
            raise ValueError(f"a file without a state: {self.fault}")
        return self.file


def read_contents(found: AudioFiles, cache_dir: Path, terminal: Terminal) -> list[Content]:
    """The content of every file, in order; reads only files that are new or have changed."""
    path = _memory_path(found.root, cache_dir)
    known = read_json(path) or {}
    contents: list[Content] = []
    pool = ThreadPoolExecutor()
    try:
        with terminal.progress("reading audio files", len(found.files)) as advance:
            for content in pool.map(lambda file: _content(file, known), found.files):
                contents.append(content)
                advance()
    finally:
        # Also when interrupted: reading 50 GB takes minutes.
        pool.shutdown(cancel_futures=True)
        _remember(path, known, _other(known, found.files) | _lasting(contents))
    return contents


def _content(path: Path, known: Mapping[str, Any]) -> Content:
    try:
        file = signature(path)
        if not path.is_file():
            return Content(None, "", "not a file")
        digest = _known_digest(file, known)
        if not digest:
            with path.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            file.check()
    except OSError as error:
        return Content(None, "", f"cannot be read ({error.strerror or error})")
    return Content(file, digest, "")


def _known_digest(file: Signature, known: Mapping[str, Any]) -> str:
    """The digest of a file if it has not changed, else ""."""
    match known.get(path_text(file.path)):
        case [*state, str(digest)] if state == list(file[1:]):
            return digest
    return ""


def _other(known: Mapping[str, Any], files: Sequence[Path]) -> dict[str, Any]:
    """What is known of other files that are still there: a run may be for a part of a folder."""
    names = known.keys() - {path_text(file) for file in files}
    return {name: known[name] for name in sorted(names) if os.path.exists(name)}  # noqa: PTH110


def _lasting(contents: Sequence[Content]) -> dict[str, list[int | str]]:
    latest_ns = time.time_ns() - _TIME_STEP_NS
    return {
        path_text(file.path): [*file[1:], digest]
        for file, digest, _ in contents
        if file is not None and file.mtime_ns < latest_ns
    }


def _remember(path: Path, known: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    if found != known:
        with writing_cache(path) as aside:
            aside.write_text(json.dumps(found, indent=0), encoding="utf-8")


def _memory_path(root: Path, cache_dir: Path) -> Path:
    return audio_folder(cache_dir) / f"files-{digest_of([path_text(root)])[:16]}.json"
