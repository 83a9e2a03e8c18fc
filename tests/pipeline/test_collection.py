"""How far a suite says it is."""

from clocks import Clock
from tinyruns import tiny

from musicvae_jax.config import RuntimeConfig
from musicvae_jax.errors import InputError
from musicvae_jax.pipeline import collection
from musicvae_jax.runtime.tasks import describe
from musicvae_jax.runtime.terminal import Terminal


def test_a_suite_says_which_experiment_runs_and_how_long_the_others_take(song_path, monkeypatch):
    clock, lines = Clock(), []
    terminal = Terminal(clock=clock)

    def run_for_ten_minutes(experiment, runtime, workers, terminal, songs):
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
