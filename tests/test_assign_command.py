"""`python -m musicvae_jax.assign`: its table, the runs that it takes, and bad arguments."""

import csv
import json
import runpy
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clusteredruns import clusters_of, run
from processes import clean_environment
from smallfits import PCA
from songfiles import songs_table, with_column, with_mel, write

import musicvae_jax as mv
from musicvae_jax.errors import EXIT_BAD_INPUT

HOSTILE = 'a, "b"\n\x1b[31m[red]c[/red]'


def command(monkeypatch, *arguments):
    """Runs the command in this process; returns its exit code."""
    monkeypatch.setattr(sys, "argv", ["assign", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("musicvae_jax.assign", run_name="__main__")
    return stop.value.code


@pytest.mark.slow
def test_a_new_song_into_a_moved_run_without_its_songs(tmp_path, quick_projections, no_figures):
    """In a process of its own, as users start it, from another folder."""
    known = with_column(songs_table(), "music_name", [HOSTILE, *map(str, range(23))])
    path = write(tmp_path / "known.parquet", known)
    results = run("easy_vae", path, output_dir=Path("out"))
    expected = clusters_of(results, "vae")
    path.unlink()
    results.rename("moved")
    write(tmp_path / "new.parquet", with_mel(songs_table(4), 2, None))
    Path("elsewhere").mkdir()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "musicvae_jax.assign", "../moved", "../new.parquet"),
            *("--out", "new.csv"),
        ],
        cwd="elsewhere",
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "song 00: Title 0, by artist 00"
    assert lines[1].startswith(f"  cluster {expected['song 00']}: distance ")
    assert lines[2] == "  nearest known songs:"
    assert lines[3] == (r'    0.000  song 00: a, "b"\n\x1b[31m[red]c[/red], by artist 00')
    assert lines[-4] == "song 02"
    assert lines[-3].startswith("  in no cluster: row 2: ")
    assert lines[-2].startswith("3 of 4 song(s) in ")
    assert lines[-1] == "table: new.csv"
    assert len(lines) == 3 * 8 + 4
    with Path("elsewhere/new.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["music_id"] for row in rows] == ["song 00", "song 01", "song 03", "song 02"]
    assert rows[0]["nearest_1_title"] == HOSTILE
    assert rows[3]["cluster"] == ""
    assert [int(row["cluster"]) for row in rows[:3]] == expected.iloc[[0, 1, 3]].tolist()


def test_the_command_writes_the_table_of_the_verb(
    song_path, songs, monkeypatch, capsys, quick_projections, no_figures
):
    run("easy_pca", song_path)
    assert command(monkeypatch, "results/easy_pca", song_path, "--out", "all.csv") == 0
    assert capsys.readouterr().out.endswith("table: all.csv\n")
    table = mv.assign(mv.load("checkpoints/easy_pca"), songs)
    found = pd.read_csv("all.csv")
    assert list(found) == list(table)
    text = table.select_dtypes(object).columns.drop("reason")
    assert found[text].equals(table[text].astype(found[text].dtypes))
    numbers = table.select_dtypes("number").astype(float)
    np.testing.assert_allclose(found[numbers.columns].astype(float), numbers, atol=1e-6)
    # The checkpoint does as well.
    arguments = ("checkpoints/easy_pca", song_path, "--out", "again.csv", "--quiet")
    capsys.readouterr()
    assert command(monkeypatch, *arguments) == 0
    assert capsys.readouterr().out == ""
    assert Path("again.csv").read_bytes() == Path("all.csv").read_bytes()


@pytest.mark.slow
def test_results_kept_under_another_name_are_not_those_of_a_later_checkpoint(
    song_path, monkeypatch, capsys, quick_projections, no_figures
):
    shutil.copytree(run("easy_pca", song_path), "results/first")
    assert command(monkeypatch, "results/first", song_path) == 0
    # Results of an earlier version lack a setting.
    config = json.loads(Path("results/first/config.json").read_text())
    assert config.pop("map")
    Path("results/first/config.json").write_text(json.dumps(config))
    assert command(monkeypatch, "results/first", song_path) == 0
    run("easy_pca", song_path, cluster={"k": 4})
    assert command(monkeypatch, "results/easy_pca", song_path) == 0
    assert command(monkeypatch, "results/first", song_path) == EXIT_BAD_INPUT
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: results/first: its checkpoint ")
    assert "is of a run with other settings than results/first/config.json" in error


def test_several_files_are_opened_together_as_the_known_songs_were(
    songs, monkeypatch, capsys, tmp_path
):
    experiment = replace(PCA, data=mv.DataConfig(heldout_fraction=0.2))
    mv.fit(experiment, songs, quiet=True).save("c")
    files = [write(tmp_path / f"{n}.parquet", songs_table().slice(n, 2)) for n in (4, 8)]
    opened = []

    def assign(model, songs, terminal):
        opened.append(songs)
        raise mv.InputError("enough")

    monkeypatch.setattr("musicvae_jax.pipeline.new_songs.assign_as_run", assign)
    assert command(monkeypatch, "c", *files) == EXIT_BAD_INPUT
    assert capsys.readouterr().err.endswith("error: enough\n")
    assert opened[0].table["music_id"].tolist() == [f"song 0{place}" for place in (4, 5, 8, 9)]
    assert opened[0].data.heldout_fraction == 0.2


def test_bad_arguments_are_one_clear_line(model, song_path, monkeypatch, capsys):
    model.save("without")
    Path("results/x").mkdir(parents=True)
    Path("results/x/config.json").write_text('{"name": "x", "output_dir": null}')
    Path("empty").mkdir()
    for arguments, message in (
        (
            ["gone", song_path],
            "gone: no such folder; expected the checkpoint or the results folder",
        ),
        (["empty", song_path], "empty: holds no checkpoint and no config.json; expected the"),
        (["results/x", song_path], "results/x: its checkpoint is not at "),
        (["without", "gone.parquet"], "gone.parquet: no such file"),
        (["without", song_path], "clusters: got none, and the model has none; expected"),
        (["without"], "songs: got none, expected one or more files, a folder or a glob"),
        (
            ["without", song_path, "--out", "gone/a.csv"],
            "out: got gone/a.csv, expected a file",
        ),
        (["without", song_path, "--out", "empty"], "out: got empty, which is a folder"),
        (
            ["without", song_path, "--out", "a.txt"],
            "out: got a.txt, expected a name that ends in .csv",
        ),
    ):
        assert command(monkeypatch, *arguments) == EXIT_BAD_INPUT
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith(f"error: {message}"), error


def test_help_starts_without_the_heavy_libraries():
    code = """
import runpy, sys
sys.argv = ["assign", "--help"]
try:
    runpy.run_module("musicvae_jax.assign", run_name="__main__")
except SystemExit as stop:
    assert stop.code == 0
assert not {"jax", "numpy", "pandas", "sklearn"} & set(sys.modules)
"""
    subprocess.run(
        [sys.executable, "-c", code], check=True, env=clean_environment(), capture_output=True
    )
