import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import reportframes as frames
from mapfolders import songs_table, write_results

from musicvae_jax.reporting import run_figures
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.runtime.workers import Workers

# Processes take longer to start than all of it.
HERE = Workers(min_songs=1_000_000)
ALWAYS = {"cluster_selection", "cluster_spectra", "tsne", "umap"}
OF_TRAINING = {"training_curves", "posterior"}
OF_CROPS = {"reconstruction_examples", "latent_interpolation"}


@pytest.fixture
def folder():
    """What a run of a trained model leaves, but for its figures."""
    folder = Path("run")
    folder.mkdir()
    tables = {
        "metrics": frames.metrics(frames.scored(n_songs=12)),
        "history": frames.history(),
        "posterior": frames.dimensions(),
        "cluster_selection": frames.curves().assign(representation="vae"),
    }
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    of_methods = [
        frames.points().assign(representation="vae", method=method, cluster=0)
        for method in ("umap", "tsne")
    ]
    points = pd.concat(of_methods)
    write_results(folder, songs_table(12))
    points.assign(music_id=songs_table(12)["music_id"]).to_parquet(folder / "projections.parquet")
    (folder / "cards.json").write_text(json.dumps(frames.cards()))
    data = {"path": "songs/tiny.parquet", "clustered_songs": 12}
    (folder / "manifest.json").write_text(json.dumps({"experiment": "mine", "data": data}))
    return folder


def figures(folder):
    return {path.stem: path for path in (folder / "figures").glob("*.png")}


@pytest.mark.slow
def test_figures_are_drawn_of_what_the_folder_holds(folder):
    run_figures.draw_figures(folder, "title", HERE, Terminal())
    assert set(figures(folder)) == ALWAYS | OF_TRAINING
    np.savez(folder / "reconstructions.npz", **frames.mels())
    run_figures.draw_figures(folder, "title", HERE, Terminal())
    assert set(figures(folder)) == ALWAYS | OF_TRAINING | OF_CROPS


@pytest.mark.slow
def test_redrawn_figures_replace_the_earlier_ones_and_nothing_else(folder):
    run_figures.draw_figures(folder, "mine on tiny, n = 12 songs", HERE, Terminal())
    first = {name: path.read_bytes() for name, path in figures(folder).items()}
    (folder / "figures" / "tsne.png").write_text("an earlier one")
    (folder / "figures" / "latent_interpolation.png").write_text("of a model of crops")
    (folder / "figures" / "notes.txt").write_text("mine")
    run_figures.redraw([folder], HERE, Terminal())
    assert {name: path.read_bytes() for name, path in figures(folder).items()} == first
    assert {path.name for path in (folder / "figures").iterdir()} == {
        *(f"{name}.png" for name in first),
        "notes.txt",
    }
    assert "<title>mine on tiny, n = 12 songs</title>" in (folder / "map.html").read_text()


def test_runs_of_one_title_each_are_redrawn_together(folder, monkeypatch):
    titles = []
    monkeypatch.setattr(
        run_figures, "draw_figure", lambda *call: titles.append(call) or ["a glyph is missing"]
    )
    said = []
    terminal = Terminal()
    monkeypatch.setattr(terminal, "notice", said.append)
    run_figures.redraw([folder, folder], HERE, terminal)
    assert {(where, title) for where, _, title in titles} == {
        (folder, "mine on tiny, n = 12 songs")
    }
    assert len(said) == len(titles) == 2 * len(ALWAYS | OF_TRAINING | OF_CROPS)
    run_figures.redraw([], HERE, terminal)


def test_without_projections_and_spectra_their_figures_are_left_out(folder):
    pd.read_parquet(folder / "projections.parquet")[:0].to_parquet(folder / "projections.parquet")
    cards = frames.cards()
    for card in cards["clusters"]:
        del card["spectrum_db"]
    (folder / "cards.json").write_text(json.dumps(cards))
    for name in ("history", "posterior"):
        pd.read_csv(folder / f"{name}.csv")[:0].to_csv(folder / f"{name}.csv", index=False)
    run_figures.draw_figures(folder, "title", HERE, Terminal())
    assert set(figures(folder)) == {"cluster_selection"}


def test_what_workers_import_starts_no_jax():
    modules = "musicvae_jax.reporting.run_figures, musicvae_jax.reporting.pictures"
    code = f"import sys, {modules}; sys.exit('jax' in sys.modules)"
    root = Path(run_figures.__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
