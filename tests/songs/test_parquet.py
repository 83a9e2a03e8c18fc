import os
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import songfiles
from songfiles import damage, songs_table, tagged_table, with_column, with_mel, write

from musicvae_jax.errors import InputError
from musicvae_jax.songs import load_songs
from musicvae_jax.songs.parquet import parts
from musicvae_jax.songs.parquet.parts import _usable_mel


def read_mels(path):
    """Mels of the usable rows by row, and every rejection."""
    songs, found, faults = load_songs(path), {}, {}
    for part in songs.parts:
        for block in part.mel_blocks():
            rows = (part.first_row + row for row in block.rows)
            found.update(zip(rows, block.mels, strict=True))
            faults.update((part.first_row + row, reason) for row, reason in block.faults)
    rows, rejected = songs.usable_rows(faults)
    return {row: found[row] for row in rows.tolist()}, rejected


def expected_mels(table):
    return [np.array(mel, np.float32) for mel in table["melspectrogram"].to_pylist()]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("row_group_size", [1, 7, 1000])
def test_mels_come_back_whatever_the_layout(tmp_path, dtype, row_group_size):
    table = songs_table(40, dtype)
    path = write(tmp_path / "s.parquet", table, row_group_size=row_group_size)
    mels, rejected = read_mels(path)
    assert rejected == []
    assert list(mels) == list(range(40))
    for row, expected in enumerate(expected_mels(table)):
        assert mels[row].dtype == np.float32
        np.testing.assert_array_equal(mels[row], expected)


def test_large_lists_are_read(tmp_path):
    table = songs_table(5)
    large = pa.large_list(pa.large_list(pa.float32()))
    table = with_column(
        table, "melspectrogram", table["melspectrogram"].combine_chunks().cast(large)
    )
    mels, _ = read_mels(write(tmp_path / "s.parquet", table))
    np.testing.assert_array_equal(mels[4], expected_mels(table)[4])


def test_float32_mels_are_views_of_arrows_values():
    column = songs_table(3)["melspectrogram"].combine_chunks()
    mel, reason = _usable_mel(column, 1)
    assert reason == ""
    assert np.shares_memory(mel, column.values.values.to_numpy())


def test_metadata_has_one_row_per_file_row(song_path):
    table = load_songs(song_path).table
    assert list(table["music_id"]) == [f"song {i:02d}" for i in range(24)]
    assert table["genre"].iloc[1] == "March"
    assert table["language"].isna().sum() == 5
    assert table["artist"].iloc[0] == "artist 00"


def test_optional_columns_may_be_absent(tmp_path):
    table = songs_table(4).select(["music_id", "melspectrogram"])
    songs = load_songs(write(tmp_path / "s.parquet", table))
    assert songs.table.drop(columns="music_id").isna().all(axis=None)
    assert {"genre", "art_rank", "related_genre", "musicnn_tags"} <= set(songs.table)


def test_the_rest_of_the_schema_is_kept(tmp_path):
    table = songs_table(2).append_column("art_rank", pa.array([5, 7]))
    table = table.append_column("related_genre", pa.array([["a", "b"], []]))
    kept = load_songs(write(tmp_path / "s.parquet", table)).table
    assert kept["art_rank"].tolist() == [5, 7]
    assert [list(genres) for genres in kept["related_genre"]] == [["a", "b"], []]


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.string()),
        pa.large_list(pa.large_string()),
        pa.list_(pa.dictionary(pa.int32(), pa.string())),
    ],
)
def test_tags_are_without_blanks_and_repetitions_and_no_tags_are_null(tmp_path, kind):
    cells = [["rock", " female vocal "], ["rock", "rock"], [], None, ["", None, " "], [None, "pop"]]
    column = pa.array(cells, pa.list_(pa.string())).cast(kind)
    path = write(tmp_path / "s.parquet", with_column(tagged_table(6), "musicnn_tags", column))
    tags = load_songs(path).table["musicnn_tags"]
    assert tags.dropna().tolist() == [("rock", "female vocal"), ("rock",), ("pop",)]
    assert tags.notna().tolist() == [True, True, False, False, False, True]


@pytest.mark.parametrize("cells", [[None] * 3, [[]] * 3])
def test_a_column_without_any_tag_is_null(tmp_path, cells):
    """As pandas writes it: of type null, or list<null>."""
    table = with_column(tagged_table(3), "musicnn_tags", pa.array(cells))
    write(tmp_path / "a.parquet", table)
    assert load_songs(tmp_path / "a.parquet").table["musicnn_tags"].isna().all()
    write(tmp_path / "b.parquet", tagged_table(3))
    both = load_songs(tmp_path).table["musicnn_tags"]
    assert both.notna().tolist() == [False] * 4 + [True] * 2


