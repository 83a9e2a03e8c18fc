"""Suites: the command line, what is run and what is not, what is written."""

import json
import re
from dataclasses import replace
from html import escape
from pathlib import Path

import pandas as pd
import pytest
import tablefiles
from songfiles import songs_table, with_column, write

from experiments import suite
from musicvae_jax.pipeline import collection
from musicvae_jax.registry import CHECKPOINT_NAMES, EXPERIMENTS, SUITES
from musicvae_jax.reporting import pictures
from musicvae_jax.trained import load

PICTURES = {
    "beta_vae_latent_spaces",
    "cluster_distributions",
    "cluster_selection",
    "comprehensive_results",
    "language_tradeoff",
    "latent_interpolation",
    "reconstruction_examples",
    "training_curves",
    "tsne_visualization",
    "umap_visualization",
}
QUICK = ["--epochs", "1", "--k", "3", "--seeds", "0", "1", "--lyrics.runtime", "tfidf"]
QUICK += ["--data.heldout-fraction", "0.2"]


@pytest.fixture(autouse=True)
def quick(quick_projections, no_figures):
    """t-SNE and UMAP have tests of their own."""


def run_suite(*arguments):
    return suite.main([str(argument) for argument in arguments])


def tree(folder):
    return {p: p.stat().st_mtime_ns for p in Path(folder).rglob("*") if p.is_file()}


def test_a_suite_is_one_process(capsys):
    assert run_suite("easy", "--distributed") == 2
    assert "distributed: got True, expected False for a suite" in capsys.readouterr().err


def experiments_of(*names):
    """Name of each table to the experiments in it."""
    return {
        group: [one.name for one in found]
        for group, found in suite.Command(names).experiments.items()
    }


def test_experiments_are_named_beside_suites_in_any_order():
    assert experiments_of("hard_cvae", "easy_pca") == {"selected": ["hard_cvae", "easy_pca"]}
    found = experiments_of("hard_cvae", "easy", "medium_lyrics")
    assert list(found) == ["selected", "easy"]
    assert found["selected"] == ["hard_cvae", "medium_lyrics"]
    assert found["easy"] == list(SUITES["easy"])


def test_what_is_named_twice_runs_once():
    assert experiments_of("hard_ae", "easy_pca", "hard_ae") == {"selected": ["hard_ae", "easy_pca"]}
    assert experiments_of("easy_pca", "easy", "easy") == {"easy": list(SUITES["easy"])}


def test_the_help_says_what_can_be_named(capsys):
    with pytest.raises(SystemExit) as stop:
        run_suite("--help")
    assert stop.value.code == 0
    printed = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "Suites (easy, medium, hard), experiments (python -m experiments.run --list)" in printed
    assert "NAME" in printed


@pytest.mark.slow
def test_named_experiments_share_their_tables(song_path, capsys):
    command = ["easy_pca", "easy_spectral", "easy_pca", "--data.path", song_path, *QUICK]
    assert run_suite(*command) == 0
    printed = capsys.readouterr().out
    for name in ("easy_pca", "easy_spectral"):
        assert printed.count(f"{name}: running") == 1
    assert "selected experiments on" in printed
    table = pd.read_csv("results/selected_task_results.csv")
    assert table["experiment"].unique().tolist() == ["easy_pca", "easy_spectral"]
    assert not Path("results/easy_task_results.csv").exists()


def test_every_experiment_is_in_one_suite():
    assert sorted(name for names in SUITES.values() for name in names) == sorted(EXPERIMENTS)


