"""What is decoded once, and found again until a file changes."""

import os
import time
from pathlib import Path

import audiofiles
import numpy as np
import pytest
from audiofolders import CACHE, FOLDER, mels_and_faults, songs_of, write_songs

from musicvae_jax.errors import InputError
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import load_songs
from musicvae_jax.songs.audio import digests, streams

pytestmark = pytest.mark.usefixtures("in_this_process")


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
