"""Labels of a whole folder: genres of folders, names of files, and which source comes first."""

import os
from pathlib import Path

import pytest
from labelfolders import label, write_audio

from musicvae_jax.songs.audio.folder_genre import genres_of_folders
from musicvae_jax.songs.table import song_frame

NOTICE = (
    "genre: nothing gives one, so it is the name of each song's folder, 2 in all "
    "(off: --data.folder-genre no)"
)


@pytest.fixture
def gtzan(tmp_path):
    """Songs in GTZAN's layout."""
    return [
        write_audio(tmp_path / name)
        for name in ("blues/blues.00000.wav", "blues/blues.00001.wav", "rock/rock.00000.wav")
    ]


def test_folders_are_genres_in_gtzans_layout(tmp_path, gtzan):
    columns, _, notices = label(tmp_path, gtzan)
    assert columns["genre"] == ["blues", "blues", "rock"]
    assert columns["music_id"][0] == "blues/blues.00000.wav"
    assert notices == [NOTICE]


def test_folders_are_no_genres_where_that_is_off(tmp_path, gtzan):
    columns, _, notices = label(tmp_path, gtzan, folder_genre="no")
    assert "genre" not in columns
    assert notices == []


def test_one_genre_from_elsewhere_is_enough_to_leave_folders_alone(tmp_path, gtzan):
    (tmp_path / "metadata.csv").write_text("file_name,genre\nrock/rock.00000.wav,Pop\n")
    columns, _, notices = label(tmp_path, gtzan)
    assert columns["genre"] == [None, None, "Pop"]
    assert notices == []


@pytest.mark.parametrize(
    "names",
    [
        ["a/1.wav", "a/2.wav"],
        ["a/1.wav", "b/2.wav", "3.wav"],
        ["a/1.wav", "b/c/2.wav"],
        ["1.wav", "2.wav"],
        [],
    ],
)
def test_folders_are_no_genres_in_other_layouts(names):
    assert genres_of_folders(Path("/m"), [Path("/m", name) for name in names]) is None


@pytest.mark.parametrize("name", ["a\nb.wav", "a'\"<b>.wav", "é ü.wav", "-x.wav", " .wav"])
def test_names_of_any_kind_are_ids(tmp_path, name):
    song = write_audio(tmp_path / "in" / name)
    song.with_suffix(".txt").write_text("words")
    columns, _, _ = label(tmp_path, [song])
    assert columns["music_id"] == [f"in/{name}"]
    assert columns["lyrics"] == ["words"]


def test_names_that_are_not_utf8_become_valid_and_stay_different(tmp_path):
    songs = [
        write_audio(Path(os.fsdecode(os.fsencode(tmp_path) + b"/g" + end + b"/1.wav")))
        for end in (b"\xfe", b"\xff")
    ]
    for song in songs:
        song.with_suffix(".txt").write_bytes(b"\xe7")
    columns, _, notices = label(tmp_path, songs)
    assert columns["music_id"] == ["g\\xfe/1.wav", "g\\xff/1.wav"]
    assert columns["genre"] == ["g\\xfe", "g\\xff"]
    assert all(line.isprintable() for line in notices)
    song_frame(columns, 2).to_csv("table.csv", encoding="utf-8")


def test_a_folder_without_songs_or_labels_has_none(tmp_path):
    columns, found, notices = label(tmp_path, [])
    assert (columns, found.read, found.rejected, notices) == ({}, [], [], [])
    song = write_audio(tmp_path / "1.wav")
    assert label(tmp_path, [song])[0] == {"music_id": ["1.wav"]}


def test_the_same_folder_gives_the_same_labels(tmp_path, gtzan):
    for song in gtzan:
        song.with_suffix(".lrc").write_text("[ar:Ana]\n[00:01.00]we are walking in the garden now")
    (tmp_path / "metadata.csv").write_text("file_name\ngone.wav\n")
    assert label(tmp_path, gtzan)[1] == label(tmp_path, gtzan)[1]
