"""Decoding folders of audio in other processes: crashes, hangs, kills and damaged files."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import audiofiles
import numpy as np
import pandas as pd
import pytest
from tinyruns import run_experiment, tiny

from musicvae_jax.config import DataConfig
from musicvae_jax.pipeline.finished import is_finished
from musicvae_jax.pipeline.resolve import resolve
from musicvae_jax.runtime.files import read_json
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import load_songs
from musicvae_jax.songs.audio import decode, pool

FOLDER, CACHE = Path("music"), Path("cache")


def write_songs():
    for i, suffix in enumerate((".wav", ".flac", ".ogg")):
        audiofiles.write(FOLDER / f"song {i}{suffix}", audiofiles.noise(1.0, i))


def songs_of(**data):
    return load_songs(FOLDER, DataConfig(**data), CACHE)


def reasons_of(songs):
    """Reason of every rejected file."""
    faults = {
        part.first_row + row: reason
        for part in songs.parts
        for block in part.mel_blocks()
        for row, reason in block.faults
    }
    return {one.file: one.reason for one in songs.usable_rows(faults)[1]}


@pytest.mark.slow
def test_a_decoder_that_hangs_or_crashes_costs_its_file_and_is_tried_again(monkeypatch):
    write_songs()
    monkeypatch.setattr(pool, "decode_file", decode_badly)
    assert reasons_of(songs_of(decode_seconds=10.0)) == {
        "song 0.wav": "decoding failed: crashed (SIGSEGV)",
        "song 1.flac": "decoding failed: took longer than 10 s",
    }
    monkeypatch.setattr(pool, "decode_file", decode.decode_file)
    assert reasons_of(songs_of()) == {}


def decode_badly(task):
    """For worker processes, which import it from this module."""
    if task.file.path.suffix == ".wav":
        os.kill(os.getpid(), signal.SIGSEGV)
    if task.file.path.suffix == ".flac":
        time.sleep(3600)
    return decode.decode_file(task)


@pytest.mark.slow
def test_a_file_that_changes_while_it_is_read_is_not_kept(monkeypatch):
    write_songs()
    monkeypatch.setattr(pool, "decode_file", decode_changed)
    assert reasons_of(songs_of())["song 0.wav"] == (
        "decoding failed: OSError: the file was changed while it was read"
    )
    assert not list(CACHE.rglob("*.npy"))


def decode_changed(task):
    task.file.path.touch()
    return decode.decode_file(task)


@pytest.mark.slow
def test_progress_and_speed_are_said(capsys):
    write_songs()
    load_songs(FOLDER, None, CACHE, Terminal())
    assert re.search(
        r"audio: decoded 3 songs in \d+\.\d s, \d+\.\d songs/s in \d+ processes; \d+% of their "
        r"time for decoding and resampling, \d+% for mel spectrograms\n",
        capsys.readouterr().out,
    )
    load_songs(FOLDER, None, CACHE, Terminal())
    assert capsys.readouterr().out == "audio: 3 songs, none to decode\n"


@pytest.mark.slow
def test_a_killed_run_decodes_only_the_rest(capsys):
    n_songs = 120
    FOLDER.mkdir()
    for i in range(n_songs):
        audiofiles.write(FOLDER / f"{i}.flac", audiofiles.noise(20.0, i, 44_100), 44_100)
    program = (
        "from pathlib import Path\n"
        "from musicvae_jax.songs import load_songs\n"
        f"load_songs({str(FOLDER)!r}, None, Path({str(CACHE)!r}))"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as running:
        deadline = time.monotonic() + 120
        # Not rglob, which would look into temporary folders that come and go.
        while len(list(CACHE.glob("audio-mels/*/*.npy"))) < 20 and time.monotonic() < deadline:
            time.sleep(0.01)
        running.kill()
    # The songs in flight may still be finished.
    time.sleep(2)
    n_done = len(list(CACHE.rglob("*.npy")))
    assert 20 <= n_done < n_songs
    assert reasons_of(load_songs(FOLDER, None, CACHE, Terminal())) == {}
    assert f"audio: decoded {n_songs - n_done} songs" in capsys.readouterr().out
    assert not list(CACHE.rglob(".partial-*"))


@pytest.mark.slow
def test_500_mutations_end_no_run():
    rng = np.random.default_rng(0)
    song = np.stack([audiofiles.noise(2.0, 1, 24_000), audiofiles.tone(2.0, 440, 24_000)], axis=1)
    plain = [
        audiofiles.write(Path(f"plain{suffix}"), song, 24_000).read_bytes()
        for suffix in (".wav", ".flac", ".ogg", ".mp3")
    ]
    FOLDER.mkdir()
    for i in range(500):
        suffix = (".wav", ".flac", ".ogg", ".mp3")[i % 4]
        (FOLDER / f"{i}{suffix}").write_bytes(mutated(plain, i % 4, rng))
    songs = songs_of(decode_seconds=20.0)
    reasons = reasons_of(songs)
    assert len(songs.table) == 500
    # Cut .wav and .ogg files are shorter songs.
    assert 100 < len(reasons) < 400
    for reason in reasons.values():
        assert reason
        assert "\n" not in reason
        # What a library raises is known: anything else is a mistake of ours.
        assert not re.match(r"decoding failed: \w+Error", reason)


def mutated(plain, which, rng):
    """A file with flipped bytes, or cut at its end, or with a part of it or another's in it."""
    content = bytearray(plain[which])
    kind = rng.integers(3)
    if kind == 0:
        # Half of the time in the header.
        end = 200 if rng.random() < 0.5 else len(content)
        for place in rng.integers(0, end, rng.integers(1, 20)):
            content[place] = rng.integers(256)
    elif kind == 1:
        del content[rng.integers(len(content)) :]
    else:
        other = plain[rng.integers(len(plain))]
        start, end = np.sort(rng.integers(0, len(other), 2))
        place = rng.integers(len(content))
        content[place : place + rng.integers(0, 2000)] = other[start:end]
    return bytes(content)


