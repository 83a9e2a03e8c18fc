"""Folders of audio as songs: what is found, under which names, and with which labels."""

import os
from pathlib import Path

import audiofiles
import numpy as np
import pytest
from audiofolders import CACHE, FOLDER, mels_and_faults, reasons_of, songs_of, write_songs

from musicvae_jax.config import DataConfig, FeatureConfig
from musicvae_jax.errors import InputError
from musicvae_jax.features import extract_features
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import find_songs, load_songs
from musicvae_jax.songs.audio import part, reader
from musicvae_jax.songs.audio.labels import Labels
from musicvae_jax.songs.audio.unusable import Unusable
from musicvae_jax.songs.parquet.reader import open_parquet

pytestmark = pytest.mark.usefixtures("in_this_process")


def test_every_audio_file_is_a_song():
    write_songs(5)
    audiofiles.write(FOLDER / "b" / "deep" / "Loud.WAV", audiofiles.tone())
    for name in ("cover.jpg", ".hidden.wav", ".trash/a.wav", "b/._a.wav"):
        (FOLDER / name).parent.mkdir(exist_ok=True)
        (FOLDER / name).write_bytes(b"x")
    songs = songs_of()
    assert list(songs.table["music_id"]) == [
        *("b/deep/Loud.WAV", "song 0.wav", "song 1.flac", "song 2.ogg"),
        *("song 3.opus", "song 4.mp3"),
    ]
    assert list(songs.table["title"][:2]) == ["Loud", "song 0"]
    assert songs.table["audio_path"][0] == (FOLDER / "b/deep/Loud.WAV").absolute().as_posix()
    assert songs.has_mels
    assert songs.unused == ()
    mels, faults = mels_and_faults(songs)
    assert sorted(mels) == list(range(6))
    assert faults == {}
    assert {mel.shape[0] for mel in mels.values()} == {128}


def test_audio_in_other_formats_is_not_missed_without_a_word():
    write_songs(1)
    for name in ("b.AIFF", "cover.jpg"):
        (FOLDER / name).write_bytes(b"x")
    songs = songs_of()
    assert len(songs.table) == 1
    ((name, _, _, reason),) = songs.unused
    assert name == "b.AIFF"
    assert reason.startswith(".aiff files are not read; expected files that end in .wav")


@pytest.mark.parametrize(
    ("beside", "kept"),
    [
        ({}, "song 0.wav"),
        ({"song 0 (1).txt": "words"}, "song 0 (1).wav"),
        ({"metadata.csv": "file_name,genre\nz/song 0.wav,Jig\n"}, "z/song 0.wav"),
        ({"metadata.csv": "file_name,genre\ns.wav,Jig\n"}, "s.wav"),
    ],
)
def test_of_copies_the_one_with_labels_is_kept_then_the_file_then_the_short_name(beside, kept):
    write_songs(1)
    content = (FOLDER / "song 0.wav").read_bytes()
    (FOLDER / "z").mkdir()
    for copy in ("song 0 (1).wav", "z/song 0.wav"):
        (FOLDER / copy).write_bytes(content)
    (FOLDER / "s.wav").symlink_to("song 0.wav")
    for name, text in beside.items():
        (FOLDER / name).write_text(text)
    songs = songs_of()
    reasons = reasons_of(songs)
    assert {*songs.table["music_id"]} - {*reasons} == {kept}
    assert {*reasons.values()} == {f"same content as {kept}"}


def test_numbers_in_names_count_as_numbers():
    for i in (10, 2, 1):
        audiofiles.write(FOLDER / f"{i}.wav", audiofiles.noise(seed=i))
    assert list(songs_of().table["music_id"]) == ["1.wav", "2.wav", "10.wav"]


def test_files_globs_and_several_folders():
    write_songs(2, Path("a"))
    write_songs(2, Path("b"), first=2)
    single = songs_of("a/song 0.wav")
    assert list(single.table["music_id"]) == ["song 0.wav"]
    assert single.path == Path("a/song 0.wav")
    several = songs_of(["b", "a/song 0.wav"])
    assert list(several.table["music_id"]) == ["a/song 0.wav", "b/song 2.ogg", "b/song 3.opus"]
    assert list(songs_of("a/*.wav").table["music_id"]) == ["song 0.wav"]
    twice = songs_of(["a", "a/song 0.wav", "a/../a"])
    assert list(twice.table["music_id"]) == ["song 0.wav", "song 1.flac"]
    np.testing.assert_array_equal(mels_and_faults(single)[0][0], mels_and_faults(several)[0][0])


def test_paths_may_be_relative_absolute_and_in_the_home_folder(monkeypatch):
    write_songs(2, Path("a"))
    both = songs_of(["a/song 0.wav", Path("a/song 1.flac").absolute()])
    assert (both.path, len(both.table)) == (Path("a").absolute(), 2)
    monkeypatch.setenv("HOME", str(Path.cwd()))
    assert songs_of("~/a").fingerprint == both.fingerprint
    assert find_songs(Path("~/a"))[0] == Path("a").absolute()
    with pytest.raises(InputError, match="path: got none"):
        songs_of([])


def test_parts_cover_all_songs(monkeypatch):
    monkeypatch.setattr(part, "_SONGS_PER_PART", 2)
    monkeypatch.setattr(part, "_BLOCK_BYTES", 1)
    write_songs(5)
    songs = songs_of()
    assert [(one.first_row, one.n_rows) for one in songs.parts] == [(0, 2), (2, 2), (4, 1)]
    assert len({one.key for one in songs.parts}) == 3
    assert sorted(mels_and_faults(songs)[0]) == [0, 1, 2, 3, 4]
    assert [songs.origin(row) for row in (0, 3)] == [("song 0.wav", 0), ("song 3.opus", 0)]


