"""Labels in metadata.csv and metadata.jsonl."""

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelfolders import Notices, label, write_audio

from musicvae_jax.errors import InputError
from musicvae_jax.songs.audio.metadata_file import labels_from_metadata
from musicvae_jax.songs.audio.unusable import Unusable
from musicvae_jax.songs.table import song_frame


@pytest.fixture
def folder(tmp_path):
    for name in ("a.wav", "b.wav", "inner/c.wav"):
        write_audio(tmp_path / name)
    return tmp_path


def files_of(folder):
    return sorted(folder.rglob("*.wav"))


def write_csv(folder, text, name="metadata.csv"):
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)


def test_rows_label_their_songs_by_either_set_of_names(folder):
    write_csv(
        folder,
        "file_name,music_name,genre,art_id,artist,art_rank,musicnn_tags,related_genre,factor_tempo\n"
        'inner/c.wav,"Two\nlines",Samba,7,Ana,12,"guitar; slow","[""Choro"", ""MPB""]",90.5\n'
        "a.wav,NA, ,,,,,,120\n",
    )
    columns, found, notices = label(folder, files_of(folder))
    assert columns["title"] == ["NA", None, "Two\nlines"]
    assert columns["genre"] == [None, None, "Samba"]
    assert columns["artist_id"] == [None, None, "7"]
    assert columns["artist_name"] == [None, None, "Ana"]
    assert columns["art_rank"] == [None, None, 12]
    assert columns["musicnn_tags"] == [None, None, ["guitar", "slow"]]
    assert columns["related_genre"] == [None, None, ["Choro", "MPB"]]
    assert columns["factor_tempo"] == [120.0, None, 90.5]
    assert columns["music_id"] == ["a.wav", "b.wav", "inner/c.wav"]
    assert found.read == [folder / "metadata.csv"]
    assert found.rejected == []
    assert notices == []
    frame = song_frame(columns, 3)
    assert frame["artist"].tolist() == [None, None, "7"]
    assert frame["musicnn_tags"][2] == ("guitar", "slow")
    assert frame["factor_tempo"].dtype == float


@pytest.mark.parametrize("word", ["NA", "nan", "None", "null", "N/A", " NA ", "Unknown"])
def test_words_for_what_is_missing_are_no_labels(folder, word):
    names = ("title", "genre", "artist", "language", "lyrics")
    write_csv(folder, f"file_name,{','.join(names)}\na.wav{f',{word}' * len(names)}\n")
    (folder / "a.lrc").write_text("[ar:Ana]\n[la:en]\nwords")
    columns, _, _ = label(folder, files_of(folder))
    assert columns["title"][0].strip() == word.strip()
    assert "genre" not in columns
    assert [columns[name][0] for name in ("artist_name", "language", "lyrics")] == [
        *("Ana", "en", "words")
    ]


def test_a_folder_below_has_its_own_file_with_its_own_paths(folder):
    write_csv(folder, "file_name,genre\na.wav,Rock\n")
    write_csv(folder / "inner", "file_name,genre\nc.wav,Pop\n../b.wav,Jazz\n")
    columns, found, _ = label(folder, files_of(folder))
    assert columns["genre"] == ["Rock", "Jazz", "Pop"]
    assert len(found.read) == 2


