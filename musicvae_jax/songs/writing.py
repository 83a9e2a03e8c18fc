"""Writes songs to a parquet file in the 4MuLA schema."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from musicvae_jax.runtime.files import replacing
from musicvae_jax.songs.mels import MEL_BANDS
from musicvae_jax.songs.parquet.file import ID_COLUMN, MEL_COLUMN

_TEXTS = pa.list_(pa.string())
_REFERENCES = pa.list_(pa.struct([("id", pa.string()), ("name", pa.string())]))
_COLUMNS = {
    ID_COLUMN: pa.string(),
    "music_name": pa.string(),
    "music_lang": pa.string(),
    "music_lyrics": pa.string(),
    "art_id": pa.string(),
    "art_name": pa.string(),
    "art_rank": pa.int64(),
    "main_genre": pa.string(),
    "related_genre": _TEXTS,
    "related_art": _REFERENCES,
    "related_music": _REFERENCES,
    "musicnn_tags": _TEXTS,
    MEL_COLUMN: pa.list_(pa.list_(pa.float32())),
}
_MEL_LEAF = f"{MEL_COLUMN}.list.element.list.element"
# 64 songs of 30 s take 42 MB.
_SONGS_PER_GROUP = 64

Song = tuple[Mapping[str, object], np.ndarray]


def write_songs(
    path: Path,
    songs: Iterable[Song],
    extra_columns: Mapping[str, pa.DataType] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> int:
    """Writes songs to a parquet file, replacing it in one step; the same songs, the same bytes.

    Memory holds 64 songs at a time. If `songs` raises, the old file, if any, stays.

    Args:
        path: the file to write; its folder must exist.
        songs: for each song its row, by the names of 4MuLA's columns and of `extra_columns`, and
            its mel spectrogram, power, float32 `[128, frames]`. What a row lacks is null.
        extra_columns: name and type of the columns after those of 4MuLA.
        metadata: for the footer of the file.

    Returns:
        The number of songs.

    Raises:
        ValueError: a row has an unknown column, or a mel has the wrong shape or type.
        pyarrow.ArrowInvalid, pyarrow.ArrowTypeError: a value does not have its column's type.
        OSError: the file cannot be written.
    """
    schema = pa.schema({**_COLUMNS, **(extra_columns or {})}, metadata=dict(metadata or {}))
    n_songs = 0
    with (
        replacing(path) as aside,
        pq.ParquetWriter(
            aside,
            schema,
            compression="zstd",
            use_dictionary=[name for name in schema.names if name != MEL_COLUMN],
            use_byte_stream_split=[_MEL_LEAF],
        ) as writer,
    ):
        for group in _groups(songs):
            writer.write_table(_table(schema, group))
            n_songs += len(group)
    return n_songs


def file_metadata(path: Path) -> dict[str, str]:
    """What stands in the footer of a file; empty if there is no such file, or no parquet file."""
    try:
        found = pq.read_metadata(path).metadata or {}
    except (OSError, pa.ArrowInvalid):
        return {}
    return {key.decode(): value.decode(errors="replace") for key, value in found.items()}


def _groups(songs: Iterable[Song]) -> Iterator[list[Song]]:
    group: list[Song] = []
    for song in songs:
        group.append(song)
        if len(group) == _SONGS_PER_GROUP:
            yield group
            group = []
    if group:
        yield group


def _table(schema: pa.Schema, songs: list[Song]) -> pa.Table:
    for row, mel in songs:
        _check(schema, row, mel)
    columns = [
        _mel_column([mel for _, mel in songs])
        if field.name == MEL_COLUMN
        else pa.array([row.get(field.name) for row, _ in songs], field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _check(schema: pa.Schema, row: Mapping[str, object], mel: np.ndarray) -> None:
    unknown = [name for name in row if name not in schema.names or name == MEL_COLUMN]
    if unknown:
        raise ValueError(
            f"song {row.get(ID_COLUMN)!r}: unknown columns {unknown}; expected {schema.names}"
        )
    if mel.ndim != 2 or len(mel) != MEL_BANDS or mel.dtype != np.float32:
        raise ValueError(
            f"song {row.get(ID_COLUMN)!r}: the mel is {mel.dtype} {list(mel.shape)}; "
            f"expected float32 [{MEL_BANDS}, frames]"
        )


def _mel_column(mels: list[np.ndarray]) -> pa.ListArray:
    frames = np.concatenate([[0], *([mel.shape[1]] * len(mel) for mel in mels)])
    values = pa.array(np.concatenate([mel.ravel() for mel in mels]))
    bands = pa.ListArray.from_arrays(pa.array(np.cumsum(frames), pa.int32()), values)
    offsets = np.cumsum([0, *(len(mel) for mel in mels)])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), bands)
