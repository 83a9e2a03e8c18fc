"""The words of a score: one voice, verse by verse."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from music21.note import Lyric
    from music21.stream import Part, Score

# Soft hyphens go; undertie and the breve below join two words on one note.
_CLEANED = str.maketrans({"\u00ad": None, "\u203f": " ", "\u035c": " "})
# Stands for a syllable that is held.
_HELD = "_"


def read_lyrics(score: "Score") -> str | None:
    """The words of the part that has most of them; None if no part has words.

    Syllables are joined to words; each verse is a line.

    Args:
        score: of music21, repeats not taken.
    """
    verses = max((_verses(part) for part in score.parts), key=_n_letters, default=[])
    return "\n".join(verses) or None


def _verses(part: "Part") -> list[str]:
    # Not music21.text.assembleLyrics: it takes a note's first syllable for the first verse's, also
    # where the note has only the second verse's, and drops a last word without an end.
    by_verse: dict[int, str] = {}
    for note in part.flatten().notes:
        for lyric in note.lyrics:
            if lyric.text and lyric.text != _HELD:
                before = by_verse.get(lyric.number, "")
                by_verse[lyric.number] = before + lyric.text + _gap_after(lyric)
    verses = (_clean(by_verse[number]) for number in sorted(by_verse))
    return [verse for verse in verses if verse]


def _gap_after(lyric: "Lyric") -> str:
    # Two syllables on one note: the word goes on if the second one does.
    last = lyric.components[-1] if lyric.isComposite else lyric
    return "" if last.syllabic in ("begin", "middle") else " "


def _clean(verse: str) -> str:
    return re.sub(r"\s+", " ", verse.translate(_CLEANED)).strip()


def _n_letters(verses: list[str]) -> int:
    return sum(map(len, verses))