def test_features_are_extracted_from_a_folder():
    write_songs(6)
    (FOLDER / "bad.mp3").write_text("no audio")
    songs = songs_of()
    found = extract_features(songs, FeatureConfig(cache_dir=CACHE))
    assert found.values.shape == (6, 512)
    assert [tuple(one) for one in found.rejected] == [
        ("bad.mp3", 0, "bad.mp3", "holds no audio that libsndfile can read")
    ]
    assert extract_features(songs_of(), FeatureConfig(cache_dir=CACHE)).from_cache


STRANGE = (
    b"new\nline.wav",
    b"quo\"te's.flac",
    b"caf\xe9.ogg",
    b"<b>&amp;.wav",
    b"tab\t\x1b[31m.wav",
)


def test_strange_names_can_be_written_everywhere(tmp_path):
    FOLDER.mkdir()
    for i, name in enumerate(STRANGE):
        plain = audiofiles.write(
            Path(f"plain{Path(os.fsdecode(name)).suffix}"), audiofiles.noise(seed=i)
        )
        plain.rename(FOLDER / os.fsdecode(name))
    songs = songs_of()
    assert reasons_of(songs) == {}
    assert set(songs.table["music_id"]) == {
        *("new\nline.wav", "quo\"te's.flac", "caf\\xe9.ogg", "<b>&amp;.wav", "tab\t\x1b[31m.wav")
    }
    for column in ("music_id", "title"):
        assert all(text.encode() for text in songs.table[column])
    assert songs.table["audio_path"].isna().sum() == 1
    songs.table.to_parquet("table.parquet")
    songs.table.to_csv("table.csv")
    found = extract_features(songs, FeatureConfig(cache_dir=CACHE))
    assert len(found.table) == len(STRANGE)


def test_links_are_followed_once():
    write_songs(2)
    write_songs(2, Path("outside"), first=2)
    (FOLDER / "loop").symlink_to(".")
    (FOLDER / "deep").mkdir()
    (FOLDER / "deep" / "up").symlink_to("../..")
    (FOLDER / "out").symlink_to(Path("outside").absolute())
    (FOLDER / "again").symlink_to(Path("outside").absolute())
    songs = songs_of()
    assert set(songs.table["music_id"]) >= {"song 0.wav", "song 1.flac"}
    assert len(songs.table) == 4
    said = {one.file: one.reason for one in songs.unused}
    assert set(said.values()) == {"links to a folder that is read already"}
    assert "loop" in said


def test_songs_that_cannot_be_used_do_not_decide_on_labels(capsys):
    for i, genre in enumerate(["Jig", "Reel", "Reel"]):
        audiofiles.write(FOLDER / genre / f"{i}.wav", audiofiles.noise(seed=i))
    (FOLDER / "Damaged").mkdir()
    for name in ("stray.mp3", "Damaged/4.mp3"):
        (FOLDER / name).touch()
        (FOLDER / name).with_suffix(".txt").write_text("we are walking in the garden now")
    (FOLDER / "metadata.csv").write_text("file_name,genre\nstray.mp3,Pop\n")
    songs = load_songs(FOLDER, None, CACHE, Terminal())
    assert list(songs.table["genre"]) == [None, "Jig", "Reel", "Reel", "Pop"]
    said = capsys.readouterr().err
    assert "the name of each song's folder, 2 in all" in said
    assert "language" not in said


def test_labels_are_columns_and_part_of_the_fingerprint(monkeypatch, capsys):
    write_songs(2)
    sidecar = Path("labels.csv")
    sidecar.write_text("a")
    said = {"genre": ["Jig", None], "music_id": ["own", "song 1.flac"]}

    def label_songs(found, sources, is_used, data, terminal):
        assert found.root == FOLDER.absolute()
        assert [path.name for path in found.files] == ["song 0.wav", "song 1.flac"]
        return Labels(
            said, (sidecar.absolute(),), (Unusable(found.files[1], "a tag that is none", 3),)
        )

    monkeypatch.setattr(reader, "label_songs", label_songs)
    songs = load_songs(FOLDER, None, CACHE, Terminal())
    assert list(songs.table["music_id"]) == ["own", "song 1.flac"]
    assert list(songs.table["genre"]) == ["Jig", None]
    assert [tuple(one) for one in songs.unused] == [("song 1.flac", 3, "", "a tag that is none")]
    assert "cannot be used: 1; the first is song 1.flac: a tag" in capsys.readouterr().err
    fingerprints = {songs.fingerprint, songs_of().fingerprint}
    said["genre"] = ["Reel", None]
    fingerprints.add(songs_of().fingerprint)
    sidecar.write_text("b")
    fingerprints.add(songs_of().fingerprint)
    assert len(fingerprints) == 3


def test_a_folder_with_parquet_is_read_from_it(song_path, capsys):
    write_songs(2)
    deeper = FOLDER / "album"
    deeper.mkdir()
    (FOLDER / "song 1.flac").rename(deeper / "song.flac")
    (FOLDER / "songs.parquet").write_bytes(song_path.read_bytes())
    songs = load_songs(FOLDER, None, CACHE, Terminal())
    assert len(songs.table) == 24
    message = "its *.parquet files are read, and the 2 audio file(s) in it are not"
    assert message in capsys.readouterr().err
    assert open_parquet([song_path], DataConfig(path=song_path), CACHE, Terminal(True)).has_mels


def test_ffmpeg_files_are_songs():
    pytest.importorskip("av")
    FOLDER.mkdir()
    audiofiles.write_m4a(FOLDER / "a.m4a", audiofiles.tone(2.0, 440.0, 44_100))
    assert reasons_of(songs_of()) == {}
