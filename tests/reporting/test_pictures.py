from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import reportframes as frames

from musicvae_jax.registry import EXPERIMENTS
from musicvae_jax.reporting.pictures import PICTURES, draw_picture

SCORES = ("mig", "sap", "disentanglement", "completeness", "informativeness")


def finished(*names, **changes):
    """The named experiments, each with an empty results folder."""
    runs = []
    for name in names:
        runs.append(replace(EXPERIMENTS[name].experiment, output_dir=Path(name), **changes))
        Path(name).mkdir()
    return runs


@pytest.mark.parametrize("has_factors", [True, False])
def test_a_sweep_of_beta_is_drawn_where_factors_are_known(has_factors):
    names = ("vae", "beta_vae_2", "beta_vae_4", "beta_vae_8")
    table = pd.DataFrame(
        {"representation": name, "seed": seed} | dict.fromkeys(SCORES, 0.1)
        for name in names
        for seed in (0, 3)
    )
    runs = finished("hard_beta_vae", "easy_vae")
    for run in runs:
        rows = table if has_factors else table[:0]
        rows.to_csv(run.results_dir / "disentanglement.csv", index=False)
    figure = PICTURES["disentanglement"].draw(runs, {}, "title")
    if not has_factors:
        assert figure is None
    else:
        assert len(figure.axes) == 2
        line = figure.axes[0].containers[0].lines[0]
        assert line.get_xdata(orig=False).tolist() == [1, 2, 4, 8]


@pytest.mark.parametrize(
    ("names", "expected"),
    [(("easy_pca", "medium_conv_vae", "hard_cvae"), "hard_cvae"), (("hard_ae",), "hard_ae")],
)
def test_distributions_are_of_the_first_vae_else_of_the_first_run(names, expected):
    runs = finished(*names, seeds=(3, 4))
    for run in runs:
        of_seeds = [frames.points().assign(seed=seed, cluster=seed) for seed in (3, 4)]
        rows = pd.concat(of_seeds).assign(representation="first")
        rows.to_parquet(run.results_dir / "latents.parquet")
    figure = PICTURES["cluster_distributions"].draw(runs, {}, "title")
    assert f"first of {expected}, K-Means, seed 3, title" in figure.get_suptitle()
    genre, *_ = figure.axes
    assert [text.get_text() for text in genre.get_yticklabels()] == ["3 (n = 8)"]


def test_a_picture_without_anything_to_draw_is_removed():
    runs = finished("easy_vae")
    runs_folder = Path("visualizations")
    runs_folder.mkdir()
    (runs_folder / "latent_interpolation.png").write_text("of an earlier suite")
    assert draw_picture("latent_interpolation", runs, {}, "title", runs_folder) == []
    assert not any(runs_folder.iterdir())
