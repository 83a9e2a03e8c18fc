"""Lyrics in a text file beside a song: SONG.lrc or SONG.txt."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs.audio.source import Fields, Source
from musicvae_jax.songs.audio.text import composed, decode, reason_of, shown
from musicvae_jax.songs.audio.unusable import Unusable
from musicvae_jax.songs.language import language_code

# In this order: a field that the first gives is not read from the second.
_SUFFIXES = (".lrc", ".txt")
# A book has a megabyte; the lyrics of an opera have less.
_MOST_BYTES = 1_000_000
_TIME = r"(\d{1,3}):(\d{1,2})(?:[.:](\d{1,3}))?"
# No chorus is sung more often, and a small file must not become a huge text.
_MOST_REPEATS = 50
_LINE_TIMES = re.compile(rf"\s*\[{_TIME}\]")
_WORD_TIME = re.compile(rf"[\[<]{_TIME}[\]>]")
_ID_TAG = re.compile(r"\s*\[(ar|al|ti|au|lr|la|by|re|tool|ve|offset|length|#):(.*)\]\s*", re.I)
_FIELD_OF_TAG = {"ar": "artist_name", "ti": "title", "la": "language"}


def lyrics_from_files(files: Sequence[Path], terminal: Terminal) -> Source:
    """Reads SONG.lrc and SONG.txt beside each song.

    Args:
        files: of the songs.
        terminal: for a notice about encodings.

    Returns:
        The fields lyrics, and title, artist_name and language where the files have id tags.
    """
    beside, rejected = _lyrics_files(files)
    found: dict[Path, Fields] = {}
    read, guessed = [], []
    for path in sorted({path for paths in beside for path in paths}):
        try:
            content = _read(path)
            text, is_guessed = decode(content)
        except (OSError, ValueError) as error:
            rejected.append(Unusable(path, f"lyrics cannot be read: {reason_of(error)}"))
            continue
        read.append(path)
        if is_guessed:
            guessed.append(path)
        found[path] = parse_lyrics(text)
    if guessed:
        terminal.notice(
            f"{len(guessed)} lyrics file(s) are not UTF-8 (the first is {shown(guessed[0])}); "
            "they are read as Windows-1252"
        )
    fields = []
    for paths in beside:
        of_song: Fields = {}
        for path in reversed(paths):
            of_song |= found.get(path, {})
        fields.append(of_song)
    return Source(fields, read, rejected)


def parse_lyrics(text: str) -> Fields:
    """The lyrics and id tags of a lyrics file, without time stamps.

    Lines in the LRC format begin with the times at which they are sung. A line with several, such
    as a chorus, is repeated, at most 50 times, and lines are put in the order of their times.

    Returns:
        Those of the fields lyrics, title, artist_name and language that are not blank.

    Example:
        >>> parse_lyrics("[ti:Go]\\n[00:01.00][00:03.00]Go\\n[00:02.00]<00:02.10>on <00:02.50>now")
        {'title': 'Go', 'lyrics': 'Go\\non now\\nGo'}
    """
    fields: Fields = {}
    timed: list[tuple[float, str]] = []
    last = -1.0
    for line in text.splitlines():
        if tag := _ID_TAG.fullmatch(line):
            name = _FIELD_OF_TAG.get(tag[1].lower())
            value = language_code(tag[2]) if name == "language" else tag[2].strip()
            if name and value:
                fields.setdefault(name, value)
            continue
        times, sung = _split_times(line)
        last = times[-1] if times else last
        # A line without a time stays behind the line before it.
        timed += [(time, sung) for time in times[:_MOST_REPEATS] or [last]]
    lyrics = "\n".join(sung for _, sung in sorted(timed, key=lambda one: one[0])).strip()
    return fields | {"lyrics": lyrics} if lyrics else fields


def _split_times(line: str) -> tuple[list[float], str]:
    """The times of a line, in seconds, and its text without any time stamp."""
    times, end = [], 0
    while stamp := _LINE_TIMES.match(line, end):
        minutes, seconds, fraction = stamp.groups(default="0")
        times.append(60 * int(minutes) + float(f"{int(seconds)}.{fraction}"))
        end = stamp.end()
    return times, _WORD_TIME.sub("", line[end:]).strip()


def _lyrics_files(files: Sequence[Path]) -> tuple[list[list[Path]], list[Unusable]]:
    """The lyrics files beside each song, in the order of `_SUFFIXES`, and unreadable folders."""
    beside: dict[tuple[Path, str, str], Path] = {}
    rejected = []
    for folder in sorted({file.parent for file in files}):
        try:
            paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
        except OSError as error:
            rejected.append(Unusable(folder, f"lyrics files cannot be listed: {reason_of(error)}"))
            continue
        # A song's own spelling comes first, then any that looks the same.
        for spelled in (str, composed):
            for path in paths:
                beside.setdefault((folder, spelled(path.stem), path.suffix.lower()), path)
    return [_beside(file, beside) for file in files], rejected


def _beside(file: Path, paths: Mapping[tuple[Path, str, str], Path]) -> list[Path]:
    """The lyrics files beside a song."""
    found = [
        paths.get((file.parent, file.stem, suffix))
        or paths.get((file.parent, composed(file.stem), suffix))
        for suffix in _SUFFIXES
    ]
    return [path for path in found if path]


def _read(path: Path) -> bytes:
    # Opening one waits for its other end.
    if path.is_fifo():
        raise ValueError("it is a pipe")
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError(f"it is larger than {_MOST_BYTES:,} bytes")
    return content
