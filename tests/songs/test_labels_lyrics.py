"""Lyrics in SONG.lrc and SONG.txt beside a song."""

import os
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelfolders import Notices, label, write_audio

from musicvae_jax.songs.audio.lyrics_file import lyrics_from_files, parse_lyrics
from musicvae_jax.songs.audio.unusable import Unusable


@pytest.mark.parametrize(
    ("text", "lyrics"),
    [
        ("[00:12.00]Line one\n[00:17.20]Line two", "Line one\nLine two"),
        ("[00:12]One\n[1:02.5]Two\n[100:02:50]Three", "One\nTwo\nThree"),
        ("[00:10.00][00:30.00]Chorus\n[00:20.00]Verse", "Chorus\nVerse\nChorus"),
        ("[00:01.00]<00:01.00>Word <00:01.50>by <00:02.00>word", "Word by word"),
        ("[00:01.00]Word [00:01.50]by word", "Word by word"),
        ("[by:me]\n[offset:+250]\n[length: 02:10]\n[#:note]\nText", "Text"),
        ("[Verse 2: Ana]\nText at 12:30, [sic] <3", "[Verse 2: Ana]\nText at 12:30, [sic] <3"),
        ("[00:20.00]Late\nits second line\n[00:10.00]Early", "Early\nLate\nits second line"),
        ("[00:01.00]\r\n[00:02.00]One\r\n\r\n[00:09.00]Two\r\n", "One\n\nTwo"),
    ],
)
def test_time_stamps_and_id_tags_are_no_lyrics(text, lyrics):
    assert parse_lyrics(text)["lyrics"] == lyrics


def test_id_tags_give_fields():
    text = "[ar: Ana ]\n[ti:Nós]\n[LA:por]\n[al:None]\n[ti:again]\n[00:01.00]Text"
    assert parse_lyrics(text) == {
        "artist_name": "Ana",
        "title": "Nós",
        "language": "pt",
        "lyrics": "Text",
    }


def test_a_small_file_does_not_become_a_huge_text():
    lyrics = parse_lyrics("[00:01.00]" * 50_000 + "a" * 400_000)["lyrics"]
    assert lyrics.split("\n") == ["a" * 400_000] * 50


@pytest.mark.parametrize("text", ["", " \n\t\n", "[00:01.00]\n[00:02.00] ", "[ar: ]\n[by:x]"])
def test_blank_lyrics_are_none(text):
    assert parse_lyrics(text) == {}


STAMP = st.from_regex(r"\[[0-9]{1,3}:[0-9]{2}(\.[0-9]{2,3})?\]", fullmatch=True)
WORD_STAMP = STAMP.map(lambda stamp: f"<{stamp[1:-1]}>")
WORDS = st.text().map(lambda text: re.sub(r"[\[\]<>]", "", text))


@given(st.lists(STAMP | WORD_STAMP | WORDS | st.just("\n")))
def test_no_time_stamp_is_left_and_no_word_is_lost(pieces):
    lyrics = parse_lyrics("".join(pieces)).get("lyrics", "")
    assert not re.search(r"[\[\]<>]", lyrics)
    sung = "".join(piece for piece in pieces if not piece.startswith(("[", "<")))
    assert set("".join(lyrics.split())) == set("".join(sung.split()))


@given(st.lists(st.text(alphabet="abc dé", min_size=1).filter(str.strip), min_size=1))
def test_lines_come_back_without_their_times(lines):
    timed = "\n".join(f"[{n // 60:02}:{n % 60:02}.00]{line}" for n, line in enumerate(lines))
    assert parse_lyrics(timed)["lyrics"] == "\n".join(line.strip() for line in lines)


@pytest.mark.parametrize(
    ("content", "is_guessed"),
    [
        ("Canção".encode(), False),
        (b"\xef\xbb\xbf" + "Canção".encode(), False),
        ("Canção".encode("utf-16"), False),
        (b"\xfe\xff" + "Canção".encode("utf-16-be"), False),
        ("Canção".encode("latin-1"), True),
    ],
)
def test_every_usual_encoding_is_read(tmp_path, content, is_guessed):
    song = write_audio(tmp_path / "a.wav")
    (tmp_path / "a.txt").write_bytes(content)
    columns, found, notices = label(tmp_path, [song])
    assert columns["lyrics"] == ["Canção"]
    assert found.read == [tmp_path / "a.txt"]
    said = f"1 lyrics file(s) are not UTF-8 (the first is {tmp_path}/a.txt)"
    assert [line for line in notices if "UTF-8" in line] == (
        [f"{said}; they are read as Windows-1252"] if is_guessed else []
    )


