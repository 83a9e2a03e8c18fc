"""Whole runs on tiny files, in this process."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from musicvae_jax.bridge import encode_songs
from musicvae_jax.pipeline.inputs import prepare_inputs, resolve
from songfiles import songs_table, with_column, with_mel, write

from musicvae_jax import reporting
from musicvae_jax.config import (
    ClusterConfig,
    CropConfig,
    Experiment,
    LyricsConfig,
    RuntimeConfig,
    from_json,
)
from musicvae_jax.errors import InputError
from musicvae_jax.evaluation import EXTERNAL_METRICS, metrics_with_nulls
from musicvae_jax.features import extract_features
from musicvae_jax.pipeline import fit as learning
from musicvae_jax.pipeline import inputs as inputs_module
from musicvae_jax.pipeline import run as pipeline
from musicvae_jax.registry import EXPERIMENTS
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.runtime.workers import FOR_ONE_RUN
from musicvae_jax.songs import Part, load_songs
from musicvae_jax.songs.demo import write_demo
from musicvae_jax.training import DivergenceError

COLUMNS = [
    *("experiment", "seed", "representation", "role", "clusterer", "scope"),
    *("n_clusters", "n_songs", "noise_share"),
    *(
        f"{space}{score}"
        for space in ("", "shared_")
        for score in ("silhouette", "silhouette_se", "calinski_harabasz", "davies_bouldin")
    ),
    *(
        f"{score}_{label}"
        for label in ("genre", "language", "artist")
        for score in (*metrics_with_nulls(), "n")
    ),
    *(
        f"{score}_{label}"
        for label in ("genre", "language", "artist")
        for score in EXTERNAL_METRICS
        if score not in metrics_with_nulls()
    ),
    "labels_seen",
    "labels_derivable",
]
TABLES = {
    "config.json",
    "manifest.json",
    "metrics.csv",
    "significance.csv",
    "spaces.csv",
    "history.csv",
    "posterior.csv",
    "posterior_summary.csv",
    "cluster_selection.csv",
    "stability.csv",
    "disentanglement.csv",
    "latents.parquet",
    "projections.parquet",
    "rejected.csv",
    "cards.json",
}
TFIDF = "lyrics_tfidf"
# The representations of every experiment, own ones first, and the labels they were given.
REPRESENTATIONS = {
    "easy_spectral": (["raw"], ["pca"]),
    "easy_pca": (["pca"], ["raw"]),
    "easy_vae": (["vae"], ["pca", "raw"]),
    "easy_vae_mfcc": (["vae"], ["pca", "raw"]),
    "medium_conv_vae": (["conv_vae"], ["pca", "raw"]),
    "medium_lyrics": ([TFIDF, f"{TFIDF}_centred"], ["pca", "raw"]),
    "medium_hybrid": (
        [f"conv_vae+{TFIDF}_pca", f"conv_vae+{TFIDF}"],
        ["conv_vae", TFIDF, "pca", "raw"],
    ),
    "hard_ae": (["ae"], ["pca", "raw"]),
    "hard_beta_vae": (["vae", "beta_vae_2", "beta_vae_4", "beta_vae_8"], ["pca", "raw"]),
    "hard_cvae": (["cvae"], ["pca", "raw"]),
    "hard_cvae_language": (["cvae_language"], ["pca", "raw"]),
    "hard_multimodal": (
        [f"vae+{TFIDF}_pca", f"vae+{TFIDF}", f"vae+{TFIDF}+genre"],
        ["vae", TFIDF, "pca", "raw"],
    ),
    "hard_multimodal_vae": (["multimodal_vae"], [TFIDF, "pca", "raw"]),
}
# Much like others, and slower.
SLOW = (
    *("easy_vae_mfcc", "medium_conv_vae", "medium_hybrid", "hard_ae", "hard_beta_vae"),
    *("hard_multimodal", "hard_multimodal_vae", "hard_cvae_language"),
)
SEEN = {
    "cvae": "genre",
    "cvae_language": "language",
    f"vae+{TFIDF}+genre": "genre",
    f"{TFIDF}_centred": "language",
}


@pytest.fixture(autouse=True)
def quick(request, quick_projections):
    """t-SNE and UMAP have tests of their own, and figures are drawn where they are looked at."""
    looked_at = (
        test_every_experiment_leaves_whole_results,
        test_what_is_approximate_of_many_songs_is_told,
    )
    if request.function not in looked_at:
        request.getfixturevalue("no_figures")


def tiny(name, path, **changes):
    """A registry entry, two seeds and two epochs on a given file."""
    experiment = EXPERIMENTS[name][1]
    return replace(
        experiment,
        data=replace(experiment.data, path=path, heldout_fraction=0.2),
        crops=CropConfig(per_song=1, encoded=2),
        lyrics=LyricsConfig(runtime="tfidf", components=6),
        train=replace(experiment.train, epochs=2),
        cluster=ClusterConfig(k_max=4, restarts=2, min_samples=3),
        seeds=(0, 3),
        **changes,
    )


def run_experiment(experiment):
    """Resolves and runs as the command line does; returns the results folder."""
    experiment = resolve(experiment, Terminal())
    pipeline.run_experiment(experiment, RuntimeConfig(), FOR_ONE_RUN, Terminal())
    pipeline.show_results(experiment, Terminal())
    return experiment.results_dir


def files(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in EXPERIMENTS]
)
def test_every_experiment_leaves_whole_results(name, song_path, capsys):
    experiment = tiny(name, song_path)
    folder = run_experiment(experiment)
    kind, n_songs = experiment.model.kind, 19 if experiment.uses_lyrics else 24
    figures = {"cluster_selection", "cluster_spectra", "tsne", "umap"}
    figures |= {"training_curves"} if experiment.model.is_trained else set()
    has_posterior = experiment.model.is_trained and kind != "ae"
    figures |= {"posterior"} if has_posterior else set()
    others = set(TABLES)
    if kind == "conv_vae":
        figures |= {"reconstruction_examples", "latent_interpolation"}
        others |= {"reconstructions.npz"}
    assert files(folder) == others | {f"figures/{figure}.png" for figure in figures}

    metrics = pd.read_csv(folder / "metrics.csv")
    assert list(metrics.columns) == COLUMNS
    own, baselines = REPRESENTATIONS[name]
    assert metrics["representation"].unique().tolist() == own + baselines
    assert set(metrics.loc[metrics["role"] == "own", "representation"]) == set(own)
    # DBSCAN has a second row, without its noise; baselines have K-Means alone.
    n_rows = metrics.groupby(["representation", "seed"]).size()
    assert {(one, n) for (one, _), n in n_rows.items()} == {
        *((one, 6) for one in own),
        *((one, 1) for one in baselines),
    }
    assert metrics.loc[metrics["scope"] == "all", "n_songs"].eq(n_songs).all()
    kmeans = metrics[metrics["clusterer"] == "kmeans"]
    assert kmeans["n_clusters"].nunique() == 1
    assert kmeans["ami_genre"].notna().all()
    seen = metrics.groupby("representation")["labels_seen"].first().dropna().to_dict()
    assert seen == {one: SEEN[one] for one in own if one in SEEN}

    history = pd.read_csv(folder / "history.csv")
    assert len(history) == (2 * len(experiment.members) if experiment.model.is_trained else 0)
    assert history["train_kl_nats"].isna().all() == (
        not experiment.model.is_trained or kind == "ae"
    )
    of_dimensions = pd.read_csv(folder / "posterior.csv")
    n_latent, n_members = experiment.model.latent, len(experiment.members)
    assert len(of_dimensions) == (n_latent * n_members if has_posterior else 0)
    of_members = pd.read_csv(folder / "posterior_summary.csv")
    assert len(of_members) == (n_members if experiment.model.is_trained else 0)
    assert of_members["heldout_decoded_share"].notna().all()
    assert of_members["kl_nats"].notna().all() == (kind != "ae")
    if has_posterior:
        last = history[history["epoch"] == 2].reset_index(drop=True)
        pd.testing.assert_series_equal(of_members["active_units"], last["active_units"])
        sums = of_dimensions.groupby(["beta", "learning_rate", "seed"], sort=False)
        assert sums["kl_nats"].sum().tolist() == pytest.approx(of_members["kl_nats"], abs=1e-4)
    curves = pd.read_csv(folder / "cluster_selection.csv")
    rules = curves.groupby(["representation", "seed"])[["chosen", "elbow", "best_silhouette"]]
    assert rules.sum().eq(1).all(axis=None)

    assert curves["stability"].isna().all()
    stability = pd.read_csv(folder / "stability.csv")
    sweep = ["sweep"] if name == "hard_beta_vae" else []
    assert stability["representation"].tolist() == own + sweep
    assert stability["n_clusterings"].tolist() == [2] * len(own) + [8] * len(sweep)
    assert stability["labels_seen"].astype(object).fillna("").tolist() == [
        SEEN.get(one, "") for one in own + sweep
    ]
    assert pd.read_csv(folder / "disentanglement.csv").empty

    latents = pd.read_parquet(folder / "latents.parquet")
    assert latents.groupby(["representation", "seed"]).size().eq(n_songs).all()
    assert set(latents["representation"]) == set(own)
    points = pd.read_parquet(folder / "projections.parquet")
    assert points.groupby(["representation", "method"]).size().eq(n_songs).all()

    assert from_json(Experiment, json.loads((folder / "config.json").read_text())) == experiment
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["data"]["sha256"] == load_songs(song_path).fingerprint
    assert manifest["data"]["clustered_songs"] == n_songs
    assert manifest["seeds"] == [0, 3]
    assert manifest["approximated"] == {}
    assert metrics["silhouette_se"].isna().all()
    lyrics = {"runtime": "tfidf"} if experiment.uses_lyrics else {}
    assert lyrics.items() <= (manifest["lyrics"] or {}).items()

    if not experiment.model.is_trained:
        assert not Path("checkpoints").exists()
    elif not experiment.fuse:
        again = encode_songs(Path("checkpoints") / name, load_songs(song_path), seed=3)
        rows = latents[(latents["seed"] == 3) & (latents["representation"] == own[0])]
        written = rows.filter(like="latent_").to_numpy()
        kept = again.table["music_id"].isin(rows["music_id"]).to_numpy()
        np.testing.assert_allclose(again.latents[kept], written, atol=1e-4)

    printed = capsys.readouterr().out
    assert printed.startswith(f"songs: {song_path}\n")
    assert own[0].split("+")[0] in printed


@pytest.mark.slow
def test_the_multimodal_representation_has_every_block(song_path):
    folder = run_experiment(tiny("hard_multimodal", song_path))
    latents = pd.read_parquet(folder / "latents.parquet")
    with_genre = latents[latents["representation"] == f"vae+{TFIDF}+genre"]
    # 32 audio latents, 6 dimensions of lyrics, 3 genres.
    assert with_genre.filter(like="latent_").notna().all(axis=None)
    assert with_genre.filter(like="latent_").shape[1] == 32 + 6 + 3


def test_a_model_that_another_experiment_trained_is_not_trained_again(
    song_path, monkeypatch, capsys
):
    run_experiment(tiny("easy_vae_mfcc", song_path))
    trained = pd.read_csv("results/easy_vae_mfcc/history.csv")
    monkeypatch.setattr(learning, "train_members", None)
    run_experiment(tiny("hard_multimodal", song_path))
    assert "model: loaded from checkpoints/easy_vae_mfcc" in capsys.readouterr().out
    pd.testing.assert_frame_equal(pd.read_csv("results/hard_multimodal/history.csv"), trained)


def test_no_lyrics_at_all_are_an_error_of_lyrics_experiments(tmp_path):
    table = with_column(songs_table(), "music_lyrics", [None] * 24)
    path = write(tmp_path / "s.parquet", table)
    for name in ("medium_lyrics", "hard_multimodal", "hard_multimodal_vae"):
        with pytest.raises(InputError, match="music_lyrics is null in 24 of 24 songs"):
            run_experiment(tiny(name, path))
    assert files(Path("results")) == set()


def test_known_factors_of_songs_are_scored(tmp_path):
    table = songs_table()
    for name, values in {"factor_tempo": range(24), "factor_odd": [0, 1] * 12}.items():
        table = table.append_column(name, [list(values)])
    experiment = tiny("easy_pca", write(tmp_path / "s.parquet", table))
    folder = run_experiment(replace(experiment, model=replace(experiment.model, latent=3)))
    scores = pd.read_csv(folder / "disentanglement.csv")
    assert scores["seed"].tolist() == [0, 3]
    assert scores[["n_songs", "n_factors"]].eq([24, 2]).all(axis=None)
    assert scores[["mig", "sap", "completeness"]].notna().all(axis=None)


def test_dbscan_without_clusters_is_reported_and_its_scores_left_empty(song_path, capsys):
    experiment = tiny("easy_spectral", song_path)
    cluster = replace(experiment.cluster, min_samples=24)
    folder = run_experiment(replace(experiment, cluster=cluster))
    assert "notice: raw: dbscan: " in capsys.readouterr().err
    metrics = pd.read_csv(folder / "metrics.csv")
    of_dbscan = metrics[metrics["clusterer"] == "dbscan"]
    assert of_dbscan["n_clusters"].lt(2).all()
    assert of_dbscan[["silhouette", "ami_genre", "purity_language"]].isna().all(axis=None)


def test_what_is_approximate_of_many_songs_is_told(tmp_path, monkeypatch, capsys):
    headings, draw = [], reporting.projection
    monkeypatch.setattr(
        reporting, "projection", lambda *args: headings.append(args[-1]) or draw(*args)
    )
    experiment = tiny("easy_pca", write(tmp_path / "s.parquet", songs_table(130)))
    experiment = replace(
        experiment,
        model=replace(experiment.model, latent=3),
        cluster=replace(experiment.cluster, exact_songs=100),
    )
    folder = run_experiment(experiment)
    sample = "a sample of 100 songs"
    assert json.loads((folder / "manifest.json").read_text())["approximated"] == {
        "kmeans": f"all songs, from the best of {sample}",
        "agglomerative": "Ward of up to 100 centroids of mini-batch K-Means",
        "dbscan": sample,
        "gmm_full": sample,
        "gmm_diag": sample,
        "silhouette": f"{sample}, each against all",
        "significance.csv": sample,
        "spaces.csv": sample,
        "resampled_ami": sample,
        "consensus_ami": sample,
        "tsne": sample,
        "umap": sample,
    }
    assert headings == [
        f"{method} of pca: easy_pca on s, n = 130 songs, a sample of 100"
        for method in ("t-SNE", "UMAP")
    ]
    (notice,) = [line for line in capsys.readouterr().err.splitlines() if "approximate" in line]
    assert notice == (
        "notice: 130 songs are more than cluster.exact_songs, which is 100, so these are "
        "approximate: kmeans, agglomerative, dbscan, gmm_full, gmm_diag, silhouette, "
        "significance.csv, spaces.csv, resampled_ami, consensus_ami, umap, tsne; "
        "manifest.json tells how"
    )
    metrics = pd.read_csv(folder / "metrics.csv")
    in_all = metrics[metrics["scope"] == "all"]
    assert in_all["n_songs"].eq(130).all()
    assert in_all["silhouette_se"].gt(0).all()
    points = pd.read_parquet(folder / "projections.parquet")
    assert points.groupby("method")["music_id"].nunique().eq(100).all()
    latents = pd.read_parquet(folder / "latents.parquet").query("seed == 0")
    shown = points[points["method"] == "tsne"].merge(latents, on="music_id")
    np.testing.assert_array_equal(shown["x"], shown["latent_000"])


def test_a_second_run_reads_no_mels_and_writes_the_same_bytes(song_path, monkeypatch, capsys):
    experiment = tiny("hard_cvae", song_path, output_dir=Path("out"))
    tables = ("metrics.csv", "history.csv", "cluster_selection.csv", "latents.parquet")
    run_experiment(experiment)
    first = [(Path("out") / name).read_bytes() for name in tables]
    monkeypatch.setattr(Part, "mel_blocks", lambda self: pytest.fail("mels were read"))
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
        ["s.parquet", 4, "id 4", "melspectrogram is null"],
        ["s.parquet", 9, "id 8", "music_id is a duplicate of row 8"],
    ]
    assert "2 of 26 rows rejected" in capsys.readouterr().out


def test_a_chosen_k_is_used_for_every_representation(song_path):
    experiment = tiny("easy_pca", song_path)
    folder = run_experiment(replace(experiment, cluster=replace(experiment.cluster, k=4)))
    metrics = pd.read_csv(folder / "metrics.csv")
    assert (
        metrics.loc[metrics["clusterer"].isin(["kmeans", "agglomerative"]), "n_clusters"]
        .eq(4)
        .all()
    )


def test_songs_without_labels_are_clustered_and_their_scores_left_empty(tmp_path, capsys):
    table = songs_table().select(["music_id", "melspectrogram"])
    folder = run_experiment(tiny("easy_vae", write(tmp_path / "s.parquet", table)))
    metrics = pd.read_csv(folder / "metrics.csv")
    assert metrics.loc[metrics["clusterer"] == "kmeans", "silhouette"].notna().all()
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
        inputs = prepare_inputs(
            replace(experiment, data=data), load_songs(path), features, Terminal()
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
    assert "held-out songs are not by new artists" in capsys.readouterr().err


def test_a_file_in_the_place_of_the_demo_set_is_not_overwritten():
    Path("data").mkdir()
    path = write(Path("data/demo.parquet"), songs_table())
    content = path.read_bytes()
    with pytest.raises(InputError, match="exists and is not a demo set"):
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
    wild = replace(experiment.train, epochs=20, learning_rate=(1e18,))
    with pytest.raises(
        DivergenceError, match=r"training diverged at beta 1, learning rate 1e\+18, seed 0, epoch"
    ):
        run_experiment(replace(experiment, train=wild))
    assert files(Path("results")) == files(Path("checkpoints")) == set()


@pytest.mark.slow
def test_without_a_path_the_demo_set_is_made_once(monkeypatch, capsys):
    made = []

    def write_small_demo(path, on_song):
        made.append(path)
        write_demo(path, 27, on_song)

    monkeypatch.setattr(inputs_module, "write_demo", write_small_demo)
    for _ in range(2):
        run_experiment(tiny("easy_pca", None))
    assert made == [Path("data/demo.parquet")]
    assert capsys.readouterr().out.startswith("songs: the built-in synthetic demo set")


def test_downloaded_4mula_comes_before_the_demo_set(capsys):
    Path("data").mkdir()
    write(Path("data/4mula_tiny.parquet"), songs_table())
    run_experiment(tiny("easy_pca", None))
    assert capsys.readouterr().out.startswith("songs: 4MuLA tiny (data/4mula_tiny.parquet)")


def test_a_collapsed_posterior_is_told(song_path, capsys):
    experiment = tiny("easy_vae", song_path)
    crushed = replace(experiment.train, beta=(1.0, 1000.0), epochs=60)
    run_experiment(replace(experiment, train=crushed, seeds=(0,)))
    notices = [line for line in capsys.readouterr().err.splitlines() if "collapse" in line]
    (notice,) = notices
    assert notice.startswith("notice: posterior collapse at beta 1000, ")


@pytest.mark.slow
@pytest.mark.parametrize("free_bits", [0.0, 0.3])
def test_free_bits_cure_a_collapse_that_is_told_and_kept(song_path, capsys, free_bits):
    experiment = tiny("easy_vae", song_path)
    train = replace(
        experiment.train, beta=(1000.0,), epochs=150, learning_rate=(1e-2,), free_bits=free_bits
    )
    folder = run_experiment(replace(experiment, train=train, seeds=(0,)))
    alarms = json.loads((folder / "manifest.json").read_text())["alarms"]
    (summary,) = pd.read_csv(folder / "posterior_summary.csv").to_dict("records")
    told = [line for line in capsys.readouterr().err.splitlines() if "collapse" in line]
    assert told == [f"notice: {line}" for line in alarms]
    if free_bits:
        assert alarms == []
        # Of 32; which of them are just above the threshold differs between processors.
        assert summary["active_units"] >= 28
        assert summary["kl_nats"] > 32 * 0.3 / 4
        assert summary["train_decoded_share"] > 0.1
    else:
        (alarm,) = alarms
        assert alarm.startswith("posterior collapse at beta 1000, learning rate 0.01, seed 0: ")
        assert "--train.free-bits 0.1" in alarm