def test_json_lines_say_the_same(folder):
    rows = [
        {"file_name": "./a.wav", "main_genre": "Rock", "music_lang": "pt-br", "artist": 311},
        {"file_name": "inner\\c.wav", "related_art": [{"id": "1", "name": "Ana"}], "factor_k": 3},
        {"file_name": "b.wav", "genre": None, "factor_k": "minor"},
    ]
    del rows[2]["genre"]
    (folder / "metadata.jsonl").write_text("\n\n".join(map(json.dumps, rows)) + "\n")
    columns, _, _ = label(folder, files_of(folder))
    assert columns["genre"] == ["Rock", None, None]
    assert columns["language"] == ["pt-br", None, None]
    assert columns["language_source"] == ["metadata", None, None]
    assert columns["artist_name"] == ["311", None, None]
    assert columns["related_art"] == [None, None, [{"id": "1", "name": "Ana"}]]
    assert columns["factor_k"] == [None, "minor", "3"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_cells_are_separated_by_commas_semicolons_or_tabs(folder, delimiter):
    rows = [["file_name", "genre", "title"], ["a.wav", ' "Rock, Pop"', '"Old; new"']]
    write_csv(folder, "\n".join(map(delimiter.join, rows)))
    columns, _, _ = label(folder, files_of(folder))
    assert columns["genre"] == ["Rock, Pop", None, None]
    assert columns["title"] == ["Old; new", None, None]


def test_rows_of_blank_cells_are_no_rows(folder):
    write_csv(folder, "file_name,genre\n,\n , \na.wav,Rock\ngone.wav,\n\n,\n")
    columns, found, _ = label(folder, files_of(folder))
    assert columns["genre"] == ["Rock", None, None]
    assert [reason for _, reason, _ in found.rejected] == [
        "row 1: file_name 'gone.wav': there is no such file"
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_name(folder):
    write_csv(folder, b"\xef\xbb\xbf" + "file_name,title\na.wav,Ação\n".encode())
    assert label(folder, files_of(folder))[0]["title"] == ["Ação", None, None]


def test_rows_without_a_song_are_reported_each_with_its_row(folder):
    write_csv(folder, "file_name,genre\na.wav,Rock\ngone.wav,Pop\na.wav,Jazz\n./a.wav,Folk\n")
    columns, found, _ = label(folder, files_of(folder))
    assert columns["genre"] == ["Rock", None, None]
    file = folder / "metadata.csv"
    assert found.rejected == [
        Unusable(file, "row 1: file_name 'gone.wav': there is no such file", 1),
        *(
            Unusable(
                file, f"row {row}: file_name {name!r} is a duplicate of row 0 of metadata.csv", row
            )
            for row, name in ((2, "a.wav"), (3, "./a.wav"))
        ),
    ]


def test_songs_that_are_not_read_are_counted_not_rejected(folder):
    write_csv(folder, "file_name,genre\na.wav,Rock\nb.wav,Pop\n")
    _, found, notices = label(folder, [folder / "a.wav"])
    assert found.rejected == []
    assert notices == [f"{folder}/metadata.csv: 1 of 2 rows are for files that are not read"]


@pytest.mark.parametrize(("of_file", "of_row"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_accents_of_another_system_are_the_same_name(tmp_path, of_file, of_row):
    name = "canção/é.wav"
    song = write_audio(tmp_path / unicodedata.normalize(of_file, name))
    write_csv(tmp_path, f"file_name,genre\n{unicodedata.normalize(of_row, name)},Rock\n")
    columns, found, _ = label(tmp_path, [song])
    assert columns["genre"] == ["Rock"]
    assert found.rejected == []


def test_names_that_look_the_same_are_told_apart_where_both_are_there(tmp_path):
    names = [unicodedata.normalize(form, "é.wav") for form in ("NFC", "NFD")]
    songs = [write_audio(tmp_path / name) for name in names]
    write_csv(tmp_path, f"file_name,genre\n{names[0]},Rock\n{names[1]},Pop\n")
    assert label(tmp_path, songs)[0]["genre"] == ["Rock", "Pop"]


def test_columns_of_no_use_are_named(folder):
    write_csv(folder, "file_name,music_id,mood\na.wav,1,sad\n")
    columns, _, notices = label(folder, files_of(folder))
    assert set(columns) == {"music_id"}
    assert columns["music_id"][0] == "a.wav"
    assert notices == [f"{folder}/metadata.csv: columns not used: music_id, mood"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name,genre\na.wav,Rock\n", "column 'file_name' is missing; its columns are name, genre"),
        ("", "column 'file_name' is missing; its columns are none"),
        ("file_name|genre\na.wav|Rock\n", "its columns are file_name|genre"),
        ("file_name,genre,genre\na.wav,A,B\n", "column 'genre' appears more than once"),
        ("file_name,genre,main_genre\na.wav,A,B\n", "'genre' and 'main_genre' are both the genre"),
        ("file_name,genre\na.wav,A\nb.wav\n", "row 1 has 1 cells; expected 2"),
        ('file_name,genre\na.wav,"A\n', "is not CSV (unexpected end of data)"),
        ("file_name,genre\n ,A\n", "row 0, column 'file_name' is ''"),
        ("file_name,art_rank\na.wav,1\nb.wav,high\n", "row 1, column 'art_rank': got 'high'"),
        ("file_name,related_art\na.wav,Ana\n", "row 0, column 'related_art': got 'Ana'"),
        ("file_name,musicnn_tags\na.wav,[1]\n", "row 0, column 'musicnn_tags': got '[1]'"),
        ("file_name,factor_a\na.wav,nan\n", "row 0, column 'factor_a': got nan"),
        ("file_name,title\na.wav,Ação\n".encode("latin-1"), "line 2 is not UTF-8 (byte 0xe7)"),
    ],
)
def test_a_bad_csv_is_one_line_that_says_where(folder, text, expected):
    write_csv(folder, text)
    with pytest.raises(InputError) as error:
        label(folder, files_of(folder))
    assert str(error.value).startswith(f"{folder}/metadata.csv: ")
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "line 1 is not JSON"),
        ("\n[1]", "line 2 is list; expected a JSON object"),
        ("[" * 100_000, "line 1 is not JSON"),
        ('{"genre": "A"}', "row 0, column 'file_name' is None"),
        ('{"file_name": 3}', "row 0, column 'file_name' is 3"),
        ('{"file_name": "a.wav", "title": ["x"]}', "row 0, column 'title': got ['x']"),
        ('{"file_name": "a.wav", "title": true}', "row 0, column 'title': got True"),
        ('{"file_name": "a.wav", "art_rank": 1.5}', "row 0, column 'art_rank': got 1.5"),
        ('{"file_name": "a.wav", "factor_a": Infinity}', "column 'factor_a': got inf"),
    ],
)
def test_bad_json_lines_are_one_line_that_says_where(folder, text, expected):
    (folder / "metadata.jsonl").write_text(text)
    with pytest.raises(InputError) as error:
        label(folder, files_of(folder))
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("other", ["metadata.jsonl", "Metadata.CSV"])
def test_two_in_one_folder_are_an_error(folder, other):
    write_csv(folder, "file_name\n")
    (folder / other).write_text("")
    with pytest.raises(InputError, match=r"has .*; expected one of them") as error:
        label(folder, files_of(folder))
    assert f" {other}" in str(error.value)
    assert " metadata.csv" in str(error.value)