def test_lrc_comes_before_txt_for_each_field(tmp_path):
    songs = [write_audio(tmp_path / name) for name in ("a.wav", "b.flac", "c.wav")]
    (tmp_path / "a.lrc").write_text("[ar:Ana]\n[00:01.00]From lrc")
    (tmp_path / "a.txt").write_text("[ti:Song]\nFrom txt")
    (tmp_path / "b.LRC").write_text("[ar:Bia]")
    (tmp_path / "b.txt").write_text("Other text")
    columns, found, _ = label(tmp_path, songs)
    assert columns["lyrics"] == ["From lrc", "Other text", None]
    assert columns["artist_name"] == ["Ana", "Bia", None]
    assert columns["title"] == ["Song", None, None]
    assert len(found.read) == 4


@pytest.mark.parametrize("forms", [("NFD", "NFC"), ("NFC", "NFD")])
def test_accents_of_another_system_are_the_same_name(tmp_path, forms):
    of_song, of_lyrics = (unicodedata.normalize(form, "é") for form in forms)
    song = write_audio(tmp_path / f"{of_song}.wav")
    (tmp_path / f"{of_lyrics}.txt").write_text("words")
    assert label(tmp_path, [song])[0]["lyrics"] == ["words"]


def test_names_that_look_the_same_are_told_apart_where_both_are_there(tmp_path):
    names = [unicodedata.normalize(form, "é") for form in ("NFC", "NFD")]
    songs = [write_audio(tmp_path / f"{name}.wav") for name in names]
    for song, form in zip(songs, ("NFC", "NFD"), strict=True):
        song.with_suffix(".txt").write_text(form)
    assert label(tmp_path, songs)[0]["lyrics"] == ["NFC", "NFD"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\0\1\2\3", "it has a NUL character"),
        (b"\xff\xfea", "truncated data"),
        (b"a" * 1_000_001, "it is larger than 1,000,000 bytes"),
    ],
)
def test_what_is_no_lyrics_is_rejected_and_the_song_stays(tmp_path, content, expected):
    song = write_audio(tmp_path / "a.wav")
    (tmp_path / "a.txt").write_bytes(content)
    columns, found, _ = label(tmp_path, [song])
    assert "lyrics" not in columns
    ((path, reason, _),) = found.rejected
    assert path == tmp_path / "a.txt"
    assert reason.startswith("lyrics cannot be read: ")
    assert expected in reason


def test_a_folder_in_place_of_a_file_is_rejected(tmp_path):
    song = write_audio(tmp_path / "a.wav")
    (tmp_path / "a.txt").mkdir()
    assert label(tmp_path, [song])[1].rejected == [
        Unusable(tmp_path / "a.txt", "lyrics cannot be read: Is a directory")
    ]


def test_a_pipe_in_place_of_a_file_is_rejected(tmp_path):
    song = write_audio(tmp_path / "a.wav")
    os.mkfifo(tmp_path / "a.lrc")
    assert label(tmp_path, [song])[1].rejected == [
        Unusable(tmp_path / "a.lrc", "lyrics cannot be read: it is a pipe")
    ]


@given(content=st.binary(max_size=300), suffix=st.sampled_from([".txt", ".lrc"]))
def test_any_bytes_are_read_or_rejected(tmp_path_factory, content, suffix):
    folder = tmp_path_factory.mktemp("any")
    (folder / f"a{suffix}").write_bytes(content)
    found = lyrics_from_files([folder / "a.wav"], Notices())
    assert len(found.read) + len(found.rejected) == 1
    for value in found.fields[0].values():
        assert value.strip()
        assert value.encode()
        assert "\0" not in value
    assert all("\n" not in reason for _, reason, _ in found.rejected)
