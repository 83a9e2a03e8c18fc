"""Text from files that anyone may have written: its encoding, and how messages show it."""

import codecs
import os
import unicodedata
from pathlib import Path
from typing import NamedTuple

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Windows-1252 lacks five bytes, which Latin-1 has.
_FALLBACKS = ("cp1252", "latin-1")


class Decoded(NamedTuple):
    """Text from bytes; `is_guessed` says that they were neither UTF-8 nor marked UTF-16."""

    text: str
    is_guessed: bool


def decode(content: bytes) -> Decoded:
    """Text from bytes in UTF-8, UTF-16 with a byte order mark, or else Windows-1252 or Latin-1.

    Raises:
        ValueError: the bytes are no text: damaged UTF-16, or they have a NUL.

    Example:
        >>> decode("canção".encode("cp1252"))
        Decoded(text='canção', is_guessed=True)
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return Decoded(_without_nul(content[len(mark) :].decode(encoding)), False)
    try:
        return Decoded(_without_nul(content.decode("utf-8")), False)
    except UnicodeDecodeError:
        return Decoded(_without_nul(_decode_bytewise(content)), True)


def _decode_bytewise(content: bytes) -> str:
    windows, latin = _FALLBACKS
    try:
        return content.decode(windows)
    except UnicodeDecodeError:
        return content.decode(latin)


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("it has a NUL character")
    return text


def valid(text: str) -> str:
    r"""Text that any file can hold: lone surrogates become question marks, and NULs are removed.

    Example:
        >>> valid("a\udc80b\0")
        'a?b'
    """
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def composed(text: str) -> str:
    r"""Text with one character for a letter and its accent (NFC): macOS writes two in names.

    Example:
        >>> composed("cafe\u0301.wav") == "caf\xe9.wav"
        True
    """
    return unicodedata.normalize("NFC", text)


def path_text(path: Path) -> str:
    r"""A path as POSIX text that can be written as UTF-8, different for different paths.

    A byte of a name that is not UTF-8 becomes `\xff`, with its value.

    Example:
        >>> path_text(Path(os.fsdecode(b"caf\xe9.wav")))
        'caf\\xe9.wav'
    """
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def shown(text: str | Path) -> str:
    r"""Text for a message of one line: quoted, with escapes, if it cannot be printed as it is.

    Example:
        >>> print(shown("a song.mp3"), shown("two\nlines.mp3"))
        a song.mp3 'two\nlines.mp3'
    """
    text = text.as_posix() if isinstance(text, Path) else text
    return text if text.isprintable() else repr(text)


def reason_of(error: Exception) -> str:
    r"""An error in one line, without the file, which the message that quotes it names.

    Example:
        >>> reason_of(FileNotFoundError(2, "No such file", "a.mp3")), reason_of(IndexError())
        ('No such file', 'IndexError')
    """
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