@pytest.mark.slow
def test_all_suites_from_songs_to_report_and_not_twice(song_path, capsys):
    command = ["easy", "medium", "hard", "--data.path", song_path, *QUICK]
    assert run_suite(*command) == 0
    assert {p.stem for p in Path("results/visualizations").glob("*.png")} == PICTURES
    for name, experiments in SUITES.items():
        table = pd.read_csv(f"results/{name}_task_results.csv")
        assert table["experiment"].unique().tolist() == list(experiments)
        summary = pd.read_csv(f"results/{name}_summary.csv")
        assert summary["experiment"].unique().tolist() == list(experiments)
        assert summary["language_probe_mean"].notna().all()
        assert table["n_seeds"].eq(2).all()
        kmeans = table[table["clusterer"] == "kmeans"]
        assert kmeans["n_clusters"].astype(str).eq("3").all()
        assert kmeans["ami_genre_mean"].notna().all()
        assert kmeans["ami_genre_std"].notna().all()
    assert {"autoencoder", "basic_vae", "beta_vae_4", "conv_vae", "cvae"} < {
        p.name for p in Path("checkpoints").iterdir()
    }
    assert load("checkpoints/beta_vae_4").experiment.train.beta == (4.0,)
    song_map = Path("results/map.html").read_text()
    assert all(f'"{one}: ' in song_map for one in EXPERIMENTS)
    report = Path("results/report.html").read_text()
    assert report.count("data:image/webp;base64,") == len(PICTURES)
    assert all(f"href='./{one}/map.html'" in report for one in EXPERIMENTS)
    assert "Does the VAE beat PCA on genre here?" in re.sub("<[^>]*>", "", report)
    n2d = pd.read_csv("results/hard_task_results.csv").query("clusterer == 'umap_gmm'")
    assert n2d["experiment"].tolist() == ["hard_n2d"]
    assert n2d["ami_genre_mean"].notna().all()
    assert "<td>umap_gmm</td>" in report
    alarms = {
        one: json.loads(Path(f"results/{one}/manifest.json").read_text())["alarms"]
        for one in EXPERIMENTS
    }
    lines = [f"<strong>{one}</strong>: {escape(a)}" for one, of in alarms.items() for a in of]
    # After one epoch few posteriors say anything.
    assert lines
    assert all(line in report for line in lines)
    assert "genre AMI" in capsys.readouterr().out

    before = tree("results") | tree("checkpoints")
    assert run_suite(*command) == 0
    assert tree("results") | tree("checkpoints") == before
    printed = capsys.readouterr().out
    assert printed.count("finished before, not run again") == len(EXPERIMENTS)
    assert "up to date" in printed

    # Other settings, other code or --fresh run again.
    assert run_suite("easy", "--data.path", song_path, *QUICK, "--seeds", "0") == 0
    assert "finished before" not in capsys.readouterr().out
    assert run_suite("easy", "--data.path", song_path, *QUICK, "--seeds", "0") == 0
    assert capsys.readouterr().out.count("finished before") == len(SUITES["easy"])
    assert run_suite("easy", "--data.path", song_path, *QUICK, "--seeds", "0", "--fresh") == 0
    assert "finished before" not in capsys.readouterr().out


@pytest.mark.slow
def test_the_overview_tells_of_projections_that_show_a_sample(tmp_path, monkeypatch):
    named = EXPERIMENTS["easy_pca"]
    cluster = replace(named.experiment.cluster, exact_songs=100)
    changed = named._replace(experiment=replace(named.experiment, cluster=cluster))
    monkeypatch.setitem(EXPERIMENTS, "easy_pca", changed)
    monkeypatch.setitem(SUITES, "easy", ("easy_pca",))
    titles, draw = [], pictures.projection_grid
    monkeypatch.setattr(
        pictures, "projection_grid", lambda *args: titles.append(args[-1]) or draw(*args)
    )
    path = write(tmp_path / "s.parquet", songs_table(130))
    assert run_suite("easy", "--data.path", path, *QUICK) == 0
    assert titles == ["s, 130 songs, a sample of 100 songs"] * 2


@pytest.mark.slow
def test_the_quiet_command_prints_notices_only(song_path, capsys, monkeypatch):
    monkeypatch.setitem(SUITES, "easy", ("easy_pca",))
    monkeypatch.setattr(collection, "draw_overview", lambda *rest: rest[-1].say("a table"))
    assert run_suite("--quiet", "easy", "--data.path", song_path, *QUICK) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert all(line.startswith("notice: ") for line in printed.err.splitlines())


