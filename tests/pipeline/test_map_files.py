"""What a run leaves for its map."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from songfiles import songs_table, with_column, write
from tinyruns import run_experiment, tiny

from musicvae_jax.config import MapConfig
from musicvae_jax.features import Thumbnails
from musicvae_jax.pipeline import map_files
from musicvae_jax.pipeline.map_files import save_thumbnails, songs_of_map
from musicvae_jax.songs import load_songs


@pytest.fixture(autouse=True)
def quick(quick_projections, no_figures):
    """Projections and figures have tests of their own."""


def data_of(page):
    """What the page holds as JSON."""
    text = Path(page).read_text(encoding="utf-8")
    return json.loads(text.split('id="data">')[1].split("</script>")[0])


@pytest.mark.slow
def test_neighbours_are_those_of_the_latents(song_path):
    folder = run_experiment(tiny("easy_pca", song_path, output_dir=Path("out")))
    latents = pd.read_parquet(folder / "latents.parquet").query("seed == 0")
    points = latents.filter(like="latent_").to_numpy()
    between = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(between, np.inf)
    ids = latents["music_id"].to_numpy()
    found = pd.read_parquet(folder / "neighbours.parquet")
    assert found["representation"].unique().tolist() == ["pca"]
    for song, of_song in found.groupby("music_id"):
        (row,) = np.flatnonzero(ids == song)
        assert of_song["neighbour"].tolist() == ids[np.argsort(between[row])[:10]].tolist()
        np.testing.assert_allclose(of_song["distance"], np.sort(between[row])[:10], rtol=1e-5)
    assert found["music_id"].nunique() == 24


@pytest.mark.slow
def test_a_run_with_several_representations_has_neighbours_and_dots_of_each(song_path):
    folder = run_experiment(tiny("medium_lyrics", song_path, output_dir=Path("out")))
    found = pd.read_parquet(folder / "neighbours.parquet")
    names = found["representation"].unique().tolist()
    assert names == ["lyrics_tfidf", "lyrics_tfidf_centred"]
    assert data_of(folder / "map.html")["layouts"] == names
    # Only songs with lyrics are clustered.
    assert len(pd.read_parquet(folder / "songs.parquet")) == 19


@pytest.mark.slow
def test_a_run_of_more_than_exact_songs_maps_a_sample_and_says_so(tmp_path):
    path = write(tmp_path / "many.parquet", songs_table(110))
    small = {"k": 3, "exact_songs": 100, "methods": ("kmeans",)}
    folder = run_experiment(tiny("easy_pca", path, cluster=small, output_dir=Path("out")))
    data = data_of(folder / "map.html")
    assert data["notes"] == ["The map shows a sample: 100 of 110 songs."]
    assert len(data["ids"]) == 100
    neighbours = pd.read_parquet(folder / "neighbours.parquet")
    assert set(neighbours["neighbour"]) <= set(data["ids"]) == set(neighbours["music_id"])
    with np.load(folder / "thumbnails.npz") as arrays:
        assert set(arrays["music_id"]) == set(data["ids"])


def test_too_few_songs_for_a_projection_leave_a_page_that_says_so(tmp_path):
    path = write(tmp_path / "few.parquet", songs_table(7))
    small = {"k": 2, "k_max": 3, "methods": ("kmeans",)}
    folder = run_experiment(tiny("easy_spectral", path, cluster=small, output_dir=Path("out")))
    data = data_of(folder / "map.html")
    assert data["layouts"] == data["ids"] == []
    (note,) = data["notes"]
    assert note == "There are too few songs for a projection, so there is no map of them."


def test_the_table_has_names_first_lines_and_factors(tmp_path):
    table = songs_table(4)
    lyrics = ["[Verse 1]\n\n  la  la \nlo", "a" * 400, "[Chorus]", None]
    table = with_column(table, "music_lyrics", lyrics)
    table = with_column(table, "art_name", ["Ana", None, "", "Bia"])
    table = table.append_column("factor_key", [[1, 2, None, 4]])
    table = table.append_column("factor_none", [[None] * 4])
    found = songs_of_map(load_songs(write(tmp_path / "songs.parquet", table)).table)
    assert found["first_line"].tolist()[:2] == ["la la", "a" * 159 + "…"]
    assert found["first_line"].isna().tolist() == [False, False, True, True]
    ids = table["art_id"].to_pylist()
    assert found["artist"].tolist() == ["Ana", ids[1], ids[2], "Bia"]
    assert "factor_key" in found
    assert "factor_none" not in found
    assert found["audio_path"].isna().all()


@pytest.mark.slow
def test_the_setting_for_audio_is_recorded_and_trains_nothing_again(song_path, capsys):
    experiment = tiny("easy_vae", song_path, train={"epochs": 1}, seeds=(0,))
    run_experiment(experiment)
    capsys.readouterr()
    folder = run_experiment(replace(experiment, map=MapConfig("embed")))
    printed = capsys.readouterr().out
    assert "model: loaded from checkpoints/easy_vae" in printed
    assert f"map: {folder}/map.html\neasy_vae finds " in printed
    assert json.loads((folder / "config.json").read_text())["map"] == {"audio": "embed"}


def test_pictures_of_many_songs_are_smaller(tmp_path, monkeypatch):
    monkeypatch.setattr(map_files, "_MOST_LARGE", 2)
    pictures = np.arange(3 * 32 * 64).reshape(3, 32, 64).astype(np.uint8)
    ids = np.array(["a", "b", "c", "d"])
    for places, shape in (([1, 3], (2, 32, 64)), ([0, 1, 3], (3, 16, 32))):
        found = Thumbnails(np.array(places), pictures[: len(places)])
        save_thumbnails(found, ids, tmp_path / "thumbnails.npz")
        with np.load(tmp_path / "thumbnails.npz") as arrays:
            assert arrays["music_id"].tolist() == ids[places].tolist()
            assert arrays["pictures"].shape == shape
    first = pictures[0, :2, :2]
    with np.load(tmp_path / "thumbnails.npz") as arrays:
        assert arrays["pictures"][0, 0, 0] == np.round(first.mean())
