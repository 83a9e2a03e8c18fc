"""Labels and lyrics in the tags of audio files."""

import io
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from tinytag import TinyTag, TinyTagException, UnsupportedFormatError

from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs.audio.lyrics_file import parse_lyrics
from musicvae_jax.songs.audio.source import Fields, Source
from musicvae_jax.songs.audio.text import reason_of, valid
from musicvae_jax.songs.audio.unusable import Unusable
from musicvae_jax.songs.language import language_code
from musicvae_jax.songs.missing import is_missing

# Tags with large pictures have some megabytes.
_MOST_BYTES = 64_000_000
# Takes a thousandth of it; but a damaged frame of synchronised lyrics takes tinytag a time that
# grows with the square of its size.
_MOST_SECONDS = 10.0
# What tinytag decodes bytes to that are no text in the encoding of the tags.
_REPLACEMENT = "\ufffd"


def labels_from_tags(files: Sequence[Path], terminal: Terminal) -> Source:
    """Reads the tags of audio files: ID3, Vorbis comments, RIFF, MP4 and ASF.

    A file whose tags cannot be read has none, and is among the rejected with the reason.

    Args:
        files: of the songs.
        terminal: for progress.

    Returns:
        The fields title, artist_name, genre, related_genre (genres after the first), language and
        lyrics.
    """
    fields: list[Fields] = []
    rejected: list[Unusable] = []
    with terminal.progress("reading tags", len(files)) as advance:
        for file in files:
            try:
                # Opening a pipe waits for its other end; the song is rejected anyway.
                of_song = {} if file.is_fifo() else read_tags(file)
            except (TinyTagException, OSError) as error:
                # tinytag turns whatever its parsers raise into its own error.
                fields.append({})
                rejected.append(Unusable(file, f"tags cannot be read: {reason_of(error)}"))
            else:
                fields.append(of_song)
                # related_genre is a list.
                values = {name: "".join(value) for name, value in of_song.items()}
                if damaged := [name for name, value in values.items() if _REPLACEMENT in value]:
                    reason = f"tags have bytes that are no text: {', '.join(damaged)}"
                    rejected.append(Unusable(file, reason))
            advance()
    return Source(fields, [], rejected)


def read_tags(file: Path) -> Fields:
    """The fields that the tags of one audio file give; none for an unknown format.

    Time and memory are bounded, whatever the file holds.

    Raises:
        TinyTagException: the tags are damaged, or take too long to read.
        OSError: the file cannot be read.
    """
    with _BoundedFile(file) as content, _time_limit(_MOST_SECONDS):
        try:
            tag = TinyTag.get(filename=file, file_obj=content, duration=False)
        except UnsupportedFormatError:
            return {}
    genres = _values(tag, "genre", separator=";")
    artists = [
        name
        for name in _values(tag, "artist") + _values(tag, "albumartist")
        if not is_missing("artist_name", name)
    ]
    languages = [code for text in _values(tag, "language") if (code := language_code(text))]
    lyrics = [parse_lyrics(text).get("lyrics") for text in _values(tag, "lyrics")]
    fields = {
        "title": _first(_values(tag, "title")),
        "artist_name": _first(artists),
        "genre": _first(genres),
        "related_genre": genres[1:],
        "language": _first(languages),
        "lyrics": _first([text for text in lyrics if text]),
    }
    return {name: value for name, value in fields.items() if value}


def _values(tag: TinyTag, name: str, separator: str = "\0") -> list[str]:
    """The values of a tag that are not blank, none twice."""
    texts = [getattr(tag, name, None), *tag.other.get(name, ())]
    pieces = [
        valid(piece).strip()
        for text in texts
        if text
        for part in text.split("\0")
        for piece in part.split(separator)
    ]
    return list(dict.fromkeys(filter(None, pieces)))


def _first(values: Sequence[str]) -> str | None:
    return values[0] if values else None


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raises `TimeoutError` in the block once it has taken longer, at its next call of anything."""
    deadline = time.monotonic() + seconds

    def check(frame: FrameType, event: str, arg: Any) -> None:  # noqa: ARG001 - as Python calls it
        if time.monotonic() > deadline:
            raise TimeoutError(f"that takes more than {seconds:g} s")

    # Neither a signal, which only the main thread can handle, nor a process, which takes a second
    # to start.
    before = sys.getprofile()
    sys.setprofile(check)
    try:
        yield
    finally:
        sys.setprofile(before)


class _BoundedFile(io.FileIO):
    """A file for reading that raises `OSError` once too many bytes have been read from it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._bytes_left = _MOST_BYTES

    def read(self, size: int | None = -1, /) -> bytes:
        is_bounded = size is not None and 0 <= size <= self._bytes_left
        content = super().read(size if is_bounded else self._bytes_left + 1) or b""
        self._bytes_left -= len(content)
        if self._bytes_left < 0:
            raise OSError(f"they have more than {_MOST_BYTES:,} bytes")
        return content
