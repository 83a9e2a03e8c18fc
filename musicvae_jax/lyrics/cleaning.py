"""Removes from lyrics what is not sung: section marks, repeat marks, stray spaces."""

import re
import unicodedata

_SECTION = (
    r"(?:pre-?|post-?)?(?:chorus|refr(?:ain|ão|ao|en|eng|än)|hook|coro|estribillo|kehrreim|"
    r"ritornello|припев)|verses?|versos?|vers|strophe|estrofa|estrofe|strofa|couplet|zwrotka|"
    r"куплет|bridge|puente|ponte|pont|intro(?:du[cç][aã]o|duction)?|outro|interlude|interl[uú]dio|"
    r"instrumental|break|solo|coda"
)
_TIMES = r"(?:[x\u00d7]\s*\d+|\d+\s*[x\u00d7])"
_REPEAT = rf"(?:(?:repeat(?:ed)?\s*)?(?:{_TIMES}|\d+\s+times)|bis)"
_NUMBER = r"\s*(?:\d+|[ivx]+)?\s*\.?"
# Words that come before a section's name: a repeat, a place in the song, an instrument.
_BEFORE = (
    r"(?:(?:repeat|final|last|first|second|third|guitar|piano|sax|drum|violin|musical)[\s-]+)?"
)
_MARK = rf"{_BEFORE}(?:{_SECTION}){_NUMBER}\s*(?:[,:(-]*\s*(?:{_REPEAT})\s*\)?)?\s*:?"
# Square brackets are never sung, so a name may follow the section: [Verse 2: Ana & Bia].
_SQUARE = rf"\[\s*(?:{_MARK}(?:\s*[:\u2013-][^\[\]\n]*)?|{_REPEAT}|no lyrics[^\[\]\n]*)?\s*\]"
# Round brackets often are (backing voices), so they must contain nothing but the mark.
_ROUND = rf"\(\s*(?:{_MARK}|{_REPEAT})?\s*\)"
_BRACKETED = re.compile(rf"(?:{_SQUARE}|{_ROUND})(?:\s*:|\s*{_TIMES}(?=\s|$))?", re.IGNORECASE)
# Without brackets only a whole line is a mark, and only if it has a colon, a number or a repeat,
# or a word that nobody sings: "Solo" may be a line of a song, "Refrain 2" and "Chorus:" are not.
_BARE = re.compile(
    rf"{_BEFORE}(?:{_SECTION})\s*(?:\d+\s*[.:]?|[ivx]*\s*:|[(-]?\s*{_TIMES}\)?\s*:?)"
    rf"|(?:chorus|refrain|refrão|estribillo|ritornello|instrumental)\s*\.?|{_TIMES}",
    re.IGNORECASE,
)
# Control characters and zero-width characters; a NUL would end the text in a C library.
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u00ad\u200b-\u200f\u2060\ufeff]")
_SPACES = re.compile(r"\s+")


def clean(text: str) -> str:
    """Lyrics as sung, one line per sung line, in Unicode's composed form (NFC).

    Removes section marks in brackets ([Chorus], [Verse 2: Ana], (Refrão 2x), (x2)), lines that are
    a mark without brackets ("Refrain 2", "Chorus:", "x2"), empty lines and repeated spaces. Other
    text in brackets stays, since it may be sung.

    Returns:
        The cleaned lyrics; "" if no letter is left.
    """
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    lines = (_clean_line(line) for line in text.splitlines())
    cleaned = "\n".join(line for line in lines if line)
    return cleaned if any(character.isalpha() for character in cleaned) else ""


def _clean_line(line: str) -> str:
    previous = None
    # Removing one mark may leave another that now matches.
    while line != previous:
        previous = line
        line = _SPACES.sub(" ", _BRACKETED.sub(" ", line)).strip()
    return "" if _BARE.fullmatch(line) else line
