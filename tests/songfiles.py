"""Small song files for tests, in the 4MuLA schema, whole or broken in one chosen way."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

GENRES = ("Drone", "March", "Waltz")
LANGUAGES = ("en", "es", "pt-br")
LYRIC_LINES = (
    "the ballroom and the slow turn of your hand",
    "o salão e o giro lento da tua mão",
    "we were young and the road was ours",
    "eu troco a estrada e canto até amanhã",
    "nobody sees the harbour like you do",
    "ninguém conhece o porto como eu",
    "oh, the long road, stay a little longer",
    "ai, a saudade, fica mais um pouco",
)


def mel(rng: np.random.Generator, frames: int = 12, centre: int = 40) -> np.ndarray:
    """A random power mel spectrogram `[128, frames]` with most energy around a band."""
    bands = np.arange(128)[:, None]
    envelope = np.exp(-(((bands - centre) / 15.0) ** 2)) + 1e-4
    return (envelope * rng.exponential(size=(128, frames))).astype(np.float32)


def lyrics(i: int) -> str:
    """A few words that depend on the song's language and genre, no two songs' the same."""
    words = ("rain on the river", "lluvia sobre el agua", "chuva no mar aberto")[i % 3]
    return f"[Chorus]\n{words} {GENRES[i % 3].lower() * (1 + i % 4)} {'la ' * (i % 7)}"


def tags(i: int) -> list[str] | None:
    """Tags that name the song's genre and one more; every fourth song has none."""
    return [GENRES[i % 3].lower(), "guitar" if i % 2 else "piano"] if i % 4 else None


def tagged_table(n_songs: int = 24) -> pa.Table:
    """`songs_table` with tags."""
    column = pa.array([tags(i) for i in range(n_songs)], pa.list_(pa.string()))
    return songs_table(n_songs).append_column("musicnn_tags", column)


def songs_table(n_songs: int = 24, dtype=np.float32) -> pa.Table:
    """Songs whose genre is audible: three genres, two artists each, ragged lengths."""
    rng = np.random.default_rng(7)
    genre = [i % 3 for i in range(n_songs)]
    mels = [mel(rng, 8 + i % 5, centre=25 + 35 * genre[i]).astype(dtype) for i in range(n_songs)]
    artists = [f"artist {genre[i]}{(i // 3) % 2}" for i in range(n_songs)]
    return pa.table(
        {
            "music_id": [f"song {i:02d}" for i in range(n_songs)],
            "music_name": [f"Title {i}" for i in range(n_songs)],
            "music_lang": [LANGUAGES[i % 3] if i % 5 else None for i in range(n_songs)],
            "music_lyrics": [lyrics(i) if i % 5 else None for i in range(n_songs)],
            "art_id": artists,
            "art_name": artists,
            "main_genre": [GENRES[g] for g in genre],
            "melspectrogram": mel_column(mels),
        }
    )


def mel_column(mels: list) -> pa.Array:
    """Mels, or None, or nested lists, as list<list<float>> of the first array's type."""
    dtype = next((m.dtype for m in mels if isinstance(m, np.ndarray)), np.dtype(np.float32))
    value = pa.float64() if dtype == np.float64 else pa.float32()
    nested = [m.tolist() if isinstance(m, np.ndarray) else m for m in mels]
    return pa.array(nested, pa.list_(pa.list_(value)))


def with_column(table: pa.Table, name: str, values) -> pa.Table:
    """The table with one column replaced."""
    values = values if isinstance(values, pa.Array) else pa.array(values)
    return table.set_column(table.column_names.index(name), name, values)


def with_mel(table: pa.Table, row: int, value) -> pa.Table:
    """The table with one row's mel replaced by an array, a nested list or None."""
    mels = table["melspectrogram"].to_pylist()
    mels[row] = value.tolist() if isinstance(value, np.ndarray) else value
    kind = table.schema.field("melspectrogram").type
    return with_column(table, "melspectrogram", pa.array(mels, kind))


def write(path: Path, table: pa.Table, **options) -> Path:
    """Writes a parquet file and returns its path."""
    pq.write_table(table, path, **options)
    return path


def damage(path: Path, column: str) -> None:
    """Overwrites the first data page's header of a column of the first row group."""
    group = pq.read_metadata(path).row_group(0)
    chunks = [group.column(i) for i in range(group.num_columns)]
    start = next(c.data_page_offset for c in chunks if c.path_in_schema == column)
    content = bytearray(path.read_bytes())
    content[start : start + 64] = b"\xff" * 64
    path.write_bytes(content)
