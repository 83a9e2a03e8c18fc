"""A tracker that fails at the end of a run costs none of its results."""

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from musicvae_jax.config import Experiment, RuntimeConfig
from musicvae_jax.pipeline import run
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.runtime.workers import FOR_ONE_RUN
from musicvae_jax.tracking import outcome


class Unreachable:
    def on_epochs(self, epoch, metrics):
        """Nothing is trained here."""

    def on_outcome(self, found):
        raise ConnectionError(f"no network for {found}")


def test_results_are_in_place_and_the_training_is_discarded(monkeypatch):
    discarded = []

    def write(songs, fitted, folder, *rest):
        (folder / "metrics.csv").write_text("hours of work")
        (folder / "manifest.json").write_text("{}")

    for name, stub in {
        "open_songs": lambda *_: "songs",
        "fit": lambda *_: SimpleNamespace(),
        "_write_results": write,
        "_discard_interrupted": lambda *rest: discarded.append(rest),
        "open_tracker": lambda *_: nullcontext(Unreachable()),
    }.items():
        monkeypatch.setattr(run, name, stub)
    monkeypatch.setattr(
        outcome, "read_outcome", lambda folder, _: (folder / "metrics.csv").read_text()
    )
    with pytest.raises(ConnectionError, match="no network for hours of work"):
        run.run_experiment(Experiment("mine"), RuntimeConfig(), FOR_ONE_RUN, Terminal())
    assert Path("results/mine/metrics.csv").read_text() == "hours of work"
    assert Path("results/mine/manifest.json").exists()
    assert len(discarded) == 1
