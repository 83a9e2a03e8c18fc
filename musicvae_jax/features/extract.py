"""Features of every usable song: of mel spectrograms in one streaming pass, cached by part and
block, or the numbers that the songs come with.

Worker processes import this module, so it must not import JAX.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.config import BLOCKS, Block, FeatureConfig, to_json
from musicvae_jax.errors import InputError
from musicvae_jax.features.decibels import mel_db
from musicvae_jax.features.parts import EVERYTHING, OnRows, Share, make_parts
from musicvae_jax.features.table import check_blocks
from musicvae_jax.features.thumbnails import (
    N_BANDS,
    N_COLUMNS,
    has_thumbnails,
    mel_thumbnail,
    thumbnails_path,
    write_thumbnails,
)
from musicvae_jax.runtime.cache import DAMAGED_NPZ, MOST_BYTES_IN_MEMORY, writing_cache
from musicvae_jax.songs import Features, Part, Rejection, Songs


class SongFeatures(NamedTuple):
    """Audio features of the usable songs, in the order of their files.

    Attributes:
        table: `Songs.table` reduced to the usable rows, with a fresh index `0 .. songs - 1`.
        rows: their places in `Songs.table`, int64 `[songs]`.
        values: float32 `[songs, features]`: the blocks of `config.blocks` side by side; above 1 GiB
            memory-mapped and read-only.
        widths: number of features of each of these blocks.
        names: of the features, for those of a table; else empty.
        config: the settings they were extracted with.
        rejected: every row that is not in the table, in order.
        from_cache: whether all features came from the cache.
    """

    table: pd.DataFrame
    rows: np.ndarray
    values: np.ndarray
    widths: tuple[int, ...]
    names: tuple[str, ...]
    config: FeatureConfig
    rejected: list[Rejection]
    from_cache: bool


class _Cached(NamedTuple):
    """One block of features of a part, as the cache holds it.

    Rows with a usable mel, counted within the part, ascending; their values; and what is wrong with
    the mel of each other row. Ids are not checked here: a duplicate may be in another part.
    """

    rows: np.ndarray
    values: np.ndarray
    faults: list[tuple[int, str]]


class _PartTask(NamedTuple):
    """The cache files of a part's missing blocks, by block name, and that of its pictures."""

    paths: dict[Block, Path]
    thumbnails: Path
    db_range: float


def extract_features(
    songs: Songs,
    config: FeatureConfig,
    on_rows: OnRows | None = None,
    on_notice: Callable[[str], None] | None = None,
    n_jobs: int | None = None,
) -> SongFeatures:
    """The feature blocks of every usable song, from the cache if possible.

    Args:
        songs: opened song files.
        config: feature settings, with audio blocks only, and cache folder.
        on_rows: called with the number of rows done: first those in the cache, unless all are, then
            rows as they are read.
        on_notice: called with a line about each damaged cache file, which is then made again.
        n_jobs: number of processes; by default one per core if several parts are missing.

    Raises:
        InputError: no song is usable, more than half of all rows are unusable, a song file is
            damaged, or the songs do not have what the blocks are computed from.
    """
    if songs.features is not None:
        check_blocks(songs, config)
        return _of_table(songs, songs.features, config)
    n_made = build_features(songs, config, EVERYTHING, on_rows, on_notice, n_jobs)
    faults = {
        part.first_row + row: reason
        for part in songs.parts
        # Which mels are usable depends only on the part, so any block will do.
        for row, reason in _read_faults(_cache_path(part, config, config.blocks[0]))
    }
    rows, rejected = songs.usable_rows(faults)
    songs.check_enough_usable(rejected)
    return SongFeatures(
        table=songs.table.iloc[rows].reset_index(drop=True),
        rows=rows,
        values=_joined(songs, config, rows),
        widths=_widths(config),
        names=(),
        config=config,
        rejected=rejected,
        from_cache=n_made == 0,
    )


def build_features(
    songs: Songs,
    config: FeatureConfig,
    share: Share = EVERYTHING,
    on_rows: OnRows | None = None,
    on_notice: Callable[[str], None] | None = None,
    n_jobs: int | None = None,
    fresh: bool = False,
) -> int:
    """Fills the cache for a share of the parts, so that `extract_features` finds them there.

    The same pass over the mels makes the pictures that `read_thumbnails` reads. After a crash it
    continues with the parts that are still missing.

    Args:
        songs: opened song files.
        config: feature settings, with audio blocks only, and cache folder.
        share: which of the parts.
        on_rows: see `extract_features`.
        on_notice: see `extract_features`.
        n_jobs: see `extract_features`.
        fresh: make all of them again, whatever the cache holds.

    Returns:
        Number of parts with blocks that were made; 0 for a table of features.

    Raises:
        InputError: a song file is damaged, or the songs do not have what the blocks are computed
            from.
    """
    check_blocks(songs, config)
    if not songs.has_mels:
        return 0
    parts, calls = share.of(songs.parts), []
    for part in parts:
        paths = {name: _cache_path(part, config, name) for name in config.blocks}
        missing = {
            name: path
            for name, path in paths.items()
            if fresh or _read_cache(path, name, part, on_notice) is None
        }
        if missing or not has_thumbnails(part, config, on_notice):
            task = _PartTask(missing, thumbnails_path(part, config), config.db_range)
            calls.append((part, task))
    make_parts(_make_part, parts, calls, n_jobs, on_rows)
    return len(calls)


