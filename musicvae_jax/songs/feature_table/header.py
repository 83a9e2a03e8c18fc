"""The first lines of a text table: its delimiter and the names of its columns."""

import csv
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from musicvae_jax.errors import InputError
from musicvae_jax.songs.delimiter import find_delimiter

# Pandas writes a header of several lines for columns with several names each; FMA has three.
_MOST_LINES = 8
_DELIMITERS = {";": "semicolons", "\t": "tabs"}
_EXPECTED = "expected a table of features as UTF-8 text, with the names of its columns first"


class Header(NamedTuple):
    """How a text table begins.

    Attributes:
        names: of its columns, none twice.
        n_lines: number of lines before the first song.
        delimiter: between two cells.
        note: what is unusual about it, in words, or "".
    """

    names: tuple[str, ...]
    n_lines: int
    delimiter: str
    note: str


def read_header(path: Path) -> Header:
    """Reads the first lines of a .csv or .tsv file.

    The delimiter is a tab in a .tsv file, else a comma; where the first line has none, a semicolon
    or tab that it has. Several header lines are joined: "mfcc", "mean", "01" is mfcc_mean_01.

    Raises:
        InputError: the file cannot be read, is empty, is not UTF-8, has no line of names or has a
            name twice.
    """
    if not path.is_file():
        what = "is not a file" if path.exists() else "no such file"
        raise InputError(f"{path}: {what}; {_EXPECTED}")
    try:
        # utf-8-sig: spreadsheets put a byte order mark first.
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(islice(file, _MOST_LINES))
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text ({error.reason}); {_EXPECTED}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {_EXPECTED}") from error
    if not "".join(lines).strip():
        raise InputError(f"{path}: is empty; {_EXPECTED}")
    usual = "\t" if path.suffix.lower() == ".tsv" else ","
    delimiter = find_delimiter(lines[0], usual)
    note = "" if delimiter == usual else f"its cells are separated by {_DELIMITERS[delimiter]}"
    try:
        rows = list(csv.reader(lines, delimiter=delimiter))
    except csv.Error as error:
        raise InputError(f"{path}: the first lines are no table ({error}); {_EXPECTED}") from error
    n_lines = _n_header_lines(rows)
    names = _joined(rows[:n_lines])
    _check_names(path, names)
    return Header(names, n_lines, delimiter, note)


def check_unique(path: Path, names: Sequence[str]) -> None:
    """Raises `InputError` if a table has two columns of one name."""
    for name, count in Counter(names).items():
        if count > 1:
            raise InputError(f"{path}: column {name!r} appears {count} times; expected once")


def _n_header_lines(rows: Sequence[Sequence[str]]) -> int:
    """1, or the lines up to the one that holds nothing but the name of the index."""
    first = rows[0][1:]
    # A song without any number looks like that line, but one line of names has none twice.
    if len(set(first)) < len(first):
        for place, (name, *others) in enumerate(filter(None, rows[1:]), start=1):
            if name.strip() and not any(cell.strip() for cell in others):
                return place + 1
    return 1


def _joined(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    *levels, last = ([cell.strip() for cell in row] for row in rows)
    if levels:
        # The index has the last line's name; the others have those of the lines before.
        names = ["_".join(filter(None, cells)) for cells in zip(*levels, strict=False)]
        names[0] = last[0]
    else:
        names = last
    return tuple(name or f"unnamed {place}" for place, name in enumerate(names))


def _check_names(path: Path, names: Sequence[str]) -> None:
    if not names:
        raise InputError(f"{path}: the first line is empty; {_EXPECTED}")
    if all(_is_number(name) for name in names):
        raise InputError(
            f"{path}: the first line has numbers only ({', '.join(names[:3])}); {_EXPECTED}"
        )
    check_unique(path, names)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