@pytest.mark.slow
def test_an_experiment_that_cannot_run_leaves_the_others(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(SUITES, "medium", ("easy_spectral", "medium_lyrics"))
    table = with_column(songs_table(), "music_lyrics", [None] * 24)
    path = write(tmp_path / "s.parquet", table)
    assert run_suite("medium", "--data.path", path, *QUICK, "--output-dir", "out") == 2
    printed = capsys.readouterr().err
    assert "notice: medium_lyrics is left out: lyrics: missing in 24 of 24" in printed
    assert printed.splitlines()[-1].startswith(
        "error: 1 experiment(s) could not run: medium_lyrics"
    )
    table = pd.read_csv("out/medium_task_results.csv")
    assert table["experiment"].unique().tolist() == ["easy_spectral"]
    assert not Path("results").exists()
    assert not Path("checkpoints").exists()


@pytest.mark.slow
def test_a_suite_on_a_table_runs_what_a_table_can(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(SUITES, "medium", ("easy_vae", "medium_conv_vae", "easy_vae_mfcc"))
    monkeypatch.setitem(SUITES, "easy", ("easy_pca", "hard_mfa"))
    path = tablefiles.write(tmp_path / "t.csv", tablefiles.gtzan_like())
    assert run_suite("medium", "easy", "--data.path", path, *QUICK) == 2
    printed = capsys.readouterr().err.splitlines()
    left_out = [line.split(": ")[1] for line in printed if "is left out" in line]
    assert left_out == [
        f"{name} is left out" for name in ("medium_conv_vae", "easy_vae_mfcc", "hard_mfa")
    ]
    assert "notice: easy_vae_mfcc is left out: on these songs it is easy_vae" in printed
    assert sum("the place of statistics" in line for line in printed) == 2
    assert printed[-1].startswith("error: 2 experiment(s) could not run: medium_conv_vae (")
    for which, name in (("medium", "easy_vae"), ("easy", "easy_pca")):
        table = pd.read_csv(f"results/{which}_task_results.csv")
        assert table["experiment"].unique().tolist() == [name]
    assert Path("results/report.html").exists()


def test_a_suite_of_which_nothing_can_run_is_an_error(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(SUITES, "medium", ("medium_conv_vae",))
    path = tablefiles.write(tmp_path / "t.csv", tablefiles.gtzan_like())
    assert run_suite("medium", "--data.path", path, *QUICK) == 2
    assert "1 experiment(s) could not run: medium_conv_vae" in capsys.readouterr().err
    assert not Path("results").exists()


@pytest.mark.parametrize("name", ["report.html", "map.html"])
def test_a_page_that_no_suite_made_is_not_replaced(song_path, capsys, name):
    Path("results").mkdir()
    Path("results", name).write_text("mine")
    assert run_suite("easy", "--data.path", song_path, *QUICK) == 2
    assert f"results/{name} exists and no suite made it" in capsys.readouterr().err
    assert Path("results", name).read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "names: got none, expected one or more of easy, medium, hard or names of experiments"),
        (["easy", "harder", "hard_cave"], "names: got 'harder', 'hard_cave', expected one or more"),
        (["easy", "hard_cave"], "(python -m experiments.run --list); the nearest is hard_cvae"),
        (["medium_lyrics", "--k", "1"], "cluster.k: got 1, expected at least 2"),
        (["easy", "--k", "1"], "cluster.k: got 1, expected at least 2"),
        (["easy", "--epochs", "0"], "train.epochs: got 0, expected at least 1"),
        (["easy", "--data.path", "gone.parquet"], "gone.parquet: no such file"),
    ],
)
def test_bad_values_are_one_line(arguments, message, capsys):
    assert run_suite(*arguments) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ")
    assert message in error


@pytest.mark.parametrize(
    ("arguments", "arrived", "expected"),
    [
        (["easy", "--sed", "1"], "--sed, 1", "--seeds"),
        (["easy", "--force"], "--force", "--help"),
    ],
)
def test_arguments_that_cannot_be_read(arguments, arrived, expected, capsys):
    with pytest.raises(SystemExit) as stop:
        run_suite(*arguments)
    assert stop.value.code == 2
    # tyro draws a frame and wraps its lines.
    message = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert arrived in message
    assert expected in message


def test_checkpoint_names_are_of_experiments():
    assert {experiment for experiment, _ in CHECKPOINT_NAMES.values()} <= set(EXPERIMENTS)
