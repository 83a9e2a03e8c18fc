"""Labels and lyrics in the tags of audio files."""

import struct
import time

import mutagen
import numpy as np
import pytest
from labelfolders import Notices, label, write_audio
from mutagen import id3
from mutagen.wave import WAVE

from musicvae_jax.songs.audio import audio_tags
from musicvae_jax.songs.audio.audio_tags import labels_from_tags, read_tags
from musicvae_jax.songs.audio.unusable import Unusable

NAMES = ("a.mp3", "a.flac", "a.ogg", "a.wav")
FIELDS = {
    "title": "Ação\n2",
    "artist_name": "Ana",
    "genre": "Samba",
    "related_genre": ["Choro", "MPB"],
    "language": "pt",
    "lyrics": "uma linha\noutra linha",
}
VORBIS = {
    "TITLE": ["Ação\n2"],
    "ARTIST": ["Ana", "Bia"],
    "ALBUMARTIST": ["Various"],
    "GENRE": ["Samba", "Choro", "MPB"],
    "LANGUAGE": ["por"],
    "LYRICS": ["[00:01.00]uma linha\n[00:02.00]outra linha"],
}
ID3 = [
    id3.TIT2(text="Ação\n2"),
    id3.TPE1(text=["Ana", "Bia"]),
    id3.TPE2(text="Various"),
    id3.TCON(text=["Samba", "Choro", "MPB"]),
    id3.TLAN(text="por"),
    id3.USLT(text="uma linha\noutra linha"),
]


def tagged(path):
    """A file with all the tags that its format has."""
    write_audio(path)
    if path.suffix in (".flac", ".ogg"):
        file = mutagen.File(path)
        file.update(VORBIS)
        file.save()
    elif path.suffix == ".wav":
        file = WAVE(path)
        file.add_tags()
        for frame in ID3:
            file.tags.add(frame)
        file.save()
    else:
        frames = id3.ID3()
        for frame in ID3:
            frames.add(frame)
        frames.save(path)
    return path


def id3_only(path, *frames, **options):
    """An mp3 with these frames."""
    write_audio(path)
    tags = id3.ID3()
    for frame in frames:
        tags.add(frame)
    tags.save(path, **options)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_the_tags_of_every_format_give_the_fields(tmp_path, name):
    assert read_tags(tagged(tmp_path / name)) == FIELDS


def test_the_tags_of_m4a_give_the_fields(tmp_path):
    av = pytest.importorskip("av")
    from mutagen.mp4 import MP4

    path = tmp_path / "a.m4a"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 44100), np.float32), format="fltp", layout="mono"
        )
        frame.rate = 44100
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    file = MP4(path)
    file["\xa9nam"], file["\xa9ART"] = ["Ação\n2"], ["Ana"]
    file["\xa9gen"] = ["Samba; Choro; MPB"]
    file["\xa9lyr"] = ["uma linha\noutra linha"]
    file["----:com.apple.iTunes:LANGUAGE"] = [b"por"]
    file.save()
    assert read_tags(path) == FIELDS


def test_tags_give_way_to_files_field_by_field(tmp_path):
    song = tagged(tmp_path / "a.flac")
    (tmp_path / "a.lrc").write_text("[ti:From lrc]\n[00:01.00]sung")
    (tmp_path / "metadata.csv").write_text("file_name,genre\na.flac,From csv\n")
    columns, found, _ = label(tmp_path, [song])
    assert {name: column[0] for name, column in columns.items()} == {
        "music_id": "a.flac",
        "title": "From lrc",
        "lyrics": "sung",
        "artist_name": "Ana",
        "genre": "From csv",
        "related_genre": ["Choro", "MPB"],
        "language": "pt",
        "language_source": "tags",
    }
    assert found.read == [tmp_path / "a.lrc", tmp_path / "metadata.csv"]


@pytest.mark.parametrize(
    ("genre", "expected"),
    [("17", "Rock"), ("(13)", "Pop"), ("(17)Rock", "Rock"), ("Rock/Pop", "Rock/Pop")],
)
def test_numeric_genres_are_named(tmp_path, genre, expected):
    song = id3_only(tmp_path / "a.mp3", id3.TCON(text=genre), v2_version=3)
    assert read_tags(song) == {"genre": expected}


def test_latin_tags_and_the_oldest_tags_are_read(tmp_path):
    latin = id3_only(tmp_path / "a.mp3", id3.TIT2(encoding=0, text="Ação"))
    assert read_tags(latin) == {"title": "Ação"}
    oldest = write_audio(tmp_path / "b.mp3")
    fields = [text.encode("latin-1").ljust(30, b"\0") for text in ("Ação", "Ana", "")]
    with oldest.open("ab") as file:
        file.write(b"TAG" + b"".join(fields) + b"1999" + b"\0" * 30 + bytes([17]))
    assert read_tags(oldest) == {"title": "Ação", "artist_name": "Ana", "genre": "Rock"}


