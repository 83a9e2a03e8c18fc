"""projections.parquet: which songs and representations are projected."""

import numpy as np
import pandas as pd
import pytest
from listings import list_songs, represent, stages

from musicvae_jax.evaluation import projections
from musicvae_jax.pipeline.project import start_projections
from musicvae_jax.runtime.terminal import Terminal

N_SONGS = 40


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch):
    """t-SNE and UMAP have tests of their own; these say what they were given."""
    monkeypatch.setattr(projections, "tsne", lambda x, seed: x[:, :2] + seed)
    monkeypatch.setattr(projections, "umap", lambda x, seed: -x[:, :2])


def projected(n_songs=N_SONGS, exact_songs=10_000):
    points = np.random.default_rng(0).normal(size=(2, n_songs, 3)).astype(np.float32)
    songs = pd.DataFrame(
        {
            "music_id": [f"song {i}" for i in range(n_songs)],
            "genre": ["Polka"] * n_songs,
            "language": [None] * n_songs,
        }
    )
    own = [represent("vae", [*points]), represent("pca", [points[1]])]
    listing = list_songs(songs, own, [represent("raw", [points[0]])], seeds=(5, 8))
    clusters = {
        (one.name, seed): np.arange(n_songs) % (3 + place)
        for place, one in enumerate(own)
        for seed in (5, 8)
    }
    finish = start_projections(listing, exact_songs, stages(), Terminal())
    return *finish(clusters), points


def test_own_representations_are_projected_by_both_under_the_first_seed():
    table, sampled, points = projected()
    assert sampled == {}
    expected = {
        ("umap", "vae"): -points[0, :, :2],
        ("umap", "pca"): -points[1, :, :2],
        ("tsne", "vae"): points[0, :, :2] + 5,
        ("tsne", "pca"): points[1, :, :2] + 5,
    }
    for (method, name), coordinates in expected.items():
        rows = table[(table["method"] == method) & (table["representation"] == name)]
        np.testing.assert_array_equal(rows[["x", "y"]], coordinates)
        assert rows["music_id"].tolist() == [f"song {i}" for i in range(N_SONGS)]
    assert len(table) == 4 * N_SONGS
    n_clusters = table.groupby("representation")["cluster"].nunique().to_dict()
    assert n_clusters == {"vae": 3, "pca": 4}


def test_of_many_songs_the_same_sample_is_projected_every_time():
    table, sampled, points = projected(exact_songs=15)
    assert sampled == dict.fromkeys(("umap", "tsne"), "a sample of 15 songs")
    ids = table.groupby(["representation", "method"])["music_id"].agg(tuple)
    assert len(ids) == 4
    assert ids.nunique() == 1
    (chosen,) = set(ids)
    assert len(set(chosen)) == 15
    places = [int(name.removeprefix("song ")) for name in chosen]
    rows = table[(table["method"] == "umap") & (table["representation"] == "vae")]
    np.testing.assert_array_equal(rows[["x", "y"]], -points[0, places, :2])
    np.testing.assert_array_equal(rows["cluster"], np.array(places) % 3)


@pytest.mark.parametrize(
    ("n_songs", "n_rows", "n_notices"),
    [(projections.MIN_SONGS, 4 * projections.MIN_SONGS, 0), (projections.MIN_SONGS - 1, 0, 1)],
)
def test_too_few_songs_are_left_out_with_a_notice(n_songs, n_rows, n_notices, capsys):
    table, sampled, _ = projected(n_songs)
    assert len(table) == n_rows
    assert list(table.columns[:3]) == ["x", "y", "music_id"]
    assert sampled == {}
    notice = f"notice: t-SNE and UMAP are skipped: got {n_songs} songs, expected at least 8\n"
    assert capsys.readouterr().err == notice * n_notices
