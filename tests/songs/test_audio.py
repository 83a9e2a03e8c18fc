"""Folders of audio: what is found, what is decoded and when, and what is refused."""

import os
import re
import time
from pathlib import Path

import audiofiles
import numpy as np
import pytest

from musicvae_jax.config import DataConfig, FeatureConfig
from musicvae_jax.errors import InputError
from musicvae_jax.features import extract_features
from musicvae_jax.runtime.isolated import Outcome
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import find_songs, load_songs
from musicvae_jax.songs.audio import digests, part, pool, reader, streams
from musicvae_jax.songs.audio.labels import Labels
from musicvae_jax.songs.parquet.reader import open_parquet

FOLDER, CACHE = Path("music"), Path("cache")


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """Decodes in this process, since others start for seconds; test_audio_processes.py has them."""

    def calls_here(function, calls, n_processes, memory_bytes):
        for place, call in enumerate(calls):
            yield place, Outcome(function(*call.arguments), "")

    monkeypatch.setattr(pool, "isolated_calls", calls_here)


@pytest.fixture
def decoded(monkeypatch):
    """The names of the files that were decoded, once for each time."""
    names = []
    decode_files = pool.decode_files

    def counted(tasks, *others):
        names.extend(task.file.path.name for task in tasks)
        return decode_files(tasks, *others)

    monkeypatch.setattr(reader, "decode_files", counted)
    return names


def write_songs(n_songs, folder=FOLDER, first=0):
    for i in range(first, first + n_songs):
        path = folder / f"song {i}{streams._LIBSNDFILE[i % 5]}"
        audiofiles.write(path, audiofiles.noise(1.0, i, 24_000), 24_000)


def songs_of(path=FOLDER, **data):
    return load_songs(path, DataConfig(**data), CACHE)


def mels_and_faults(songs):
    mels, faults = {}, {}
    for one in songs.parts:
        first = one.first_row
        for block in one.mel_blocks():
            mels |= {first + row: mel for row, mel in zip(block.rows, block.mels, strict=True)}
            faults |= {first + row: reason for row, reason in block.faults}
    return mels, faults


def reasons_of(songs):
    """Reason of every rejected file."""
    _, rejected = songs.usable_rows(mels_and_faults(songs)[1])
    assert all(one.row == 0 for one in rejected)
    return {one.file: one.reason for one in rejected}


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


def test_a_second_run_decodes_nothing(decoded):
    write_songs(5)
    first = songs_of()
    assert len(decoded) == 5
    second = songs_of()
    assert len(decoded) == 5
    assert second.fingerprint == first.fingerprint
    assert second.parts == first.parts


def test_more_songs_decode_only_themselves(decoded):
    write_songs(5)
    before = songs_of()
    write_songs(10, first=5)
    after = songs_of()
    assert decoded[5:] == [f"song {i}{streams._LIBSNDFILE[i % 5]}" for i in range(5, 15)]
    assert after.fingerprint != before.fingerprint


def test_renamed_and_moved_files_are_found_again(decoded):
    write_songs(3)
    before = songs_of()
    (FOLDER / "song 0.wav").rename(FOLDER / "other.wav")
    FOLDER.rename("elsewhere")
    after = songs_of("elsewhere")
    assert len(decoded) == 3
    assert after.fingerprint != before.fingerprint
    FOLDER.mkdir()
    for path in Path("elsewhere").iterdir():
        path.rename(FOLDER / path.name.replace("other", "song 0"))
    assert songs_of().fingerprint == before.fingerprint
    assert len(decoded) == 3


def test_a_moved_folder_is_the_same_songs():
    write_songs(2)
    before = songs_of()
    FOLDER.rename("elsewhere")
    after = songs_of("elsewhere")
    assert after.fingerprint == before.fingerprint
    assert after.parts[0].key == before.parts[0].key


def test_each_excerpt_is_decoded_once(decoded):
    audiofiles.write(FOLDER / "a.wav", audiofiles.noise(4.0))
    lengths = {}
    for _ in range(2):
        for excerpt, seconds in (("middle", 2.0), ("start", 2.0), ("middle", 3.0), ("full", 2.0)):
            mels, _ = mels_and_faults(songs_of(excerpt=excerpt, seconds=seconds))
            lengths[excerpt, seconds] = mels[0].shape[1]
    assert len(decoded) == 4
    assert lengths == {("middle", 2.0): 87, ("start", 2.0): 87, ("middle", 3.0): 130} | {
        ("full", 2.0): 173
    }
    songs_of(excerpt="full", seconds=9.0, decode_seconds=5.0)
    assert len(decoded) == 4