def test_factor_columns_are_kept(tmp_path):
    table = songs_table(4).append_column("factor_tempo_bpm", pa.array([60.0, 70.0, 80.0, 90.0]))
    songs = load_songs(write(tmp_path / "s.parquet", table))
    assert list(songs.table["factor_tempo_bpm"]) == [60.0, 70.0, 80.0, 90.0]


def test_blank_text_is_null(tmp_path):
    table = with_column(songs_table(3), "music_lyrics", ["  \n", "", "words"])
    lyrics = load_songs(write(tmp_path / "s.parquet", table)).table["lyrics"]
    assert lyrics.isna().tolist() == [True, True, False]


def test_artist_falls_back_to_its_name(tmp_path):
    table = with_column(songs_table(3), "art_id", ["a", None, ""])
    table = with_column(table, "art_name", ["A", "B", None])
    artist = load_songs(write(tmp_path / "s.parquet", table)).table["artist"]
    assert artist.iloc[:2].tolist() == ["a", "B"]
    assert artist.isna().tolist() == [False, False, True]


def test_whole_number_ids_become_text(tmp_path):
    table = with_column(songs_table(3), "music_id", [10, 20, 30])
    assert list(load_songs(write(tmp_path / "s.parquet", table)).table["music_id"]) == [
        "10",
        "20",
        "30",
    ]


def _ones(bands, frames):
    return [[1.0] * frames] * bands


def _one_bad_value(value):
    mel = np.ones((128, 4), np.float32)
    mel[5, 2] = value
    return mel


BAD_MELS = {
    "is null": None,
    "has 127 bands, expected 128": _ones(127, 3),
    "has 0 bands, expected 128": [],
    "has no frames": _ones(128, 0),
    "bands differ in length (3-4)": [*_ones(127, 3), [1.0] * 4],
    "has a null band": [*_ones(127, 3), None],
    "has null values": [*_ones(127, 3), [1.0, None, 1.0]],
    "has NaN": _one_bad_value(np.nan),
    "has infinite power": _one_bad_value(np.inf),
    "has negative power (-2)": _one_bad_value(-2.0),
    "is silent": np.zeros((128, 4), np.float32),
}


@pytest.mark.parametrize("reason", BAD_MELS)
def test_a_bad_mel_is_rejected_and_its_neighbours_are_not(tmp_path, reason):
    table = songs_table(20)
    path = write(tmp_path / "s.parquet", with_mel(table, 17, BAD_MELS[reason]))
    mels, rejected = read_mels(path)
    assert [(r.row, r.music_id) for r in rejected] == [(17, "song 17")]
    assert rejected[0].reason.startswith(f"melspectrogram {reason}")
    assert sorted(mels) == [row for row in range(20) if row != 17]
    np.testing.assert_array_equal(mels[18], expected_mels(table)[18])


def test_power_beyond_float32_is_infinite(tmp_path):
    table = with_mel(songs_table(3, np.float64), 1, _one_bad_value(0.0).astype(float) * 1e300)
    _, rejected = read_mels(write(tmp_path / "s.parquet", table))
    assert [(r.row, r.reason) for r in rejected] == [(1, "melspectrogram has infinite power")]


def test_duplicate_and_null_ids_are_rejected(tmp_path):
    table = with_column(songs_table(4), "music_id", ["a", "a", None, "b"])
    mels, rejected = read_mels(write(tmp_path / "s.parquet", table))
    assert [tuple(r) for r in rejected] == [
        ("s.parquet", 1, "a", "music_id is a duplicate of row 0"),
        ("s.parquet", 2, "", "music_id is null"),
    ]
    assert list(mels) == [0, 3]


def test_a_bad_row_does_not_rule_out_a_good_one_of_the_same_id(tmp_path):
    table = with_mel(
        with_column(songs_table(20), "music_id", list("aa" + "bcdefghijklmnopqrs")), 0, None
    )
    mels, rejected = read_mels(write(tmp_path / "s.parquet", table))
    assert [tuple(r) for r in rejected] == [("s.parquet", 0, "a", "melspectrogram is null")]
    assert 1 in mels


def test_fingerprint_follows_content_not_name(tmp_path):
    table = songs_table(3)
    first = load_songs(write(tmp_path / "a.parquet", table)).fingerprint
    assert load_songs(write(tmp_path / "b.parquet", table)).fingerprint == first
    changed = with_mel(table, 0, songfiles.mel(np.random.default_rng(1)))
    assert load_songs(write(tmp_path / "c.parquet", changed)).fingerprint != first
    # The same file, written anew since it was last opened.
    assert load_songs(write(tmp_path / "a.parquet", changed)).fingerprint != first


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.parquet: no such file"):
        load_songs(tmp_path / "gone.parquet")


