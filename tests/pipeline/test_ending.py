"""What stands where at the end of a run."""

from functools import partial

from tinyruns import tiny

from experiments.next_steps import next_steps
from musicvae_jax.config import RuntimeConfig
from musicvae_jax.pipeline.ending import show_results
from musicvae_jax.pipeline.resolve import resolve
from musicvae_jax.pipeline.run import run_experiment
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.runtime.workers import FOR_ONE_RUN


def test_the_map_comes_first_then_what_was_found_then_what_to_try(
    song_path, quick_projections, no_figures, capsys
):
    terminal = Terminal()
    experiment = resolve(tiny("easy_pca", song_path, seeds=(0,)), terminal)
    run_experiment(experiment, RuntimeConfig(), FOR_ONE_RUN, terminal)
    capsys.readouterr()
    show_results(experiment, 118.2, terminal, partial(next_steps, experiment, song_path))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "map: results/easy_pca/map.html"
    assert lines[1].startswith("easy_pca finds 3 groups in 24 songs (k = 3 chosen by the elbow ")
    assert lines[2] == "try next:"
    assert lines[3].startswith(
        "  python -m experiments.run hard_vade --model.components 3 --cluster.k 3 --data.path "
    )
    assert len({line.index("  # ") for line in lines[3:6]}) == 1
    assert lines[6].startswith("easy_pca on ")
    assert lines[-3:] == [
        "results: results/easy_pca",
        "checkpoint: checkpoints/easy_pca",
        "took 1 min 58 s",
    ]
