"""Reads tables of features."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from musicvae_jax.config import FACTOR_PREFIX, DataConfig
from musicvae_jax.config.songs import DROP, TAKE
from musicvae_jax.errors import InputError
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs.feature_table.columns import Roles, find_roles, listed
from musicvae_jax.songs.feature_table.copies import find_copies
from musicvae_jax.songs.feature_table.files import is_number, open_table
from musicvae_jax.songs.feature_table.label_names import find_named_labels
from musicvae_jax.songs.feature_table.numbers import Numbers
from musicvae_jax.songs.feature_table.repeats import repeats_notice
from musicvae_jax.songs.fingerprint import file_fingerprint
from musicvae_jax.songs.mels import MelBlock
from musicvae_jax.songs.table import Features, Songs, song_frame

# Beyond these, a count of features says more than names.
_MOST_NAMES = 6


class TablePart(NamedTuple):
    """A whole table, see `songs.mels.Part`."""

    path: Path
    file: str
    fingerprint: str
    n_rows: int
    first_row: int = 0

    @property
    def files(self) -> tuple[str, ...]:
        """The table's name."""
        return (self.file,)

    def origin(self, row: int) -> tuple[str, int]:
        """The table's name, and the row."""
        return self.file, row

    @property
    def key(self) -> tuple[str]:
        """Identifies the content, wherever the file is."""
        return (self.fingerprint,)

    def mel_blocks(self) -> Iterator[MelBlock]:
        """Raises `InputError`: there are none."""
        raise InputError(f"{self.path}: has no mel spectrograms; it is a table of features")


def open_feature_table(
    paths: Sequence[Path],
    data: DataConfig,
    cache_dir: Path,  # noqa: ARG001 - every reader gets it
    terminal: Terminal,
) -> Songs:
    """Opens a table of features, see `songs.readers`.

    Every row is a song. Columns of numbers are its features, unless their names say that they tell
    nothing of the sound (ids, years, lengths, plays ...) or they are a label in other words, see
    `find_copies` and `find_named_labels`. Ids, titles, artists, labels, lyrics and
    factor_* columns are found by `data.columns`, else by their names. A notice says what was taken
    for what. Text and true/false columns are no features. Rows without one of the numbers are
    rejected. Without a column of ids, a song's id is its row.

    Raises:
        InputError: there is no such file, it is damaged or not UTF-8, it has no songs or no column
            of numbers, a column of numbers has text in it, or `data.columns` do not fit.
    """
    if len(paths) > 1:
        raise InputError(f"{data.path}: got {len(paths)} tables of features, expected one")
    (path,) = paths
    schema, batches, note = open_table(path)
    roles = find_roles(schema.names, data, path)
    others = {name: why for name in roles.candidates if (why := _no_cells(schema.field(name).type))}
    numbers = Numbers(path, [name for name in roles.candidates if name not in others])
    texts = _collect(path, batches, numbers, roles)
    features, no_numbers = numbers.features()
    left_out = {**roles.left_out, **others, **no_numbers}
    n_rows = len(features.values)
    texts.setdefault("music_id", [f"row {row}" for row in range(n_rows)])
    table = song_frame(texts, n_rows)
    named = find_named_labels(features, roles.taken)
    labels = {**named.left_out, **find_copies(features, table, roles.taken)}
    features = features.columns([name for name in features.names if name not in labels])
    _check(path, roles, features, {**left_out, **labels})
    terminal.notice("; ".join(filter(None, [note, _read_as(roles, features, left_out)])))
    for line in _on_labels(labels, [name for name in named.doubtful if name not in labels]):
        terminal.notice(line)
    digest = file_fingerprint(path)
    part = TablePart(path, path.name, digest, n_rows)
    songs = Songs(data.source, data, digest, table, (part,), features)
    rows, _ = songs.usable_rows(features.faults)
    if line := repeats_notice(features, table, rows):
        terminal.notice(line)
    return songs


def _no_cells(kind: pa.DataType) -> str:
    """Why a column of this type holds neither numbers nor text; "" if it does."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_boolean(kind):
        return "true or false"
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)
    return "" if is_number(kind) or is_text else str(kind)


def _collect(
    path: Path, batches: Iterator[pa.RecordBatch], numbers: Numbers, roles: Roles
) -> dict[str, list[str | None] | pd.Series]:
    """Fills the numbers, and returns the columns of `Songs.table`."""
    texts: dict[str, list[str | None]] = {ours: [] for ours in roles.texts}
    for batch in batches:
        numbers.add(batch)
        for ours, theirs in roles.texts.items():
            texts[ours] += _text(path, batch[theirs], theirs)
    is_factor = {ours: ours.startswith(FACTOR_PREFIX) for ours in texts}
    return {ours: _typed(cells) if is_factor[ours] else cells for ours, cells in texts.items()}


def _text(path: Path, cells: pa.Array, name: str) -> list[str | None]:
    try:
        return cells.cast(pa.string()).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(
            f"{path}: column {name!r} has type {cells.type}; expected text or numbers"
        ) from error


def _typed(cells: list[str | None]) -> pd.Series:
    """A factor: numbers if all of its cells are, else categories."""
    values = pd.Series([cell or None for cell in cells], dtype=object)
    numbers = pd.to_numeric(values, errors="coerce")
    return numbers if numbers.notna().equals(values.notna()) else values


def _check(path: Path, roles: Roles, features: Features, left_out: Mapping[str, str]) -> None:
    if len(features.values) == 0:
        raise InputError(f"{path}: has no rows; expected one for each song")
    for name in roles.taken:
        if name in left_out:
            raise InputError(
                f"data.columns: got {TAKE}={name}, but the column holds no numbers in {path} "
                f"({left_out[name]})"
            )
    if not features.names:
        others = _with_reasons(left_out) or "ids and labels"
        raise InputError(
            f"{path}: no column of numbers that may be a feature; expected some besides {others}; "
            f"--data.columns {TAKE}=NAME takes one that was left out"
        )


def _read_as(roles: Roles, features: Features, left_out: Mapping[str, str]) -> str:
    """What was taken for what, in one line."""
    taken = [f"{ours}={theirs}" for ours, theirs in roles.texts.items()]
    if "music_id" not in roles.texts:
        taken.append("music_id=row")
    names = listed(features.names, most=_MOST_NAMES)
    line = f"read as: {', '.join(taken)}; {len(features.names)} features: {names}"
    if left_out:
        line += f"; left out: {_with_reasons(left_out)}"
    return f"{line}; --data.columns changes it"


def _with_reasons(left_out: Mapping[str, str]) -> str:
    return listed([f"{name} ({why})" for name, why in left_out.items()])


def _on_labels(left_out: Mapping[str, str], doubtful: Sequence[str]) -> Iterator[str]:
    """Lines on columns that are labels, and on those that may be."""
    if left_out:
        yield (
            "left out, since as features they would give labels away: "
            f"{_with_reasons(left_out)}; --data.columns {TAKE}=NAME takes one"
        )
    if doubtful:
        yield (
            f"features that may be labels, by their names: {listed(doubtful)}; "
            f"--data.columns {DROP}=NAME leaves one out"
        )
