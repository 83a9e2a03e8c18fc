"""Where a map's page finds the audio of its songs."""

import base64
import mimetypes
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

# A browser takes seconds to open a page of this size.
MOST_EMBEDDED_BYTES = 100_000_000
# The mimetypes of some systems lack these.
_TYPES = {".flac": "audio/flac", ".opus": "audio/ogg", ".ogg": "audio/ogg", ".wav": "audio/wav"}


class Sources(NamedTuple):
    """The audio of songs.

    Attributes:
        urls: relative URL or data URI of each song; None for songs without an audio file.
        n_linked: songs that are linked although they were to be embedded.
    """

    urls: list[str | None]
    n_linked: int


def relative_url(audio: str, folder: Path) -> str:
    """The URL of a file for a page in a folder.

    Args:
        audio: absolute path of the file.
        folder: of the page; it need not exist.

    Example:
        >>> relative_url("/music/Ana & Bia/100%.mp3", Path("/results/easy_vae"))
        '../../music/Ana%20%26%20Bia/100%25.mp3'
    """
    # Neither path's links are followed: a browser does not follow them either.
    path = os.path.relpath(audio, os.path.abspath(folder))  # noqa: PTH100 - resolve() would
    # "./" keeps a name such as "a:b.mp3" from being read as a URL's scheme.
    text = Path(path).as_posix()
    return quote(os.fsencode(text if text.startswith("..") else f"./{text}"))


def linked(paths: Iterable[str | None], folder: Path) -> Sources:
    """The songs' files, by URLs relative to the page.

    Args:
        paths: absolute path of each song's audio file; None where there is none.
        folder: the page's final folder.
    """
    return Sources([None if path is None else relative_url(path, folder) for path in paths], 0)


def embedded(paths: Iterable[str | None], folder: Path) -> Sources:
    """The songs' files as data URIs; those beyond 100 MB in all, and unreadable ones, are linked.

    Args:
        paths: as in `linked`.
        folder: as in `linked`.
    """
    urls: list[str | None] = []
    n_linked, left = 0, MOST_EMBEDDED_BYTES
    for path in paths:
        content = None if path is None else _content(Path(path), left)
        if path is None:
            urls.append(None)
        elif content is None:
            n_linked += 1
            urls.append(relative_url(path, folder))
        else:
            left -= len(content)
            text = base64.b64encode(content).decode()
            urls.append(f"data:{_media_type(path)};base64,{text}")
    return Sources(urls, n_linked)


def _content(path: Path, most_bytes: int) -> bytes | None:
    try:
        return path.read_bytes() if path.stat().st_size <= most_bytes else None
    except OSError:
        # The caller counts it, and the page will say that it cannot be played.
        return None


def _media_type(path: str) -> str:
    suffix = Path(path).suffix.lower()
    return _TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "audio/mpeg"