def test_files_that_did_not_change_are_not_read_again(monkeypatch):
    write_songs(3)
    changed = FOLDER / "song 0.wav"
    old = time.time() - 1000
    for path in FOLDER.iterdir():
        os.utime(path, (old, old))
    before = songs_of()
    read = []
    opened = Path.open

    def counted(path, *how, **named):
        read.append(path)
        return opened(path, *how, **named)

    monkeypatch.setattr(Path, "open", counted)
    assert songs_of().fingerprint == before.fingerprint
    assert not [path for path in read if path.parent.name == FOLDER.name]
    audiofiles.write(changed, audiofiles.noise(seed=99, rate_hz=24_000), 24_000)
    after = songs_of()
    assert {path.name for path in read if path.parent.name == FOLDER.name} == {changed.name}
    assert after.fingerprint != before.fingerprint


def test_other_content_of_the_same_size_and_time_is_noticed():
    first, second = audiofiles.noise(seed=1), audiofiles.noise(seed=2)
    path = audiofiles.write(FOLDER / "a.wav", first)
    old = time.time() - 1000
    os.utime(path, (old, old))
    before, state = songs_of(), path.stat()
    audiofiles.write(path, second)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (state.st_size, state.st_mtime_ns)
    after = songs_of()
    assert after.fingerprint != before.fingerprint
    assert not np.array_equal(mels_and_faults(after)[0][0], mels_and_faults(before)[0][0])


def test_one_file_of_a_folder_does_not_make_the_others_unknown(monkeypatch):
    write_songs(3)
    for path in FOLDER.iterdir():
        os.utime(path, (1e9, 1e9))
    songs_of()
    songs_of(FOLDER / "song 1.flac")
    (FOLDER / "song 2.ogg").unlink()
    read = []
    monkeypatch.setattr(digests.hashlib, "file_digest", lambda file, _: read.append(file.name))
    assert len(songs_of().table) == 2
    assert not read


def test_a_damaged_mel_in_the_cache_is_made_again(decoded, capsys):
    write_songs(2)
    before = songs_of()
    mels, _ = mels_and_faults(before)
    expected = np.array(mels[0])
    path = before.parts[0].songs[0].mel
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(InputError, match=r"features\.cache_dir: .*song 0\.wav.*decodes it again"):
        mels_and_faults(before)
    after = load_songs(FOLDER, None, CACHE, Terminal())
    assert "song 0.wav in the cache is damaged" in capsys.readouterr().err
    assert decoded[2:] == ["song 0.wav"]
    np.testing.assert_array_equal(mels_and_faults(after)[0][0], expected)


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


