"""How lyrics are written, whatever they say: length, repetition and line endings."""

import re

import numpy as np

_WORD = re.compile(r"[^\W\d_]+")
# Letters at the end of a line that have to agree, and how many lines back.
_ENDING = 2
_REACH = 4


def lyrics_style(text: str) -> np.ndarray:
    """Ten numbers that describe the writing of cleaned lyrics, in any script with letters.

    Args:
        text: cleaned lyrics, one line per sung line, at least one letter.

    Returns:
        float32 `[10]`: natural logarithms of the numbers of words and of lines; words a line, their
        mean and standard deviation; letters a word, their mean; shares in [0, 1] of distinct words
        among words, of distinct lines among lines, of lines that repeat the line before, of words
        that occur once, and of lines whose last two letters are those of one of the four lines
        before that end in another word, as rhymes often are.
    """
    lines = [_WORD.findall(line.lower()) for line in text.splitlines()]
    lines = [words for words in lines if words]
    words = [word for line in lines for word in line]
    lengths = np.array([len(line) for line in lines], float)
    _, counts = np.unique(words, return_counts=True)
    distinct = {tuple(line) for line in lines}
    numbers = (
        np.log(len(words)),
        np.log(len(lines)),
        lengths.mean(),
        lengths.std(),
        np.mean([len(word) for word in words]),
        len(counts) / len(words),
        len(distinct) / len(lines),
        np.mean([place > 0 and lines[place - 1] == line for place, line in enumerate(lines)]),
        np.sum(counts == 1) / len(words),
        _rhyming_share([line[-1] for line in lines]),
    )
    return np.array(numbers, np.float32)


def _rhyming_share(endings: list[str]) -> float:
    """Share of lines whose last letters are those of another word at the end of a line nearby."""
    rhymes = [
        any(
            other != word and other[-_ENDING:] == word[-_ENDING:]
            for other in endings[max(place - _REACH, 0) : place]
        )
        for place, word in enumerate(endings)
    ]
    return float(np.mean(rhymes))
