import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from musicvae_jax import reporting


def metrics(**columns):
    base = {
        "representation": ["cvae", "pca"],
        "n_clusters": [4, 4],
        "silhouette": [0.1, 0.2],
        "ami_genre": [0.5, 0.4],
        "nmi_genre": [0.6, 0.45],
        "ari_genre": [0.3, 0.2],
        "purity_genre": [0.7, 0.65],
        "ami_language": [0.15, np.nan],
        "ami_artist": [0.25, 0.35],
        "labels_seen": ["genre", ""],
    }
    return pd.DataFrame(base | columns)


def text(table):
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def row(table_text, name):
    return next(line for line in table_text.splitlines() if line.startswith(f"│ {name}"))


def test_a_label_that_was_seen_is_marked_and_explained():
    printed = text(reporting.score_table(metrics(), "title"))
    assert row(printed, "cvae").count("†") == 4
    assert "0.150†" not in row(printed, "cvae")
    assert "†" not in row(printed, "pca")
    assert "† the representation was given this label" in printed


def test_without_a_leak_there_is_no_mark():
    assert "†" not in text(reporting.score_table(metrics(labels_seen=["", ""]), "title"))


def test_seeds_become_mean_and_deviation():
    rows = metrics(representation=["vae", "vae"], labels_seen=["", ""])
    printed = row(text(reporting.score_table(rows, "title")), "vae")
    assert "0.450 ±.071" in printed


def test_an_undefined_score_is_an_empty_cell():
    cells = row(text(reporting.score_table(metrics(), "title")), "pca").split("│")
    assert [cell.strip() for cell in cells][-3:] == ["", "0.350", ""]


def history(kl=1.0):
    epochs = np.arange(1, 5)
    one = {
        "epoch": epochs,
        "train_reconstruction_nats": 10.0 / epochs,
        "train_kl_nats": kl * epochs,
        "heldout_reconstruction_nats": 12.0 / epochs,
        "heldout_kl_nats": kl * epochs,
        "active_units": 3,
    }
    return pd.concat([pd.DataFrame(one | {"seed": seed}) for seed in (0, 1)])


def test_training_curves_have_a_line_per_side_and_seed():
    figure = reporting.training_curves(history(), "title")
    assert [len(axis.lines) for axis in figure.axes] == [4, 4, 2]
    legend = [entry.get_text() for entry in figure.axes[0].get_legend().get_texts()]
    assert legend == ["training", "held out"]


def test_an_autoencoder_has_no_kl_panel():
    figure = reporting.training_curves(history(kl=np.nan), "title")
    labels = [axis.get_ylabel() for axis in figure.axes]
    assert labels == ["reconstruction (nats per song)", "active latent dimensions"]


def test_the_chosen_k_is_circled():
    curves = pd.DataFrame(
        {"seed": 0, "k": [2, 3, 4], "inertia": [9.0, 5.0, 4.0], "silhouette": [0.1, 0.4, 0.2]}
    ).assign(chosen=[False, True, False])
    figure = reporting.cluster_selection(curves, "title")
    for axis, value in zip(figure.axes, (5.0, 0.4), strict=True):
        circle = next(line for line in axis.lines if line.get_label() == "used here")
        assert (circle.get_xdata().tolist(), circle.get_ydata().tolist()) == ([3], [value])


def test_text_of_the_data_is_drawn_as_it_is(tmp_path):
    labels = ["R$B \\q$ x", "_hidden", "[bold]"]
    groups = pd.Series(labels * 4)
    figure = reporting.projection(np.ones((12, 2)), {"genre": groups}, "UMAP", "a $\\q$ title")
    figure.savefig(tmp_path / "x.png")
    shown = [entry.get_text().strip() for entry in figure.axes[0].get_legend().get_texts()]
    assert shown == sorted(f"{label} (4)" for label in labels)
    assert "songs [live]" in text(reporting.score_table(metrics(), "songs [live]"))


@pytest.mark.parametrize("n_groups", [3, 24, 40])
def test_every_song_is_drawn_and_every_style_is_its_own(n_groups):
    n_songs = 200
    groups = pd.Series([f"group {i % n_groups:02d}" for i in range(n_songs)], dtype=object)
    groups[:5] = None
    coordinates = np.random.default_rng(0).normal(size=(n_songs, 2))
    figure = reporting.projection(coordinates, {"genre": groups}, "UMAP", "title")
    drawn = figure.axes[0].collections
    assert sum(len(points.get_offsets()) for points in drawn) == n_songs
    assert len(drawn) == min(n_groups, 24) + (n_groups > 24) + 1
    styles = {
        (tuple(points.get_facecolor()[0]), points.get_paths()[0].vertices.tobytes())
        for points in drawn
    }
    assert len(styles) == len(drawn)
    labels = [points.get_label() for points in drawn]
    assert labels[-1].strip() == "unknown (5)"