def _of_table(songs: Songs, found: Features, config: FeatureConfig) -> SongFeatures:
    rows, rejected = songs.usable_rows(found.faults)
    songs.check_enough_usable(rejected)
    return SongFeatures(
        table=songs.table.iloc[rows].reset_index(drop=True),
        rows=rows,
        # No copy of all numbers if every row is usable.
        values=found.values[rows] if rejected else found.values,
        widths=(len(found.names),),
        names=found.names,
        config=config,
        rejected=rejected,
        from_cache=False,
    )


def settings(config: FeatureConfig) -> dict[str, Any]:
    """The settings that affect the numbers: all but the cache folder."""
    return {name: value for name, value in to_json(config).items() if name != "cache_dir"}


def _widths(config: FeatureConfig) -> tuple[int, ...]:
    return tuple(BLOCKS[name].width for name in config.blocks)


def _make_part(part: Part, task: _PartTask, on_rows: OnRows | None) -> None:
    rows: list[int] = []
    faults: list[tuple[int, str]] = []
    values = {name: np.empty((part.n_rows, BLOCKS[name].width), np.float32) for name in task.paths}
    pictures = np.empty((part.n_rows, N_BANDS, N_COLUMNS), np.uint8)
    compute = {name: BLOCKS[name].load() for name in task.paths}
    for block in part.mel_blocks():
        for place, mel in enumerate(block.mels, start=len(rows)):
            db = mel_db(mel, task.db_range)
            for name in task.paths:
                values[name][place] = compute[name](db)
            pictures[place] = mel_thumbnail(db, task.db_range)
        rows.extend(block.rows)
        faults.extend(block.faults)
        if on_rows:
            on_rows(block.n_rows)
    for name, path in task.paths.items():
        found = _Cached(np.array(rows, np.int64), values[name][: len(rows)], faults)
        _write_cache(path, found)
    write_thumbnails(task.thumbnails, rows, pictures[: len(rows)])


def _joined(songs: Songs, config: FeatureConfig, rows: np.ndarray) -> np.ndarray:
    """Values of rows of the table, `[rows, features]`; needs memory for one copy and one part."""
    shape = (len(rows), sum(_widths(config)))
    if np.dtype(np.float32).itemsize * shape[0] * shape[1] <= MOST_BYTES_IN_MEMORY:
        values = np.empty(shape, np.float32)
        _fill(values, songs, config, rows)
        return values
    names = [[name, BLOCKS[name].version] for name in config.blocks]
    path = config.cache_dir / f"mel-features-{_digest(names, songs.fingerprint, config)}.npy"
    if (there := _mapped(path, shape)) is not None:
        return there
    with writing_cache(path) as aside:
        values = np.lib.format.open_memmap(aside, "w+", np.float32, shape)
        _fill(values, songs, config, rows)
        values.flush()
    return np.load(path, mmap_mode="r")


def _mapped(path: Path, shape: tuple[int, int]) -> np.ndarray | None:
    try:
        values = np.load(path, mmap_mode="r")
    except (OSError, ValueError):
        # Make it again without a notice: everything in it is in the caches of the parts too.
        return None
    return values if values.shape == shape else None


def _fill(values: np.ndarray, songs: Songs, config: FeatureConfig, rows: np.ndarray) -> None:
    ends = np.cumsum(_widths(config))
    for part in songs.parts:
        first, last = np.searchsorted(rows, [part.first_row, part.first_row + part.n_rows])
        wanted = rows[first:last] - part.first_row
        for name, end in zip(config.blocks, ends, strict=True):
            path = _cache_path(part, config, name)
            cached = _read_cache(path, name, part, None)
            if cached is None:
                raise InputError(f"features.cache_dir: {path} cannot be read back after writing it")
            columns = slice(end - cached.values.shape[1], end)
            values[first:last, columns] = cached.values[np.searchsorted(cached.rows, wanted)]


def _cache_path(part: Part, config: FeatureConfig, name: Block) -> Path:
    digest = _digest([name, BLOCKS[name].version], part.key, config)
    return config.cache_dir / f"mel-{name}-{digest}.npz"


def _digest(what: Sequence[Any], of: object, config: FeatureConfig) -> str:
    key = json.dumps([what, of, config.db_range])
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def _read_cache(
    path: Path, name: Block, part: Part, on_notice: Callable[[str], None] | None
) -> _Cached | None:
    if not path.exists():
        return None
    try:
        # Open it here, since np.load does not close a damaged file.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            faults = [(row, reason) for row, reason in json.loads(str(arrays["faults"]))]
            rows, values = arrays["rows"], arrays["values"]
        if (
            values.shape != (len(rows), BLOCKS[name].width)
            or len(rows) + len(faults) != part.n_rows
            or not np.isfinite(values).all()
        ):
            raise ValueError("inconsistent or non-finite arrays")
        return _Cached(rows, values, faults)
    except DAMAGED_NPZ as error:
        if on_notice:
            on_notice(f"feature cache {path} is damaged ({error}); extracting again")
        return None


def _read_faults(path: Path) -> list[tuple[int, str]]:
    """Reads only the faults from a file that is known to be intact."""
    with np.load(path, allow_pickle=False) as arrays:
        return json.loads(str(arrays["faults"]))


def _write_cache(path: Path, block: _Cached) -> None:
    with writing_cache(path) as aside:
        np.savez(aside, rows=block.rows, values=block.values, faults=json.dumps(block.faults))
