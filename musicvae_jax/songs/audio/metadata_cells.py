"""Columns that a metadata file may have, and what their cells hold."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from musicvae_jax.config import FACTOR_PREFIX
from musicvae_jax.songs.audio.text import valid
from musicvae_jax.songs.table import OTHER_COLUMNS, TAGS_COLUMN, TEXT_COLUMNS

# The song's place in the folder is its id, and its path is known.
_NOT_READ = ("music_id", "audio_path")
_FOURMULA = {
    "music_name": "title",
    "music_lyrics": "lyrics",
    "main_genre": "genre",
    "music_lang": "language",
    "art_id": "artist_id",
    "art_name": "artist_name",
}
# Names in a metadata file, this package's and 4MuLA's, to columns of the song table.
COLUMNS: Mapping[str, str] = (
    {name: name for name in (*TEXT_COLUMNS, TAGS_COLUMN, *OTHER_COLUMNS) if name not in _NOT_READ}
    | _FOURMULA
    | {"artist": "artist_name"}
)


def parse_cell(column: str, cell: Any) -> Any:
    """The value of a cell of CSV, which is text, or of JSON.

    Args:
        column: of the song table.
        cell: as it was read.

    Returns:
        Text; a whole number for art_rank; a list of text for musicnn_tags and related_genre; a
        list of objects with "id" and "name" for related_art and related_music; None if it is
        blank. Factors are text, whose type depends on the other rows.

    Raises:
        ValueError: it is of another kind; the message says what arrived and what was expected.

    Example:
        >>> parse_cell("related_genre", "Samba; Choro"), parse_cell("genre", "None")
        (['Samba', 'Choro'], 'None')
    """
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    if isinstance(cell, float) and math.isnan(cell):
        return None
    return _PARSERS.get(column, _factor if column.startswith(FACTOR_PREFIX) else _text)(cell)


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return valid(cell)
    # Ids and years are often written as numbers.
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return str(cell)
    raise ValueError(f"got {_shortened(cell)}; expected text")


def _factor(cell: Any) -> str:
    if isinstance(cell, bool):
        return str(cell)
    text = _text(cell)
    if text.strip().lower() in ("nan", "inf", "-inf", "infinity", "-infinity"):
        raise ValueError(f"got {text.strip()}; expected a finite number or a category")
    return text


def _whole_number(cell: Any) -> int:
    try:
        number = float(cell) if isinstance(cell, int | float | str) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or number % 1:
        raise ValueError(f"got {_shortened(cell)}; expected a whole number")
    return int(number)


def _texts(cell: Any) -> list[str]:
    items = _json_list(cell) if _is_json_list(cell) else cell
    if isinstance(items, str):
        items = [one.strip() for one in items.split(";") if one.strip()]
    if not isinstance(items, list) or not all(isinstance(one, str) for one in items):
        raise ValueError(
            f'got {_shortened(cell)}; expected names separated by ";", or a JSON list of text'
        )
    return [valid(one) for one in items]


def _named(cell: Any) -> list[dict[str, str | None]]:
    items = _json_list(cell) if _is_json_list(cell) else cell
    if not isinstance(items, list) or not all(map(_is_named, items)):
        raise ValueError(
            f'got {_shortened(cell)}; expected a JSON list such as [{{"id": "1", "name": "Ana"}}]'
        )
    return [
        {key: None if one.get(key) is None else valid(one[key]) for key in ("id", "name")}
        for one in items
    ]


def _is_named(item: Any) -> bool:
    return isinstance(item, dict) and all(
        key in ("id", "name") and isinstance(value, str | None) for key, value in item.items()
    )


def _is_json_list(cell: Any) -> bool:
    return isinstance(cell, str) and cell.strip().startswith("[")


def _json_list(cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return None


def _shortened(cell: Any) -> str:
    text = repr(cell)
    return text if len(text) <= 60 else f"{text[:57]}..."


_PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "art_rank": _whole_number,
    TAGS_COLUMN: _texts,
    "related_genre": _texts,
    "related_art": _named,
    "related_music": _named,
}