@pytest.mark.parametrize("name", ["Metadata.csv", "METADATA.CSV"])
def test_capital_letters_in_the_name_make_no_difference(folder, name):
    write_csv(folder, "file_name,genre\na.wav,Rock\n", name)
    assert label(folder, files_of(folder))[0]["genre"] == ["Rock", None, None]


def test_a_folder_that_cannot_be_listed_is_said(folder, monkeypatch):
    def iterdir(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert labels_from_metadata(folder, [folder / "a.wav"], Notices()).rejected == [
        Unusable(folder, "metadata cannot be listed: Permission denied")
    ]


def test_text_of_any_kind_becomes_valid(folder):
    row = {"file_name": "a.wav", "title": "a\ud800\0b", "artist": " \n"}
    (folder / "metadata.jsonl").write_text(json.dumps(row))
    columns, _, _ = label(folder, files_of(folder))
    assert columns["title"][0] == "a?b"
    assert "artist_name" not in columns


def read_or_refused(folder, songs):
    """What is read, or None, and the message of the refusal, or ""."""
    try:
        return labels_from_metadata(folder, songs, Notices()), ""
    except InputError as error:
        return None, str(error)


@given(content=st.binary(max_size=200), kind=st.sampled_from(["metadata.csv", "metadata.jsonl"]))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content, kind):
    folder = tmp_path_factory.mktemp("any")
    (folder / kind).write_bytes(content)
    found, refusal = read_or_refused(folder, [folder / "a.wav"])
    assert "\n" not in refusal
    assert refusal or len(found.fields) == 1


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["title", "genre", "art_rank", "musicnn_tags", "factor_a", "x"]),
            st.text() | st.integers() | st.floats() | st.lists(st.text()) | st.none(),
        ),
        max_size=3,
    )
)
def test_any_values_are_read_or_refused(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("any")
    lines = [json.dumps(row | {"file_name": f"{n}.wav"}) for n, row in enumerate(rows)]
    (folder / "metadata.jsonl").write_text("\n".join(lines))
    songs = [folder / f"{n}.wav" for n in range(3)]
    found, refusal = read_or_refused(folder, songs)
    assert "\n" not in refusal
    assert "row" in refusal or found is not None
    for fields in found.fields if found else ():
        assert all(value.encode() for value in fields.values() if isinstance(value, str))