def test_the_album_artist_stands_in_for_the_artist(tmp_path):
    song = id3_only(tmp_path / "a.mp3", id3.TPE2(text="Band"), id3.TIT2(text=" \t"))
    assert read_tags(song) == {"artist_name": "Band"}


@pytest.mark.parametrize("artist", ["Unknown Artist", "<unknown>", "unknown"])
def test_an_unknown_artist_is_none(tmp_path, artist):
    tags = [id3.TPE1(text=artist), id3.TIT2(text="Unknown"), id3.TCON(text="Unknown")]
    song = id3_only(tmp_path / "a.mp3", *tags)
    assert label(tmp_path, [song])[0] == {"music_id": ["a.mp3"], "title": ["Unknown"]}
    song = id3_only(tmp_path / "b.mp3", *tags, id3.TPE2(text="Band"))
    assert read_tags(song)["artist_name"] == "Band"


def test_bytes_that_are_not_utf8_are_said(tmp_path):
    song = write_audio(tmp_path / "a.wav")
    info = b"INAM" + struct.pack("<I", 4) + "Ação".encode("latin-1")
    content = song.read_bytes() + b"LIST" + struct.pack("<I", 4 + len(info)) + b"INFO" + info
    song.write_bytes(content)
    columns, found, _ = label(tmp_path, [song])
    assert found.rejected == [Unusable(song, "tags have bytes that are no text: title")]
    assert columns["title"] == ["A\ufffd\ufffdo"]


def test_unreadable_tags_are_rejected_and_the_song_stays(tmp_path):
    songs = [tagged(tmp_path / "a.ogg"), tmp_path / "b.ogg", tmp_path / "c.ogg"]
    songs[1].write_text("no audio")
    columns, found, _ = label(tmp_path, songs)
    assert columns["title"] == ["Ação\n2", None, None]
    assert found.rejected == [
        Unusable(songs[1], "tags cannot be read: Invalid OGG header"),
        Unusable(songs[2], "tags cannot be read: No such file or directory"),
    ]


@pytest.mark.parametrize("name", ["a.aac", "a.mp3", "a.wav"])
def test_an_empty_or_unknown_file_has_no_tags(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    assert read_tags(tmp_path / name) == {}


def test_tags_that_take_too_long_are_rejected(tmp_path, monkeypatch):
    body = b"\x01eng\x01\x01" + b"\x01\x00\x00\x01" * 250_000
    frame = b"SYLT" + struct.pack(">I", len(body)) + b"\0\0" + body
    size = bytes(len(frame) >> shift & 127 for shift in (21, 14, 7, 0))
    song = tmp_path / "a.mp3"
    song.write_bytes(b"ID3\x03\0\0" + size + frame)
    monkeypatch.setattr(audio_tags, "_MOST_SECONDS", 0.2)
    start = time.monotonic()
    found = labels_from_tags([song], Notices())
    assert time.monotonic() - start < 5
    assert found.rejected == [Unusable(song, "tags cannot be read: that takes more than 0.2 s")]


def test_tags_that_are_too_large_are_rejected(tmp_path, monkeypatch):
    song = id3_only(tmp_path / "a.mp3", id3.USLT(text="a" * 5000))
    assert len(read_tags(song)["lyrics"]) == 5000
    monkeypatch.setattr(audio_tags, "_MOST_BYTES", 1000)
    found = labels_from_tags([song], Notices())
    assert found.rejected == [
        Unusable(song, "tags cannot be read: they have more than 1,000 bytes")
    ]
    assert found.fields == [{}]


@pytest.mark.parametrize("name", NAMES)
def test_damaged_tags_never_end_the_run(tmp_path, name):
    whole, random = tagged(tmp_path / name).read_bytes(), np.random.default_rng(0)
    songs = []
    for n in range(100):
        content = bytearray(whole)
        # Tags are at the start, and those of wav at the end.
        for place in random.integers(min(600, len(content)), size=random.integers(1, 20)):
            content[place if n % 2 else -1 - place] = random.integers(256)
        if n % 3 == 0:
            del content[random.integers(len(content)) :]
        if n % 5 == 0:
            content[random.integers(len(content) + 1) : 0] = whole[: random.integers(len(whole))]
        songs.append(tmp_path / f"{n}{name[1:]}")
        songs[-1].write_bytes(content)
    found = labels_from_tags(songs, Notices())
    assert len(found.fields) == 100
    assert 0 < len(found.rejected) < 100 or name == "a.mp3"
    for fields in found.fields:
        assert set(fields) <= set(FIELDS)
        assert all(value.encode() for value in fields.values() if isinstance(value, str))