def test_a_pipe_is_not_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is not a file"):
        load_songs(tmp_path / "pipe")


@pytest.mark.parametrize("content", [b"", b"not a parquet file, just text"])
def test_other_files_are_not_parquet(tmp_path, content):
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a complete parquet file"):
        load_songs(path)


def test_a_truncated_file_is_not_whole(tmp_path, song_path):
    path = tmp_path / "cut.parquet"
    path.write_bytes(song_path.read_bytes()[:-100])
    with pytest.raises(InputError, match="not a complete parquet file"):
        load_songs(path)


def test_damage_inside_the_mels_is_an_error_with_the_column(tmp_path):
    path = write(tmp_path / "damaged.parquet", songs_table(), use_dictionary=False)
    damage(path, "melspectrogram.list.element.list.element")
    with pytest.raises(InputError, match="column 'melspectrogram' cannot be read"):
        read_mels(path)


def test_damage_inside_the_text_is_an_error_with_the_column(tmp_path):
    path = write(tmp_path / "damaged.parquet", songs_table(), use_dictionary=False)
    damage(path, "main_genre")
    with pytest.raises(InputError, match="column 'main_genre' cannot be read"):
        load_songs(path)


def test_text_that_is_not_utf8_is_an_error_with_the_column(tmp_path):
    offsets, data = pa.py_buffer(np.array([0, 2], np.int32)), pa.py_buffer(b"\xff\xfe")
    text = pa.StringArray.from_buffers(1, offsets, data)
    path = write(tmp_path / "s.parquet", with_column(songs_table(1), "music_name", text))
    with pytest.raises(InputError, match="column 'music_name' cannot be read"):
        load_songs(path)


def test_a_repeated_column_is_named(tmp_path):
    table = songs_table(2)
    path = write(tmp_path / "s.parquet", table.append_column("main_genre", table["main_genre"]))
    with pytest.raises(InputError, match="column 'main_genre' appears more than once"):
        load_songs(path)


def test_a_name_too_long_for_a_file_is_one_clear_error():
    with pytest.raises(InputError, match=r"cannot be read|no such file"):
        load_songs(Path("x" * 300))


@pytest.mark.parametrize("column", ["music_id", "melspectrogram"])
def test_a_missing_required_column_is_named(tmp_path, column):
    path = write(tmp_path / "s.parquet", songs_table(3).drop_columns(column))
    with pytest.raises(InputError, match=f"column '{column}' is missing; its columns are"):
        load_songs(path)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("music_id", [1.5, 2.5, 3.5]),
        ("melspectrogram", ["a", "b", "c"]),
        ("melspectrogram", [[1.0], [2.0], [3.0]]),
        ("melspectrogram", [[["x"]], [["y"]], [["z"]]]),
        ("main_genre", [["rock"], ["pop"], ["jazz"]]),
        ("musicnn_tags", ["rock", "pop", "jazz"]),
        ("musicnn_tags", [[1], [2], [3]]),
        ("musicnn_tags", [[["rock"]], [["pop"]], [["jazz"]]]),
    ],
)
def test_a_column_of_the_wrong_type_is_named(tmp_path, column, values):
    path = write(tmp_path / "s.parquet", with_column(tagged_table(3), column, values))
    with pytest.raises(InputError, match=f"s.parquet: column '{column}' has type .* expected"):
        load_songs(path)


def test_blocks_are_decoded_ahead_and_an_error_comes_in_its_place(tmp_path, monkeypatch):
    path, decode, decoded = tmp_path / "s.parquet", parts._mel_columns, threading.Event()

    def damaged_after_two(path, groups):
        columns = decode(path, groups)
        yield next(columns)
        decoded.set()
        yield next(columns)
        raise InputError(f"{path}: column 'melspectrogram' cannot be read")

    monkeypatch.setattr(parts, "_mel_columns", damaged_after_two)
    (part,) = load_songs(write(path, with_mel(songs_table(40), 9, None))).parts
    blocks = part.mel_blocks()
    assert next(blocks).rows == list(range(8))
    assert decoded.wait(10)
    second = next(blocks)
    assert (second.rows[0], second.rows[-1]) == (8, 15)
    assert second.faults == [(9, "melspectrogram is null")]
    with pytest.raises(InputError, match=r"s\.parquet: column 'melspectrogram' cannot be read$"):
        next(blocks)


def test_reading_that_is_given_up_leaves_no_thread(tmp_path):
    (part,) = load_songs(write(tmp_path / "s.parquet", songs_table(40))).parts
    before = threading.active_count()
    blocks = part.mel_blocks()
    next(blocks)
    blocks.close()
    assert threading.active_count() == before
