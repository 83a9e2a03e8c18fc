"""Labels in metadata.csv or metadata.jsonl: the AudioFolder convention of Hugging Face datasets.

Each row names its song in the column `file_name`, by a path relative to the file of metadata. Such
files may lie in the folder of songs and in any folder below it that has songs, and their names may
have capital letters.
"""

import csv
import io
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from musicvae_jax.config import FACTOR_PREFIX
from musicvae_jax.errors import InputError
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs.audio.metadata_cells import COLUMNS, parse_cell
from musicvae_jax.songs.audio.source import Fields, Source
from musicvae_jax.songs.audio.text import composed, reason_of, shown
from musicvae_jax.songs.audio.unusable import Unusable
from musicvae_jax.songs.delimiter import find_delimiter

_CSV, _JSONL = "metadata.csv", "metadata.jsonl"
_FILE_NAME = "file_name"


def labels_from_metadata(root: Path, files: Sequence[Path], terminal: Terminal) -> Source:
    """Reads the metadata files of a folder of songs.

    A row counts from 0, the first after the header. A row for a file that is not there, and the
    second row for one, are rejected; rows for files that are there but not among the songs are
    counted in a notice.

    Args:
        root: folder of the songs.
        files: of the songs, absolute.
        terminal: for notices.

    Raises:
        InputError: a file of metadata is not what it should be: two in one folder, not
            UTF-8, not CSV or JSON, without file_name, a column twice, a value of the wrong kind.
    """
    place_of = {os.path.normpath(file): place for place, file in enumerate(files)}
    # A song's own spelling comes first, then any that looks the same.
    songs = {composed(song): song for song in place_of} | {song: song for song in place_of}
    fields: list[Fields] = [{} for _ in files]
    named: dict[str, str] = {}
    read, rejected = _metadata_files(root, files)
    for path in read:
        elsewhere = 0
        rows = _read_rows(path, terminal)
        for row, (file_name, of_row) in enumerate(rows):
            where = f"row {row}: file_name {file_name!r}"
            song = _song(path.parent, file_name, songs)
            if song in named:
                rejected.append(Unusable(path, f"{where} is a duplicate of {named[song]}", row))
            elif song in place_of:
                fields[place_of[song]] = of_row
                named[song] = f"row {row} of {shown(path.relative_to(root))}"
            elif _exists(song):
                elsewhere += 1
            else:
                rejected.append(Unusable(path, f"{where}: there is no such file", row))
        if elsewhere:
            terminal.notice(
                f"{shown(path)}: {elsewhere} of {len(rows)} rows are for files that are not read"
            )
    return Source(_typed_factors(fields), read, rejected)


def _metadata_files(root: Path, files: Sequence[Path]) -> tuple[list[Path], list[Unusable]]:
    """The metadata files in the folders of songs and those above, up to the root, and folders that
    cannot be listed."""
    folders = {root}
    for folder in {file.parent for file in files}:
        while folder not in folders and folder.is_relative_to(root):
            folders.add(folder)
            folder = folder.parent
    found, rejected = [], []
    for folder in sorted(folders):
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            rejected.append(Unusable(folder, f"metadata cannot be listed: {reason_of(error)}"))
            continue
        paths = [path for path in entries if path.name.lower() in (_CSV, _JSONL) and path.is_file()]
        if len(paths) > 1:
            names = " and ".join(path.name for path in paths)
            raise InputError(f"{shown(folder)}: has {names}; expected one of them")
        found += paths
    return found, rejected


def _song(folder: Path, file_name: str, songs: Mapping[str, str]) -> str:
    """The path that a row names; with backslashes, as Windows writes them, if need be."""
    names = (file_name, file_name.replace("\\", "/"))
    paths = [os.path.normpath(folder / name) for name in names]
    found = (songs.get(path) or songs.get(composed(path)) for path in paths)
    return next(filter(None, found), paths[-1])


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:
        # For example, the name is too long.
        return False


