"""Which results of earlier runs a suite takes as they are, and how far it says it is."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from clocks import Clock
from songfiles import songs_table, write
from tinyruns import run_experiment, tiny

from musicvae_jax.config import RuntimeConfig
from musicvae_jax.errors import InputError
from musicvae_jax.pipeline import collection
from musicvae_jax.pipeline.collection import is_finished
from musicvae_jax.runtime.tasks import describe
from musicvae_jax.runtime.terminal import Terminal
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


def test_a_suite_says_which_experiment_runs_and_how_long_the_others_take(song_path, monkeypatch):
    clock, lines = Clock(), []
    terminal = Terminal(clock=clock)

    def run_for_ten_minutes(experiment, runtime, workers, terminal):
        lines.append(describe(terminal._tasks))
        clock.now += 600.0
        if experiment.name == "easy_vae":
            raise InputError("no such thing")

    monkeypatch.setattr(collection, "run_experiment", run_for_ten_minutes)
    monkeypatch.setattr(collection, "is_finished", lambda one, _: one.name == "easy_pca")
    suites = {
        "easy": [tiny("easy_spectral", song_path), tiny("easy_pca", song_path)],
        "hard": [tiny("easy_vae", song_path), tiny("hard_cvae", song_path)],
    }
    finished, failed = collection._run_missing(suites, RuntimeConfig(), terminal)
    assert lines == [
        "experiment 1 of 4: 0 s so far",
        "experiment 3 of 4: 0 s so far; all experiments: about 20 min left",
        "experiment 4 of 4: 0 s so far; all experiments: about 10 min left",
    ]
    assert [one.name for one in finished["hard"]] == ["hard_cvae"]
    assert failed == {"easy_vae": "no such thing"}
    assert terminal._tasks == []
