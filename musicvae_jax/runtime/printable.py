"""Untrusted text, such as a song's title, for a terminal."""

import unicodedata

# Controls, halves of characters, and separators of lines and paragraphs. Other separators and most
# formats are part of ordinary text in some language.
_ESCAPED = {"Cc", "Cs", "Zl", "Zp"}
# These reorder the text around them.
_REORDERING = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def printable(text: str) -> str:
    r"""Text in one line, with escapes for the characters that a terminal would obey.

    Example:
        >>> printable("red\x1b[31m, two\nlines")
        'red\\x1b[31m, two\\nlines'
        >>> printable("Ação, Μουσική, 音楽")
        'Ação, Μουσική, 音楽'
    """
    return "".join(_escape(c) if _is_obeyed(c) else c for c in text)


def _is_obeyed(character: str) -> bool:
    return unicodedata.category(character) in _ESCAPED or character in _REORDERING


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
