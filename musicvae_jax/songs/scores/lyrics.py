"""The words of a score: one voice, verse by verse."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from music21.stream import Part, Score

# Soft hyphens go; undertie and the breve below join two words on one note.
_CLEANED = str.maketrans({"\u00ad": None, "\u203f": " ", "\u035c": " "})


def read_lyrics(score: "Score") -> str | None:
    """The words of the part that has most of them; None if no part has words.

    Syllables are joined to words; each verse is a line.

    Args:
        score: of music21, repeats not taken.
    """
    verses = max((_verses(part) for part in score.parts), key=_n_letters, default=[])
    return "\n".join(verses) or None


def _verses(part: "Part") -> list[str]:
    from music21.text import assembleLyrics

    numbers = {lyric.number for note in part.recurse().notes for lyric in note.lyrics}
    verses = (_clean(assembleLyrics(part, number)) for number in sorted(numbers))
    return [verse for verse in verses if verse]


def _clean(verse: str) -> str:
    return re.sub(r"\s+", " ", verse.translate(_CLEANED)).strip()


def _n_letters(verses: list[str]) -> int:
    return sum(map(len, verses))