def test_every_bad_file_says_why(decoded):
    write_songs(20)
    (FOLDER / "text.mp3").write_text("no audio at all " * 100)
    (FOLDER / "empty.flac").touch()
    mp3 = audiofiles.write(Path("whole.mp3"), audiofiles.noise(8.0, 3, 44_100), 44_100)
    (FOLDER / "cut.mp3").write_bytes(mp3.read_bytes()[: mp3.stat().st_size // 3])
    audiofiles.write(FOLDER / "low.wav", audiofiles.tone(1, 440, 8000), 8000)
    audiofiles.write(FOLDER / "high.wav", audiofiles.tone(1, 440, 192_000), 192_000)
    six = np.stack([audiofiles.noise(seed=90 + i) for i in range(6)], axis=1)
    audiofiles.write(FOLDER / "six.wav", six)
    audiofiles.write(FOLDER / "short.wav", audiofiles.tone(0.2))
    audiofiles.write(FOLDER / "silent.ogg", np.zeros(22_050, np.float32))
    nan = audiofiles.tone()
    nan[5000] = np.nan
    audiofiles.write(FOLDER / "nan.wav", nan, subtype="FLOAT")
    (FOLDER / "twin.wav").write_bytes((FOLDER / "song 0.wav").read_bytes())
    (FOLDER / "gone.wav").symlink_to("nowhere.wav")
    (FOLDER / "locked").mkdir()
    os.mkfifo(FOLDER / "pipe.wav")
    expected = {
        "cut.mp3": r"is cut short: it ends after 2\.\d s, but should have 8\.0 s",
        "empty.flac": "the file is empty",
        "gone.wav": r"cannot be read \(No such file or directory\)",
        "nan.wav": r"has NaN or infinity 0\.2 s from the start",
        "pipe.wav": "not a file",
        "short.wav": r"has 0\.20 s of audio; expected at least 0\.5",
        "silent.ogg": r"is silent: no sample of the excerpt \(0\.0 to 1\.0 s\) is above -100 dB",
        "text.mp3": "holds no audio that libsndfile can read",
        "twin.wav": r"same content as song 0\.wav",
    }
    for _ in range(2):
        found = reasons_of(songs_of())
        assert sorted(found) == sorted(expected)
        for name, reason in expected.items():
            assert re.fullmatch(reason, found[name])
    # Faults of content are known the second time.
    assert len(decoded) == len(set(decoded))
    songs = songs_of()
    with pytest.raises(InputError, match=r"9 of 13 rows cannot be used.*cut\.mp3: is cut short"):
        for name in list(FOLDER.glob("song [1-9]*")):
            name.unlink()
        songs = songs_of()
        songs.check_enough_usable(songs.usable_rows(mels_and_faults(songs)[1])[1])


def test_a_folder_that_cannot_be_read_is_said(monkeypatch):
    write_songs(1)
    (FOLDER / "locked").mkdir()
    listed = Path.iterdir

    def iterdir(path):
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert songs_of().unused[0][::3] == (
        "locked",
        "this folder cannot be read (Permission denied)",
    )


def test_a_folder_whose_files_cannot_be_looked_at_is_said(monkeypatch):
    write_songs(1)
    audiofiles.write(FOLDER / "locked" / "a.wav", audiofiles.tone())
    is_dir = Path.is_dir

    def denied(path):
        if path.parent.name == "locked":
            raise PermissionError(13, "Permission denied")
        return is_dir(path)

    monkeypatch.setattr(Path, "is_dir", denied)
    songs = songs_of()
    assert list(songs.table["music_id"]) == ["song 0.wav"]
    assert [one[::3] for one in songs.unused] == [
        ("locked/a.wav", "cannot be read (Permission denied)")
    ]


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


def test_a_folder_whose_own_name_is_not_utf8_is_refused():
    folder = Path(os.fsdecode(b"caf\xe9"))
    write_songs(1)
    FOLDER.rename(folder)
    with pytest.raises(InputError, match=r"caf\\xe9: the name of this folder is not UTF-8"):
        songs_of(folder)


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


def test_labels_are_columns_and_part_of_the_fingerprint(monkeypatch, capsys):
    write_songs(2)
    sidecar = Path("labels.csv")
    sidecar.write_text("a")
    said = {"genre": ["Jig", None], "music_id": ["own", "song 1.flac"]}

    def label_songs(root, files, data, terminal):
        assert root == FOLDER.absolute()
        assert [path.name for path in files] == ["song 0.wav", "song 1.flac"]
        return Labels(said, (sidecar.absolute(),), ((files[1], "a tag that is none"),))

    monkeypatch.setattr(reader, "label_songs", label_songs)
    songs = load_songs(FOLDER, None, CACHE, Terminal())
    assert list(songs.table["music_id"]) == ["own", "song 1.flac"]
    assert list(songs.table["genre"]) == ["Jig", None]
    assert [tuple(one) for one in songs.unused] == [("song 1.flac", 0, "", "a tag that is none")]
    assert "cannot be used: 1; the first is song 1.flac: a tag" in capsys.readouterr().err
    fingerprints = {songs.fingerprint, songs_of().fingerprint}
    said["genre"] = ["Reel", None]
    fingerprints.add(songs_of().fingerprint)
    sidecar.write_text("b")
    fingerprints.add(songs_of().fingerprint)
    assert len(fingerprints) == 3


@pytest.mark.parametrize("name", ["empty", "only text"])
def test_a_folder_without_audio_is_one_clear_line(name):
    Path(name).mkdir()
    if name == "only text":
        (Path(name) / "a.txt").write_text("lyrics")
    with pytest.raises(InputError, match=rf"{name}: neither an audio file nor \*\.parquet in this"):
        songs_of(name)


def test_files_that_are_not_there_or_no_audio_are_refused():
    write_songs(1)
    (FOLDER / "a.txt").touch()
    with pytest.raises(InputError, match=r"gone\.mp3: no such file; expected an audio file"):
        songs_of("gone.mp3")
    with pytest.raises(InputError, match=r"a\.txt: not an audio file by its name"):
        songs_of([FOLDER / "song 0.wav", FOLDER / "a.txt"])


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


def test_files_that_need_an_extra_say_which(monkeypatch, decoded):
    write_songs(3)
    (FOLDER / "a.m4a").write_bytes(b"some")
    with monkeypatch.context() as patch:
        patch.setattr(streams, "find_spec", lambda name: None)
        assert reasons_of(songs_of()) == {
            "a.m4a": ".m4a files need PyAV: pip install 'musicvae_jax[audio-av]'"
        }
    assert "a.m4a" not in decoded
    pytest.importorskip("av")
    assert "holds no audio that FFmpeg can read" in reasons_of(songs_of())["a.m4a"]


def test_ffmpeg_files_are_songs():
    pytest.importorskip("av")
    FOLDER.mkdir()
    audiofiles.write_m4a(FOLDER / "a.m4a", audiofiles.tone(2.0, 440.0, 44_100))
    assert reasons_of(songs_of()) == {}
