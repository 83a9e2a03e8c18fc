"""Whole runs on tiny files, in this process."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from songfiles import songs_table, with_column, with_mel, write

from experiments import pipeline
from experiments.pipeline import run_experiment
from experiments.registry import EXPERIMENTS
from musicvae_jax.bridge import encode_songs
from musicvae_jax.config import ClusterConfig, Experiment, from_json
from musicvae_jax.errors import InputError
from musicvae_jax.features import extract_features
from musicvae_jax.songs import Songs, load_songs
from musicvae_jax.songs.demo import write_demo
from musicvae_jax.training import DivergenceError

COLUMNS = [
    *("experiment", "seed", "representation", "clusterer", "n_clusters", "n_songs"),
    *("silhouette", "calinski_harabasz", "davies_bouldin"),
    *(
        f"{score}_{label}"
        for label in ("genre", "language", "artist")
        for score in ("ari", "nmi", "ami", "purity", "n")
    ),
    "labels_seen",
]
TABLES = {
    "config.json",
    "manifest.json",
    "metrics.csv",
    "history.csv",
    "cluster_selection.csv",
    "latents.parquet",
    "rejected.csv",
}


def tiny(name, path, **changes):
    """A registry entry, two seeds and two epochs on a given file."""
    experiment = EXPERIMENTS[name][1]
    return replace(
        experiment,
        data=replace(experiment.data, path=path, heldout_fraction=0.2),
        train=replace(experiment.train, epochs=2),
        cluster=ClusterConfig(k_max=5, restarts=2),
        seeds=(0, 3),
        **changes,
    )


def files(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_leaves_whole_results(name, song_path, capsys):
    experiment = tiny(name, song_path)
    folder = run_experiment(experiment)
    is_pca = experiment.model.kind == "pca"
    figures = {"cluster_selection", "tsne", "umap"} | (set() if is_pca else {"training_curves"})
    assert files(folder) == TABLES | {f"figures/{figure}.png" for figure in figures}

    metrics = pd.read_csv(folder / "metrics.csv")
    assert list(metrics.columns) == COLUMNS
    own = experiment.representation
    representations = ["pca", "raw"] if is_pca else [own, "pca", "raw"]
    assert metrics["representation"].tolist() == representations * 2
    assert metrics["seed"].unique().tolist() == [0, 3]
    assert metrics["n_songs"].eq(24).all()
    assert metrics["n_language"].eq(19).all()
    assert metrics["n_clusters"].nunique() == 1
    seen = metrics.groupby("representation")["labels_seen"].first().dropna().to_dict()
    assert seen == ({"cvae": "genre"} if name == "hard_cvae" else {})

    history = pd.read_csv(folder / "history.csv")
    assert history["epoch"].tolist() == ([] if is_pca else [1, 2, 1, 2])
    assert history["train_kl_nats"].isna().all() == (experiment.model.kind != "vae")

    latents = pd.read_parquet(folder / "latents.parquet")
    names = [column for column in latents if column.startswith("latent_")]
    assert len(latents) == 48
    assert len(names) == (min(32, 24 - latents["heldout"].sum() // 2) if is_pca else 32)
    assert latents["music_id"].tolist() == [f"song {i:02d}" for i in range(24)] * 2
    own_rows = metrics[metrics["representation"] == own]
    assert latents["cluster"].nunique() == own_rows["n_clusters"].iloc[0]

    assert from_json(Experiment, json.loads((folder / "config.json").read_text())) == experiment
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["data"]["sha256"] == load_songs(song_path).fingerprint
    assert manifest["data"]["training_songs"] + manifest["data"]["heldout_songs"] == 24
    assert manifest["seeds"] == [0, 3]
    assert set(manifest["seconds"]) == {"features", "training", "clustering", "writing", "figures"}

    if is_pca:
        assert not Path("checkpoints").exists()
    else:
        songs = extract_features(load_songs(song_path), experiment.features)
        again = encode_songs(Path("checkpoints") / name, songs, seed=3)
        written = latents.loc[latents["seed"] == 3, names].to_numpy()
        np.testing.assert_allclose(again, written, atol=1e-5)

    printed = capsys.readouterr().out
    assert printed.startswith(f"songs: {song_path}\n")
    assert own in printed


def test_a_second_run_reads_no_mels_and_writes_the_same_bytes(song_path, monkeypatch, capsys):
    experiment = tiny("hard_cvae", song_path, output_dir=Path("out"))
    tables = ("metrics.csv", "history.csv", "cluster_selection.csv", "latents.parquet")
    run_experiment(experiment)
    first = [(Path("out") / name).read_bytes() for name in tables]
    monkeypatch.setattr(Songs, "mel_blocks", lambda self: pytest.fail("mels were read"))
    run_experiment(experiment)
    assert [(Path("out") / name).read_bytes() for name in tables] == first
    assert "24 songs from the cache" in capsys.readouterr().out
    assert (Path("out") / "checkpoint").is_dir()
    assert not Path("checkpoints").exists()


def test_rejected_rows_are_listed(tmp_path, capsys):
    ids = [f"id {i}" for i in range(26)]
    ids[9] = ids[8]
    table = with_column(with_mel(songs_table(26), 4, None), "music_id", ids)
    folder = run_experiment(tiny("easy_pca", write(tmp_path / "s.parquet", table)))
    rejected = pd.read_csv(folder / "rejected.csv")
    assert rejected.to_numpy().tolist() == [
        [4, "id 4", "melspectrogram is null"],
        [9, "id 8", "music_id is a duplicate of row 8"],
    ]
    assert "2 of 26 rows rejected" in capsys.readouterr().out


def test_a_chosen_k_is_used_for_every_representation(song_path):
    experiment = tiny("easy_pca", song_path)
    folder = run_experiment(replace(experiment, cluster=replace(experiment.cluster, k=4)))
    assert pd.read_csv(folder / "metrics.csv")["n_clusters"].eq(4).all()


def test_songs_without_labels_are_clustered_and_their_scores_left_empty(tmp_path, capsys):
    table = songs_table().select(["music_id", "melspectrogram"])
    folder = run_experiment(tiny("easy_vae", write(tmp_path / "s.parquet", table)))
    metrics = pd.read_csv(folder / "metrics.csv")
    assert metrics["silhouette"].notna().all()
    assert metrics[["ami_genre", "ami_language", "ami_artist"]].isna().all(axis=None)
    notices = capsys.readouterr().err
    for label in ("genre", "language", "artist"):
        assert f"notice: {label}: got 0 distinct value(s) (all null)" in notices


def test_a_label_that_no_training_song_has_is_not_given_to_the_model(tmp_path, capsys):
    genres = [
        "Polka" if artist == "artist 00" else "March"
        for artist in songs_table()["art_id"].to_pylist()
    ]
    genres[1::3] = ["Waltz"] * 8
    table = with_column(songs_table(), "main_genre", genres)
    path = write(tmp_path / "s.parquet", table)
    notices = []
    for split_seed in range(8):
        experiment = tiny("hard_cvae", path)
        data = replace(experiment.data, split_seed=split_seed, heldout_fraction=0.5)
        features = extract_features(load_songs(path), experiment.features)
        inputs = pipeline.prepare_inputs(
            replace(experiment, data=data), features, pipeline.Terminal()
        )
        trained_on = set(features.table["genre"].iloc[inputs.split.train])
        assert set(inputs.vocabularies["genre"]) == trained_on
        told = inputs.condition.sum(axis=1) == 1
        assert told.tolist() == features.table["genre"].isin(trained_on).tolist()
        notices.append("no training song has (Polka)" in capsys.readouterr().err)
        assert notices[-1] == ("Polka" not in trained_on)
    assert set(notices) == {True, False}


def test_songs_of_one_artist_are_split_with_a_notice(tmp_path, capsys):
    table = with_column(songs_table(), "art_id", ["one"] * 24)
    run_experiment(tiny("easy_pca", write(tmp_path / "s.parquet", table)))
    assert "held-out songs are by a known artist" in capsys.readouterr().err


def test_a_file_in_the_place_of_the_demo_set_is_not_overwritten():
    Path("data").mkdir()
    path = write(Path("data/demo.parquet"), songs_table())
    content = path.read_bytes()
    with pytest.raises(InputError, match="is there and is not a demo set"):
        run_experiment(tiny("easy_pca", None))
    run_experiment(tiny("easy_pca", path))
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("genres", "message"),
    [
        (["Polka"] * 24, r"model\.condition genre: got 1 distinct value\(s\) \(Polka\)"),
        ([None] * 24, r"model\.condition genre: got 0 distinct value\(s\) \(all null\)"),
    ],
)
def test_a_conditional_model_needs_two_labels(tmp_path, genres, message):
    table = with_column(songs_table(), "main_genre", genres)
    with pytest.raises(InputError, match=message):
        run_experiment(tiny("hard_cvae", write(tmp_path / "s.parquet", table)))
    assert files(Path("results")) == set()


@pytest.mark.parametrize(
    ("n_songs", "message"),
    [(1, "got 1 songs, expected more than cluster.k_min"), (2, "got 2 songs, expected more")],
)
def test_too_few_songs(tmp_path, n_songs, message):
    path = write(tmp_path / "s.parquet", songs_table(n_songs))
    with pytest.raises(InputError, match=message):
        run_experiment(tiny("easy_pca", path))
    assert files(Path("results")) == set()


def test_divergence_leaves_no_results(song_path):
    experiment = tiny("easy_vae", song_path)
    wild = replace(experiment.train, epochs=20, learning_rate=1e18)
    with pytest.raises(DivergenceError, match="training diverged at seed 0, epoch"):
        run_experiment(replace(experiment, train=wild))
    assert files(Path("results")) == files(Path("checkpoints")) == set()


def test_without_a_path_the_demo_set_is_made_once(monkeypatch, capsys):
    made = []

    def write_small_demo(path, on_song):
        made.append(path)
        write_demo(path, 27, on_song)

    monkeypatch.setattr(pipeline, "write_demo", write_small_demo)
    for _ in range(2):
        run_experiment(tiny("easy_pca", None))
    assert made == [Path("data/demo.parquet")]
    assert capsys.readouterr().out.startswith("songs: the built-in synthetic demo set")


def test_downloaded_4mula_comes_before_the_demo_set(capsys):
    Path("data").mkdir()
    write(Path("data/4mula_tiny.parquet"), songs_table())
    run_experiment(tiny("easy_pca", None))
    assert capsys.readouterr().out.startswith("songs: 4MuLA tiny (data/4mula_tiny.parquet)")
