"""Files and folders of audio that cannot be used, and what is said of each."""

import os
import re
from pathlib import Path

import audiofiles
import numpy as np
import pytest
from audiofolders import FOLDER, mels_and_faults, reasons_of, songs_of, write_songs

from musicvae_jax.errors import InputError
from musicvae_jax.songs.audio import streams

pytestmark = pytest.mark.usefixtures("in_this_process")


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
    (FOLDER / "song 0 (1).wav").write_bytes((FOLDER / "song 0.wav").read_bytes())
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
        "song 0 (1).wav": r"same content as song 0\.wav",
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


def test_a_folder_whose_own_name_is_not_utf8_is_refused():
    folder = Path(os.fsdecode(b"caf\xe9"))
    write_songs(1)
    FOLDER.rename(folder)
    with pytest.raises(InputError, match=r"caf\\xe9: the name of this folder is not UTF-8"):
        songs_of(folder)


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
