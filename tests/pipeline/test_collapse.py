"""Posteriors that collapse: who says so, and that free bits cure it."""

import json

import pandas as pd
import pytest
from tinyruns import run_experiment, tiny

from musicvae_jax.config import RuntimeConfig
from musicvae_jax.pipeline.fit import fit
from musicvae_jax.pipeline.posteriors import posterior_health
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import load_songs


@pytest.fixture(autouse=True)
def quick(quick_projections, no_figures):
    """Training is what takes time here."""


def run_and_read(song_path, capsys, **train):
    """Lines on a collapse, as they were printed and as they were kept; posterior_summary.csv."""
    folder = run_experiment(tiny("easy_vae", song_path, train=train, seeds=(0,)))
    printed = [line for line in capsys.readouterr().err.splitlines() if "collapse" in line]
    kept = json.loads((folder / "manifest.json").read_text())["alarms"]
    return printed, kept, pd.read_csv(folder / "posterior_summary.csv")


@pytest.mark.slow
def test_the_member_of_a_sweep_that_collapses_is_named_and_no_other(song_path, capsys):
    printed, kept, table = run_and_read(song_path, capsys, beta=(1.0, 1000.0), epochs=60)
    assert printed == [f"notice: {line}" for line in kept]
    (alarm,) = kept
    assert alarm.startswith("posterior collapse at beta 1000, learning rate 0.001, seed 0: ")
    assert "--train.free-bits 0.1" in alarm
    assert table["beta"].tolist() == [1, 1000]
    assert table["kl_nats"][1] < 0.1 < 1 < table["kl_nats"][0]


@pytest.mark.slow
def test_free_bits_cure_a_collapse(song_path, capsys):
    heavy = {"beta": (1000.0,), "epochs": 150, "learning_rate": (1e-2,)}
    _, without, _ = run_and_read(song_path, capsys, **heavy)
    assert len(without) == 1
    printed, kept, table = run_and_read(song_path, capsys, **heavy, free_bits=0.3)
    assert printed == kept == []
    (summary,) = table.to_dict("records")
    # Of 32; which of them are just above the threshold differs between processors.
    assert summary["active_units"] >= 28
    assert summary["kl_nats"] > 32 * 0.3 / 4
    assert summary["train_decoded_share"] > 0.1


@pytest.mark.parametrize("name", ["hard_vade", "hard_mvtcae"])
@pytest.mark.slow
def test_what_an_objective_has_in_place_of_the_kl_gives_no_alarm(song_path, name):
    train = {"epochs": 60, "pretrain_epochs": 60, "learning_rate": (1e-2,)}
    experiment = tiny(name, song_path, train=train, seeds=(0,))
    fitted = fit(experiment, load_songs(song_path), RuntimeConfig(), Terminal())
    assert posterior_health(fitted).alarms == []
    losses = fitted.trained.history.train
    history = fitted.trained.history._replace(train=losses._replace(kl=0 * losses.kl))
    fitted = fitted._replace(trained=fitted.trained._replace(history=history))
    assert posterior_health(fitted).alarms == []