def _read_rows(path: Path, terminal: Terminal) -> list[tuple[str, Fields]]:
    """The file name and the fields of every row."""
    rows = list((_csv_rows if path.name.lower() == _CSV else _json_rows)(path, _decoded(path)))
    names = dict.fromkeys(name for row in rows for name in row)
    used = {name: column for name in names if (column := _column(name))}
    _check_columns(path, used)
    if unused := [name for name in names if name not in used and name != _FILE_NAME]:
        terminal.notice(f"{shown(path)}: columns not used: {', '.join(map(shown, unused))}")
    return [_parse_row(path, number, row, used) for number, row in enumerate(rows)]


def _column(name: str) -> str | None:
    """The column of the song table that a column of the file is; None if it is not used."""
    return name if name.startswith(FACTOR_PREFIX) else COLUMNS.get(name)


def _check_columns(path: Path, used: Mapping[str, str]) -> None:
    names: dict[str, str] = {}
    for name, column in used.items():
        if column in names:
            raise InputError(
                f"{shown(path)}: columns {names[column]!r} and {name!r} are both the {column}; "
                "expected one of them"
            )
        names[column] = name


def _parse_row(
    path: Path, number: int, row: Mapping[str, Any], used: Mapping[str, str]
) -> tuple[str, Fields]:
    file_name = row.get(_FILE_NAME)
    if not isinstance(file_name, str) or not file_name.strip():
        raise InputError(
            f"{shown(path)}: row {number}, column '{_FILE_NAME}' is {file_name!r}; expected the "
            "path of a song relative to this file"
        )
    fields = {}
    for name, column in used.items():
        try:
            value = parse_cell(column, row.get(name))
        except ValueError as error:
            raise InputError(f"{shown(path)}: row {number}, column {name!r}: {error}") from error
        if value is not None:
            fields[column] = value
    return file_name.strip(), fields


def _decoded(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{shown(path)}: cannot be read ({reason_of(error)})") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{shown(path)}: line {line} is not UTF-8 (byte {content[error.start]:#04x}); expected "
            "a file saved as UTF-8"
        ) from error


def _csv_rows(path: Path, text: str) -> Iterator[dict[str, str]]:
    delimiter = find_delimiter(io.StringIO(text, newline="").readline())
    # Blanks after a delimiter would make quotation marks a part of the cell.
    lines = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    number = -1
    try:
        header = [name.strip() for name in next(lines, [])]
        _check_header(path, header)
        for cells in lines:
            # Spreadsheets write rows without anything in them.
            if not any(cell.strip() for cell in cells):
                continue
            number += 1
            if len(cells) != len(header):
                raise InputError(
                    f"{shown(path)}: row {number} has {len(cells)} cells; expected "
                    f"{len(header)}, one for each column"
                )
            yield dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise InputError(
            f"{shown(path)}: line {lines.line_num} is not CSV ({error}); expected cells "
            "separated by commas, semicolons or tabs"
        ) from error


def _check_header(path: Path, header: Sequence[str]) -> None:
    for name in header:
        if header.count(name) > 1:
            raise InputError(
                f"{shown(path)}: column {name!r} appears more than once; expected once"
            )
    if _FILE_NAME not in header:
        columns = ", ".join(map(shown, header)) or "none"
        raise InputError(
            f"{shown(path)}: column '{_FILE_NAME}' is missing; its columns are {columns}"
        )


def _json_rows(path: Path, text: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{shown(path)}: line {number} is not JSON ({error}); expected one object a line"
            ) from error
        if not isinstance(row, dict):
            raise InputError(
                f"{shown(path)}: line {number} is {type(row).__name__}; expected a JSON object"
            )
        yield row


def _typed_factors(fields: list[Fields]) -> list[Fields]:
    """The fields with factors as numbers, where all values of a factor are, and else as text."""
    names = {name for of_song in fields for name in of_song if name.startswith(FACTOR_PREFIX)}
    for name in names:
        cells = [of_song for of_song in fields if name in of_song]
        kind = next(
            (kind for kind in (int, float) if all(_is(kind, one[name]) for one in cells)), str
        )
        for of_song in cells:
            of_song[name] = kind(of_song[name])
    return fields


def _is(kind: type, cell: str) -> bool:
    try:
        return math.isfinite(kind(cell))
    except (ValueError, OverflowError):
        return False
