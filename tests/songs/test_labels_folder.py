"""Labels of a whole folder: genres of folders, names of files, and which source comes first."""

import os
from pathlib import Path

import pytest
from labelfolders import label, write_audio

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


def test_one_genre_from_elsewhere_is_enough_to_leave_folders_alone_which_is_said(tmp_path, gtzan):
    (tmp_path / "metadata.csv").write_text("file_name,genre\nrock/rock.00000.wav,Pop\n")
    columns, _, notices = label(tmp_path, gtzan)
    assert columns["genre"] == [None, None, "Pop"]
    assert notices == [
        "genre: known for 1 of 3 songs, so the folders' names are not used for the others"
    ]


def test_where_most_songs_have_a_genre_folders_are_not_mentioned(tmp_path, gtzan):
    rows = [f"blues/blues.0000{i}.wav,Pop\n" for i in (0, 1)]
    (tmp_path / "metadata.csv").write_text("file_name,genre\n" + "".join(rows))
    assert label(tmp_path, gtzan)[2] == []


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a/1.wav", "a/2.wav"], None),
        (["1.wav", "2.wav"], None),
        (["a/b/1.wav", "a/c/1.wav", "d/1.wav", "e/1.wav"], None),
        (["a/1.wav", "b/2.wav", "3.wav"], "1 of 3 songs are not exactly one folder deep; the "),
        (["a/1.wav", "b/2.wav", "b/c/2.wav"], "the first is b/c/2.wav"),
    ],
)
def test_folders_are_no_genres_in_other_layouts(tmp_path, names, said):
    columns, _, notices = label(tmp_path, [write_audio(tmp_path / name) for name in names])
    assert "genre" not in columns
    assert len(notices) == (said is not None)
    assert said is None or said in notices[0]


def test_a_folder_of_unknown_genre_is_none(tmp_path, gtzan):
    songs = [*gtzan, write_audio(tmp_path / "Unknown" / "1.wav")]
    columns, _, notices = label(tmp_path, songs)
    assert columns["genre"] == ["blues", "blues", "rock", None]
    assert notices == [NOTICE]


def test_songs_that_are_not_used_have_no_say(tmp_path, gtzan):
    stray = write_audio(tmp_path / "stray.wav")
    words = "we are walking in the garden now"
    for song in (stray, gtzan[0]):
        song.with_suffix(".txt").write_text(words)
    (tmp_path / "metadata.csv").write_text("file_name,genre\nstray.wav,Pop\n")
    columns, _, notices = label(tmp_path, [*gtzan, stray], rejected=[stray])
    assert columns["genre"] == ["blues", "blues", "rock", "Pop"]
    assert columns["language"] == ["en", None, None, None]
    assert notices == [
        NOTICE,
        "language: detected from the lyrics of 1 of 1 songs for which nothing gives one",
    ]


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
