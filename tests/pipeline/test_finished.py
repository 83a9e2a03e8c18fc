"""Which results of earlier runs are taken as they are."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from songfiles import songs_table, write
from tinyruns import run_experiment, tiny

from musicvae_jax.config import RuntimeConfig
from musicvae_jax.pipeline import finished as pipeline
from musicvae_jax.pipeline.finished import is_finished, run_unless_finished
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.runtime.workers import FOR_ONE_RUN
from musicvae_jax.songs import load_songs

MANIFEST = Path("out/manifest.json")


@pytest.fixture
def finished(song_path, quick_projections, no_figures):
    """An experiment that has run, and the fingerprint of its songs."""
    experiment = tiny("easy_pca", song_path, output_dir=MANIFEST.parent)
    run_experiment(experiment)
    fingerprint = load_songs(song_path).fingerprint
    assert is_finished(experiment, fingerprint)
    return experiment, fingerprint


def test_other_code_that_computes_is_not_finished_and_other_code_that_draws_is(finished):
    content = json.loads(MANIFEST.read_text())
    code = content["code"]
    for other, expected in (
        # Of the version before, which had one for everything.
        ("abc", False),
        (None, False),
        ({}, False),
        (code | {"computing": "abc"}, False),
        (code | {"drawing": "abc"}, True),
    ):
        MANIFEST.write_text(json.dumps(content | {"code": other}))
        assert is_finished(*finished) == expected, other
    MANIFEST.write_text(json.dumps({name: content[name] for name in content if name != "code"}))
    assert not is_finished(*finished)


def test_other_settings_or_songs_are_not_finished(finished, tmp_path):
    experiment, fingerprint = finished
    assert not is_finished(replace(experiment, seeds=(0,)), fingerprint)
    other_songs = load_songs(write(tmp_path / "other.parquet", songs_table(23)))
    assert not is_finished(experiment, other_songs.fingerprint)


@pytest.mark.parametrize("content", [None, "", "not json", "[1]"])
def test_without_a_whole_manifest_nothing_is_finished(finished, content):
    MANIFEST.unlink()
    for text in filter(None, [content]):
        MANIFEST.write_text(text)
    assert not is_finished(*finished)


def test_without_its_checkpoint_nothing_is_finished(finished):
    experiment, _ = finished
    shutil.rmtree(experiment.checkpoint_dir)
    assert not is_finished(*finished)


def test_without_its_map_nothing_is_finished(finished):
    experiment, _ = finished
    (experiment.results_dir / "map.html").unlink()
    assert not is_finished(*finished)


@pytest.fixture
def runs(monkeypatch):
    """Collects the experiments that are run, in place of running them."""
    names = []
    monkeypatch.setattr(pipeline, "run_experiment", lambda one, *_: names.append(one.name))
    return names


def run_again(experiment, **runtime):
    run_unless_finished(experiment, RuntimeConfig(**runtime), FOR_ONE_RUN, Terminal())


def test_a_finished_run_is_not_run_again_and_says_so(finished, runs, capsys):
    run_again(finished[0])
    assert runs == []
    assert "easy_pca: finished before, with the same settings, songs" in capsys.readouterr().out


@pytest.mark.parametrize("runtime", [{"fresh": True}, {"track": "tensorboard"}])
def test_it_is_when_everything_is_to_be_fresh_or_followed(finished, runs, runtime):
    run_again(finished[0], **runtime)
    assert runs == ["easy_pca"]


def test_it_is_with_other_settings(finished, runs):
    run_again(replace(finished[0], seeds=(0,)))
    assert runs == ["easy_pca"]


def test_its_figures_are_redrawn_when_other_code_draws_them(finished, runs, monkeypatch):
    drawn = []
    monkeypatch.setattr(pipeline, "redraw", lambda folders, *_: drawn.extend(folders))
    run_again(finished[0])
    assert drawn == []
    about = json.loads(MANIFEST.read_text())
    MANIFEST.write_text(json.dumps(about | {"code": about["code"] | {"drawing": "abc"}}))
    run_again(finished[0])
    assert (drawn, runs) == ([MANIFEST.parent], [])
    assert json.loads(MANIFEST.read_text()) == about
