"""What the tables of a run say of unusual songs, clusters and settings."""

from pathlib import Path

import pandas as pd
import pytest
from songfiles import songs_table, with_column, with_mel, write
from tinyruns import run_experiment, tiny

from musicvae_jax.songs.parquet.parts import ParquetPart


@pytest.fixture(autouse=True)
def quick(quick_projections, no_figures):
    """Tables alone are looked at here."""


@pytest.mark.slow
def test_later_runs_read_no_mels_unless_all_is_fresh_and_write_the_same_bytes(
    song_path, monkeypatch, capsys
):
    experiment = tiny("hard_cvae", song_path, output_dir=Path("out"))
    folder = run_experiment(experiment)
    kept = (".csv", ".parquet", ".npz", ".html")
    tables = [path for path in folder.iterdir() if path.suffix in kept]
    first = {path: path.read_bytes() for path in tables}
    assert len(first) == 17
    run_experiment(experiment, fresh=True)
    assert {path: path.read_bytes() for path in tables} == first
    monkeypatch.setattr(ParquetPart, "mel_blocks", lambda self: pytest.fail("mels were read"))
    capsys.readouterr()
    run_experiment(experiment)
    assert {path: path.read_bytes() for path in tables} == first
    assert "24 songs from the cache" in capsys.readouterr().out
    assert (Path("out") / "checkpoint").is_dir()
    assert not Path("checkpoints").exists()


@pytest.mark.slow
def test_rejected_rows_are_listed(tmp_path, capsys):
    ids = [f"id {i}" for i in range(26)]
    ids[9] = ids[8]
    table = with_column(with_mel(songs_table(26), 4, None), "music_id", ids)
    folder = run_experiment(tiny("easy_pca", write(tmp_path / "s.parquet", table)))
    rejected = pd.read_csv(folder / "rejected.csv")
    assert rejected.to_numpy().tolist() == [
        ["s.parquet", 4, "id 4", "melspectrogram is null"],
        ["s.parquet", 9, "id 8", "music_id is a duplicate of row 8"],
    ]
    assert "2 of 26 rows rejected" in capsys.readouterr().out


def test_a_k_of_ones_own_is_that_of_every_representation(song_path):
    metrics = pd.read_csv(
        run_experiment(tiny("easy_pca", song_path, cluster={"k": 4})) / "metrics.csv"
    )
    with_k = metrics[metrics["clusterer"].isin(["kmeans", "agglomerative"])]
    assert set(with_k["representation"]) == {
        "pca",
        # Of 20 training songs.
        "whitened_pca_19",
        "whitened_pca_16",
        "raw",
    }
    assert with_k["n_clusters"].eq(4).all()


def test_songs_without_labels_are_clustered_and_their_scores_left_empty(tmp_path, capsys):
    table = songs_table().select(["music_id", "melspectrogram"])
    folder = run_experiment(tiny("easy_pca", write(tmp_path / "s.parquet", table)))
    metrics = pd.read_csv(folder / "metrics.csv")
    assert metrics.loc[metrics["clusterer"] == "kmeans", "silhouette"].notna().all()
    assert metrics[["ami_genre", "ami_language", "ami_artist"]].isna().all(axis=None)
    notices = capsys.readouterr().err
    for label in ("genre", "language"):
        assert f"notice: {label}: got 0 distinct value(s) (all null)" in notices
    assert "notice: no artists: held-out songs, intervals and verdicts are taken by song" in notices
    assert "notice: artist" not in notices


def test_dbscan_without_clusters_is_reported_and_its_scores_left_empty(song_path, capsys):
    folder = run_experiment(tiny("easy_spectral", song_path, cluster={"min_samples": 24}))
    assert "notice: raw: dbscan: " in capsys.readouterr().err
    metrics = pd.read_csv(folder / "metrics.csv")
    of_dbscan = metrics[metrics["clusterer"] == "dbscan"]
    assert len(of_dbscan) == 4
    assert of_dbscan["n_clusters"].lt(2).all()
    assert of_dbscan[["silhouette", "ami_genre", "purity_language"]].isna().all(axis=None)


@pytest.mark.slow
def test_known_factors_of_songs_are_scored(tmp_path):
    table = songs_table()
    for name, values in {"factor_tempo": range(24), "factor_odd": [0, 1] * 12}.items():
        table = table.append_column(name, [list(values)])
    path = write(tmp_path / "s.parquet", table)
    folder = run_experiment(tiny("easy_pca", path, model={"latent": 3}))
    scores = pd.read_csv(folder / "disentanglement.csv")
    assert scores["seed"].tolist() == [0, 3]
    assert scores[["n_songs", "n_factors"]].eq([24, 2]).all(axis=None)
    assert scores[["mig", "sap", "completeness"]].notna().all(axis=None)