@pytest.mark.slow
def test_a_folder_of_audio_is_a_whole_run(no_figures, quick_projections):
    for i in range(24):
        song = audiofiles.noise(3.0, i) + audiofiles.tone(3.0, 200.0 * (1 + i % 4))
        audiofiles.write(FOLDER / f"{i}.flac", 0.5 * song)
    strange = {
        b"new\nline.flac": "new\nline.flac",
        b"caf\xe9.flac": "caf\\xe9.flac",
        b"<b>'\".flac": "<b>'\".flac",
    }
    for i, name in enumerate(strange):
        (FOLDER / f"{i}.flac").rename(FOLDER / os.fsdecode(name))
    (FOLDER / os.fsdecode(b"bad\n\xff.mp3")).write_text("no audio")
    (FOLDER / "loop").symlink_to(".")
    folder = run_experiment(tiny("easy_pca", FOLDER, cluster={"k": 3}))
    rejected = pd.read_csv(folder / "rejected.csv", keep_default_na=False)
    assert rejected.to_dict("records") == [
        {
            "file": "bad\n\\xff.mp3",
            "row": 0,
            "music_id": "bad\n\\xff.mp3",
            "reason": "holds no audio that libsndfile can read",
        },
        {
            "file": "loop",
            "row": 0,
            "music_id": "",
            "reason": "links to a folder that is read already",
        },
    ]
    assert set(strange.values()) < set(pd.read_parquet(folder / "latents.parquet")["music_id"])
    about = read_json(folder / "manifest.json")
    assert (about["data"]["songs"], about["data"]["rejected"]) == (24, 1)
    experiment = resolve(tiny("easy_pca", FOLDER, cluster={"k": 3}), Terminal())
    cache_dir = experiment.features.cache_dir
    songs = load_songs(FOLDER, experiment.data, cache_dir)
    assert is_finished(experiment, songs.fingerprint)
    audiofiles.write(FOLDER / "5.flac", audiofiles.noise(3.0, 99))
    assert not is_finished(experiment, load_songs(FOLDER, None, cache_dir).fingerprint)


@pytest.mark.slow
def test_decoding_does_not_import_jax():
    program = (
        "import sys\n"
        "from musicvae_jax.songs.audio.decode import _warm_up\n"
        "_warm_up()\n"
        "assert 'librosa' in sys.modules\n"
        "assert 'jax' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
