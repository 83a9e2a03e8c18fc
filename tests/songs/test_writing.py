"""The writer of 4MuLA's schema: what it writes is what the reader reads."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from songfiles import mel

from musicvae_jax.songs import load_songs
from musicvae_jax.songs.writing import write_songs


def songs(n_songs):
    rng = np.random.default_rng(3)
    for i in range(n_songs):
        row = {"music_id": f"song {i}", "main_genre": "Jig" if i % 2 else "Reel"}
        yield row, mel(rng, frames=5 + i % 3)


@pytest.mark.parametrize("n_songs", [1, 64, 65])
def test_songs_are_read_as_they_were_written(tmp_path, n_songs):
    path = tmp_path / "songs.parquet"
    assert write_songs(path, songs(n_songs)) == n_songs
    read = load_songs(path)
    assert list(read.table["music_id"]) == [row["music_id"] for row, _ in songs(n_songs)]
    assert list(read.table["genre"]) == [row["main_genre"] for row, _ in songs(n_songs)]
    assert read.table["lyrics"].isna().all()
    mels = [one for part in read.parts for block in part.mel_blocks() for one in block.mels]
    for (_, written), found in zip(songs(n_songs), mels, strict=True):
        np.testing.assert_array_equal(found, written)


def test_row_groups_hold_64_songs(tmp_path):
    write_songs(tmp_path / "songs.parquet", songs(65))
    about = pq.read_metadata(tmp_path / "songs.parquet")
    assert [about.row_group(i).num_rows for i in range(about.num_row_groups)] == [64, 1]


def test_extra_columns_and_metadata_are_kept(tmp_path):
    path = tmp_path / "songs.parquet"
    row, one = next(songs(1))
    write_songs(
        path,
        [(row | {"licence": "CC0"}, one), (row | {"music_id": "b"}, one)],
        extra_columns={"licence": pa.string()},
        metadata={"maker": "test"},
    )
    assert pq.read_table(path)["licence"].to_pylist() == ["CC0", None]
    assert pq.read_metadata(path).metadata[b"maker"] == b"test"
    assert "licence" not in load_songs(path).table


def test_nested_columns_are_kept(tmp_path):
    path = tmp_path / "songs.parquet"
    row, one = next(songs(1))
    nested = {
        "related_genre": ["Reel", "Jig"],
        "related_art": [{"id": "a", "name": "A"}],
        "musicnn_tags": [],
    }
    write_songs(path, [(row | nested, one)])
    written = pq.read_table(path).to_pylist()[0]
    assert {name: written[name] for name in nested} == nested


def test_the_same_songs_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_songs(tmp_path / name, songs(3))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("name", ["colour", "melspectrogram"])
def test_an_unknown_column_is_an_error(tmp_path, name):
    row, one = next(songs(1))
    with pytest.raises(ValueError, match=rf"song 'song 0': unknown columns \['{name}'\]"):
        write_songs(tmp_path / "songs.parquet", [(row | {name: "x"}, one)])


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (np.zeros((64, 5), np.float32), r"float32 \[64, 5\]"),
        (np.zeros((128, 5)), r"float64 \[128, 5\]"),
        (np.zeros(128, np.float32), r"float32 \[128\]"),
    ],
)
def test_a_mel_of_the_wrong_kind_is_an_error(tmp_path, wrong, found):
    expected = rf"song 'a': the mel is {found}; expected float32 \[128, frames\]"
    with pytest.raises(ValueError, match=expected):
        write_songs(tmp_path / "songs.parquet", [({"music_id": "a"}, wrong)])


def test_a_failure_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "songs.parquet"
    path.write_bytes(b"old")

    def stopped():
        yield from songs(70)
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        write_songs(path, stopped())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
