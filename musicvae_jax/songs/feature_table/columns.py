"""Which column of a table is an id, a label or a feature: as the settings say, else by its name."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from musicvae_jax.config import FACTOR_PREFIX, DataConfig
from musicvae_jax.config.songs import DROP, TAKE
from musicvae_jax.errors import InputError

# What columns of known tables are called; the first that a table has is taken.
_GUESSES = {
    "music_id": (
        *("music_id", "track_id", "song_id", "recording_id", "spotify_id", "id", "track_uri"),
        *("uri", "filename", "file_name", "file", "filepath", "file_path", "path"),
    ),
    "title": (
        *("title", "track_title", "track_name", "song_title", "song_name", "music_name", "song"),
        *("track", "name"),
    ),
    "artist_id": ("artist_id", "art_id"),
    "artist_name": (
        *("artist", "artists", "artist_name", "artist_names", "artist_s_name", "track_artist"),
        *("art_name", "performer"),
    ),
    "genre": (
        *("genre", "genre_top", "track_genre", "track_genre_top", "playlist_genre"),
        *("music_genre", "main_genre", "label", "class"),
    ),
    "language": ("language", "lang", "music_lang", "track_language_code", "language_code"),
    "lyrics": ("lyrics", "music_lyrics", "song_lyrics"),
}
# Numbers that say nothing of how a song sounds, by the names of their columns.
_NO_FEATURES = {
    "id or number": r"id|.*_id|index|index_level_\d+|unnamed_\d+|row|.*_number|rank"
    r"|.*_rank",
    "duration": r"length|duration|.*_duration|duration_(ms|s|sec|seconds|min)"
    r"|length_(ms|s|sec|seconds)",
    "time of release": r"year|.*_year|year_.*|decade|.*_decade|date|.*_date|timestamp",
    "reception": r"popularity|.*_popularity|plays|playcount|play_count|listens|.*_listens|streams"
    r"|views|likes|favorites|.*_favorites|followers|rating|votes",
    "format of the file": r"sample_rate|sampling_rate|bit_rate|bitrate|channels|file_size",
}


class Roles(NamedTuple):
    """What the columns of a table are.

    Attributes:
        texts: our column, such as "genre" or "factor_tempo", to the table's.
        candidates: columns that are features if they hold numbers.
        taken: those of them that the settings ask for.
        left_out: column to why it is no feature.
    """

    texts: Mapping[str, str]
    candidates: tuple[str, ...]
    taken: frozenset[str]
    left_out: Mapping[str, str]


def find_roles(names: Sequence[str], data: DataConfig, path: Path) -> Roles:
    """What the columns of a table are.

    Args:
        names: of its columns, none twice.
        data: settings that name some of them.
        path: the table, for errors.

    Raises:
        InputError: a setting names a column that is not there, or two settings disagree on one.

    Example:
        >>> roles = find_roles(["filename", "length", "tempo", "label"], DataConfig(), Path("t"))
        >>> dict(roles.texts), roles.candidates, dict(roles.left_out)
        ({'music_id': 'filename', 'genre': 'label'}, ('tempo',), {'length': 'duration'})
    """
    _check_named(names, data, path)
    named = {ours: theirs for ours, theirs in data.named_columns if ours not in (TAKE, DROP)}
    taken, dropped = (
        frozenset(theirs for ours, theirs in data.named_columns if ours == what)
        for what in (TAKE, DROP)
    )
    free = {normal_name(name): name for name in reversed(names)}
    for name in (*named.values(), *taken, *dropped):
        free.pop(normal_name(name), None)
    texts = dict(named)
    for ours, guesses in _GUESSES.items():
        found = next((free[guess] for guess in guesses if guess in free), None)
        if ours not in texts and found is not None:
            texts[ours] = found
            del free[normal_name(found)]
    for name in names:
        if name.startswith(FACTOR_PREFIX) and name not in (*named.values(), *taken, *dropped):
            texts.setdefault(name, name)
    left_out = dict.fromkeys(dropped, "as told")
    for name in names:
        if name not in (*texts.values(), *taken) and (why := no_feature(name)):
            left_out.setdefault(name, why)
    others = (name for name in names if name not in (*texts.values(), *left_out))
    return Roles(texts, tuple(others), taken, left_out)


def no_feature(name: str) -> str:
    """Why a column of this name is no feature although it holds numbers; "" if it may be one.

    Example:
        >>> no_feature("Release Year"), no_feature("tempo")
        ('time of release', '')
    """
    normal = normal_name(name)
    found = (why for why, names in _NO_FEATURES.items() if re.fullmatch(names, normal))
    return next(found, "")


def normal_name(name: str) -> str:
    """A column's name in lower case, with one underscore for whatever is between its words.

    Example:
        >>> normal_name("Genre (encoded)")
        'genre_encoded'
    """
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _check_named(names: Sequence[str], data: DataConfig, path: Path) -> None:
    for ours, theirs in data.named_columns:
        if theirs not in names:
            raise InputError(
                f"data.columns: got {ours}={theirs}, but {path} has no column {theirs!r}; it has "
                f"{listed(names)}"
            )
    used = [theirs for ours, theirs in data.named_columns if ours in (TAKE, DROP)]
    others = [theirs for ours, theirs in data.named_columns if ours not in (TAKE, DROP)]
    for theirs in used:
        if used.count(theirs) > 1 or theirs in others:
            raise InputError(
                f"data.columns: got {theirs!r} twice in {' '.join(data.columns)}, expected a "
                f"column that is a {TAKE} or to {DROP} once"
            )


def listed(names: Sequence[str], most: int = 20) -> str:
    """The first names, and how many more there are.

    Example:
        >>> listed(["a", "b", "c"], most=2)
        'a, b and 1 more'
    """
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
