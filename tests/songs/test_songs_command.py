"""`python -m musicvae_jax.songs`: songs as one file, and what there is."""

import subprocess
import sys
from pathlib import Path

import audiofiles
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from songfiles import songs_table, tagged_table, with_column, write

from musicvae_jax.config import FeatureConfig
from musicvae_jax.errors import InputError
from musicvae_jax.features import extract_features
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import load_songs
from musicvae_jax.songs.__main__ import main
from musicvae_jax.songs.export import export_songs
from musicvae_jax.songs.table import Features
from musicvae_jax.songs.usable import find_usable


@pytest.fixture
def folder():
    for i in range(5):
        audiofiles.write(Path(f"music/{i}.wav"), audiofiles.noise(1.0 + i, i))
    Path("music/bad.mp3").write_text("no audio")
    return Path("music")


def features_of(path):
    found = extract_features(load_songs(path), FeatureConfig())
    return found.table, found.values


@pytest.mark.slow
def test_a_folder_as_one_file_gives_the_same_features_and_labels(folder, capsys):
    assert main([str(folder), "--out", "songs.parquet"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1] == "songs.parquet: 5 songs, 1 rejected"
    assert printed.err == "notice: rejected: bad.mp3: holds no audio that libsndfile can read\n"
    (table, values), (expected_table, expected_values) = map(features_of, ("songs.parquet", folder))
    np.testing.assert_array_equal(values, expected_values)
    known = ["music_id", "title"]
    pd.testing.assert_frame_equal(table[known], expected_table[known])
    schema = pq.read_schema("songs.parquet")
    assert str(schema.field("melspectrogram").type).count("float") == 1
    assert schema.field("language_source").type == "string"


@pytest.mark.parametrize("arguments", [["--quiet", "check"], ["--out", "songs.parquet", "--quiet"]])
def test_the_quiet_command_prints_no_results(folder, capsys, arguments):
    assert main([*arguments, str(folder)]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    notice = "notice: rejected: bad.mp3: holds no audio that libsndfile can read\n"
    assert printed.err == (notice if "--out" in arguments else "")


def test_labels_of_every_kind_are_kept(tmp_path):
    table = tagged_table().append_column("factor_tempo", [[60.0 + i for i in range(24)]])
    table = table.append_column("art_rank", [list(range(24))])
    before = load_songs(write(tmp_path / "before.parquet", table))
    rows = find_usable(before, Terminal(True)).rows
    assert export_songs(before, rows, tmp_path / "after.parquet") == 24
    after = load_songs(tmp_path / "after.parquet")
    known = [name for name in before.table if before.table[name].notna().any()]
    assert {"musicnn_tags", "factor_tempo", "art_rank", "artist_id"} <= set(known)
    pd.testing.assert_frame_equal(after.table[known], before.table[known])


def test_songs_without_mels_cannot_be_written(song_path):
    songs = load_songs(song_path)._replace(features=Features(np.zeros((24, 2)), ("a", "b")))
    with pytest.raises(InputError, match="has features and no mel spectrograms"):
        export_songs(songs, np.arange(24), Path("x.parquet"))


@pytest.mark.slow
def test_check_says_what_a_folder_holds(folder, capsys):
    assert main(["check", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [
        "songs: 6 found, 5 usable, 1 rejected",
        "lengths: 1.0 to 5.0 s of mel spectrogram, median 3.0 s",
        "lyrics: 0 of 5 songs",
        "genres: 0 (none known for 5)",
        "languages: 0 (none known for 5)",
        "artists: 0 (none known for 5)",
        "rejected: bad.mp3: holds no audio that libsndfile can read",
    ]


def test_check_says_what_a_parquet_file_holds(tmp_path, capsys):
    table = songs_table().append_column("factor_tempo", [[1.0] * 24])
    path = write(tmp_path / "songs.parquet", with_column(table, "music_id", ["a", "a"] * 12))
    assert main(["check", str(path)]) == 2
    printed = capsys.readouterr()
    assert "songs: 24 found, 1 usable, 23 rejected\n" in printed.out
    assert "factors: factor_tempo\n" in printed.out
    assert "rejected: row 1: music_id is a duplicate of row 0\n" in printed.out
    assert "error: " in printed.err
    assert "23 of 24 rows cannot be used" in printed.err


@pytest.mark.slow
def test_check_says_what_is_not_used(folder, capsys):
    (folder / "loop").symlink_to(".")
    assert main(["check", str(folder)]) == 0
    assert "not used: loop: links to a folder that is read already\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.parquet", "--out", "a.parquet"], "gone.parquet: no such file"),
        (["check", "gone"], "gone: no such file; expected a parquet file in the 4MuLA schema, or"),
        (["--out", "a.parquet"], "paths: got none"),
        (["music", "--out", "a.csv"], "out: got a.csv, expected a name that ends in .parquet"),
        (["music", "--out", "no/a.parquet"], "out: got no/a.parquet, expected a file in a folder"),
        (["music", "--out", "music/a.parquet"], "expected a file outside the folder of songs"),
        (["check", "music", "--data.path", "x"], "data.path: expected the songs without an option"),
        (["check", "music", "--data.seconds", "0"], "data.seconds: got 0.0, expected 1 <= seconds"),
    ],
)
def test_bad_arguments_are_one_line(folder, arguments, message, capsys):
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1
    assert not Path("a.parquet").exists()


def test_help_needs_nothing_heavy():
    program = (
        "import runpy, sys; sys.argv[1:] = ['--help']\n"
        "try: runpy.run_module('musicvae_jax.songs', run_name='__main__')\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "assert not {'jax', 'librosa', 'soundfile', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Write songs to one parquet file" in done.stdout
