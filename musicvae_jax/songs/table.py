"""Songs as one table, wherever they come from, and which of them can be used.

Metadata is read when songs are opened. Mel spectrograms are streamed part by part, so that memory
does not grow with the number of songs. No unusable row is dropped silently: each becomes a
`Rejection` with its file, row, id and reason.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
import pandas as pd

from musicvae_jax.config import FACTOR_PREFIX, DataConfig, Label
from musicvae_jax.errors import InputError
from musicvae_jax.songs.language import language_code
from musicvae_jax.songs.mels import Part
from musicvae_jax.songs.missing import is_missing

# Columns of the table that clusters are compared with.
LABELS: tuple[Label, ...] = get_args(Label)
TAGS_COLUMN = "musicnn_tags"
TEXT_COLUMNS = (
    *("music_id", "title", "lyrics", "genre", "language"),
    *("artist_id", "artist_name", "audio_path", "language_source"),
)
# What is one label is written in one way: "EN" as "en", and " Rock" as "Rock".
_TIDY: Mapping[str, Callable[[str], str | None]] = {
    "language": language_code,
    **dict.fromkeys(("genre", "artist_id", "artist_name"), str.strip),
}
OTHER_COLUMNS = ("art_rank", "related_genre", "related_art", "related_music")


class Rejection(NamedTuple):
    """A row that cannot be used: its file, its row there (from 0), its id (or ""), and why."""

    file: str
    row: int
    music_id: str
    reason: str


class Features(NamedTuple):
    """Numbers that describe songs in place of mel spectrograms.

    Attributes:
        values: float32 `[rows, features]`, in the order of `Songs.table`; NaN where a number is
            missing.
        names: of the features.
    """

    values: np.ndarray
    names: tuple[str, ...]

    @property
    def faults(self) -> dict[int, str]:
        """Row of the table to why its numbers cannot be used, for unusable rows only.

        Example:
            >>> Features(np.array([[1.0, np.nan], [2.0, 3.0]], np.float32), ("a", "b")).faults
            {0: "column 'b' has no number"}
        """
        # The sum of a row is finite if all its numbers are, unless it overflows: look closer then.
        with np.errstate(over="ignore", invalid="ignore"):
            doubtful = np.flatnonzero(~np.isfinite(self.values.sum(axis=1)))
        found = {}
        for row in doubtful.tolist():
            bad = np.flatnonzero(~np.isfinite(self.values[row]))
            if len(bad):
                is_nan = np.isnan(self.values[row, bad[0]])
                what = "has no number" if is_nan else "is infinite or beyond float32 (3.4e38)"
                found[row] = f"column {self.names[bad[0]]!r} {what}"
        return found

    def columns(self, names: Sequence[str]) -> "Features":
        """The columns with some of the names, in their order.

        Raises:
            InputError: there is no column of a name.

        Example:
            >>> Features(np.array([[1.0, 2.0]], np.float32), ("a", "b")).columns(["b"]).values
            array([[2.]], dtype=float32)
        """
        if tuple(names) == self.names:
            return self
        if missing := [name for name in names if name not in self.names]:
            raise InputError(
                f"features: got no column {missing[0]!r} of numbers ({len(missing)} of "
                f"{len(names)} are missing), expected the columns that the model was fitted on; "
                "--data.columns says what columns are"
            )
        places = [self.names.index(name) for name in names]
        return Features(self.values[:, places], tuple(names))


class Songs(NamedTuple):
    """Opened songs.

    Attributes:
        path: the file, folder or glob; for several, the folder that holds them all.
        data: the settings they were opened with.
        fingerprint: hexadecimal digest of everything that was read, see `songs.fingerprint`; for a
            folder of audio, of its songs and labels.
        table: one row per song that was found, file after file, with the columns music_id, title,
            lyrics, genre, language, artist_id, artist_name, artist (id, or name where the id is
            null); audio_path, the absolute path of the audio file, if there is one;
            language_source, where the language is from ("metadata", "lyrics file", "tags",
            "detected"), if the reader says so; musicnn_tags (a tuple of text, at least one, none
            twice); art_rank, related_genre, related_art and related_music as they are in parquet
            files; and every factor_* column. Absent values are null.
        parts: the units in which songs are read, in the order of the table; none is empty.
        features: the songs' numbers, for songs without mel spectrograms; else None.
        unused: what was found beside the songs and could not be used, such as labels of no song.
    """

    path: Path
    data: DataConfig
    fingerprint: str
    table: pd.DataFrame
    parts: tuple[Part, ...]
    features: Features | None = None
    unused: tuple[Rejection, ...] = ()

    @property
    def has_mels(self) -> bool:
        """Whether the parts have mel spectrograms; otherwise `features` has the songs' numbers."""
        return self.features is None

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files that have rows."""
        return tuple(dict.fromkeys(file for part in self.parts for file in part.files))

    def origin(self, row: int) -> tuple[str, int]:
        """The file that a row of the table is from, and its row there, from 0."""
        part = self.parts[bisect_right(self.parts, row, key=lambda part: part.first_row) - 1]
        return part.origin(row - part.first_row)

    def place(self, file: str, row: int) -> str:
        """A file's row in words: "row 7", "row 7 of part-0.parquet" if there are more files.

        Just the file where each has one row, unless the songs are that file.
        """
        n_files = len(self.files)
        if n_files == len(self.table) and file != self.path.name:
            return file
        return f"row {row}" if n_files == 1 else f"row {row} of {file}"

    def usable_rows(self, mel_faults: Mapping[int, str]) -> tuple[np.ndarray, list[Rejection]]:
        """Decides which rows to use: for each id, the first with a usable mel.

        Args:
            mel_faults: row of the table to what is wrong with its mel, for unusable mels only.

        Returns:
            Usable rows of the table, ascending, int64 `[songs]`; and all others, in order.
        """
        used: dict[str, int] = {}
        rejected = []
        for row, music_id in enumerate(self.table["music_id"]):
            if music_id is None:
                reason = "music_id is null"
            elif music_id in used:
                reason = f"music_id is a duplicate of {self.place(*self.origin(used[music_id]))}"
            else:
                reason = mel_faults.get(row, "")
            if reason:
                rejected.append(Rejection(*self.origin(row), music_id or "", reason))
            else:
                used[music_id] = row
        return np.array(list(used.values()), np.int64), rejected

    def check_enough_usable(self, rejected: Sequence[Rejection]) -> None:
        """Raises `InputError` if more than half of the rows are rejected, or all."""
        n_rows = len(self.table)
        first = rejected[0] if rejected else None
        place = self.place(first.file, first.row) if first else ""
        if len(rejected) == n_rows:
            reason = f"; {place}: {first.reason}" if first else ""
            raise InputError(f"{self.path}: no usable song in {n_rows} rows{reason}")
        if first and 2 * len(rejected) > n_rows:
            named = "" if first.music_id == place else f" ({first.music_id or 'no id'})"
            raise InputError(
                f"{self.path}: {len(rejected)} of {n_rows} rows cannot be used, expected at most "
                f"half; the first is {place}{named}: {first.reason}"
            )


def song_frame(columns: Mapping[str, Iterable[Any]], n_songs: int) -> pd.DataFrame:
    """`Songs.table` from the columns that a reader has; those it lacks are null.

    Args:
        columns: by their names in `Songs.table`, `[songs]` each. Blank text and words for what is
            missing (see `is_missing`) become null, languages become codes (see `language_code`),
            genres and artists lose the blanks around them, and tags may be any lists of text.
        n_songs: number of songs.

    Example:
        >>> columns = {"music_id": ["a"], "artist_name": ["Ana "], "language": ["EN"]}
        >>> song_frame(columns, 1).loc[0, ["artist", "language"]].tolist()
        ['Ana', 'en']
    """
    absent = pd.Series([None] * n_songs, dtype=object)
    frame: dict[str, Any] = {
        name: _text(name, columns[name]) if name in columns else absent for name in TEXT_COLUMNS
    }
    frame["language_source"] = frame["language_source"].where(frame["language"].notna(), None)
    frame["artist"] = frame["artist_id"].fillna(frame["artist_name"])
    frame[TAGS_COLUMN] = _tags(columns[TAGS_COLUMN]) if TAGS_COLUMN in columns else absent
    factors = [name for name in columns if name.startswith(FACTOR_PREFIX)]
    for name in (*OTHER_COLUMNS, *factors):
        frame[name] = columns.get(name, absent)
    return pd.DataFrame(frame)


def _text(name: str, column: Iterable[str | None]) -> pd.Series:
    tidy = _TIDY.get(name, str)
    cells = [
        tidy(cell) if cell and cell.strip() and not is_missing(name, cell) else None
        for cell in column
    ]
    return pd.Series(cells, dtype=object)


def _tags(column: Iterable[Iterable[str | None] | None]) -> pd.Series:
    # A song with blank tags only has none, and one without tags is null.
    of_songs = ([tag.strip() for tag in cell or () if tag] for cell in column)
    cells = [tuple(dict.fromkeys(filter(None, tags))) or None for tags in of_songs]
    return pd.Series(cells, dtype=object)
