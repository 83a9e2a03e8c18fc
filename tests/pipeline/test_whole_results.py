"""What every experiment leaves: files, tables, and numbers that agree with each other."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from tinyruns import files, run_experiment, tiny

import musicvae_jax as mv
from musicvae_jax.config import CLUSTERERS, Experiment, from_json
from musicvae_jax.evaluation import EXTERNAL_METRICS, metrics_with_nulls
from musicvae_jax.pipeline.resolve import resolve_architecture
from musicvae_jax.registry import EXPERIMENTS
from musicvae_jax.songs import load_songs
from musicvae_jax.trained import load

LABELS = ("genre", "language", "artist")
MARKS = ("labels_seen", "labels_derivable")
COLUMNS = [
    *("experiment", "seed", "representation", "role", "clusterer", "scope"),
    *("n_clusters", "n_songs", "noise_share"),
    *(
        f"{space}{score}"
        for space in ("", "shared_")
        for score in ("silhouette", "silhouette_se", "calinski_harabasz", "davies_bouldin")
    ),
    *(f"{score}_{label}" for label in LABELS for score in (*metrics_with_nulls(), "n")),
    *(
        f"{score}_{label}"
        for label in LABELS
        for score in EXTERNAL_METRICS
        if score not in metrics_with_nulls()
    ),
    *MARKS,
]
SPECTRA = "figures/cluster_spectra.png"
ALWAYS = {
    *("config.json", "manifest.json", "cards.json", "latents.parquet", "projections.parquet"),
    *("metrics.csv", "significance.csv", "spaces.csv", "comparisons.csv", "stability.csv"),
    *("disentanglement.csv", "history.csv", "posterior.csv", "posterior_summary.csv"),
    *("cluster_selection.csv", "rejected.csv"),
    *("figures/cluster_selection.png", SPECTRA),
    *("figures/tsne.png", "figures/umap.png"),
    *("songs.parquet", "neighbours.parquet", "thumbnails.npz", "map.html"),
}
CURVES = frozenset({"figures/training_curves.png"})
POSTERIOR = CURVES | {"figures/posterior.png"}
MELS = POSTERIOR | {
    *("reconstructions.npz", "figures/reconstruction_examples.png"),
    "figures/latent_interpolation.png",
}
TFIDF = "lyrics_tfidf"


class Expected(NamedTuple):
    """What a run of two seeds and two epochs leaves.

    Attributes:
        own: representations, in the order of the tables.
        baselines: likewise.
        files: beyond those of every run.
        seen: representations that were given labels, with these.
        n_songs: that are clustered: 24, or the 19 with lyrics.
        n_models: trained ones.
        n_dimensions: rows of posterior.csv.
        sweep: clusterings that the sweep's own row of stability.csv is of; 0 where there is none.
        has_kl: whether its losses have a KL term.
    """

    own: list[str]
    baselines: list[str]
    files: frozenset[str] = frozenset()
    seen: tuple[tuple[str, str], ...] = ()
    n_songs: int = 24
    n_models: int = 0
    n_dimensions: int = 0
    sweep: int = 0
    has_kl: bool = False


def vae(own, baselines, files=POSTERIOR, seen=(), n_songs=24, n_latent=32):
    """Of one model with a KL term."""
    return Expected(own, baselines, files, seen, n_songs, 2, 2 * n_latent, has_kl=True)


# There are no more than 19 components of 20 training songs.
PLAIN = ["pca", "whitened_pca_19", "whitened_pca_16", "raw"]
TFIDF_32 = f"{TFIDF}_32"


def of_inputs(name):
    """Baselines of a model that reads text too."""
    return [*PLAIN[:-1], f"{name}_whitened_pca_19", "raw"]


EXPECTED = {
    "easy_spectral": Expected(["raw"], PLAIN[:-1]),
    "easy_pca": Expected(["pca"], PLAIN[1:]),
    "easy_whitened_pca": Expected(["whitened_pca_16"], ["pca", "raw"]),
    "easy_vae": vae(["vae"], PLAIN),
    "easy_vae_mfcc": vae(["vae"], PLAIN),
    "medium_conv_vae": vae(["conv_vae"], PLAIN, MELS, n_latent=64),
    "medium_lyrics": Expected(
        [TFIDF, f"{TFIDF}_centred"],
        # Of 16 training songs with lyrics; the first 16 components are the same 15.
        ["pca", "whitened_pca_15", "lyrics_whitened_pca_6", "raw"],
        seen=((f"{TFIDF}_centred", "language"),),
        n_songs=19,
    ),
    "medium_hybrid": vae(
        [f"conv_vae+{TFIDF}_pca", f"conv_vae+{TFIDF}"],
        ["conv_vae", TFIDF, *PLAIN],
        MELS,
        n_songs=19,
        n_latent=64,
    ),
    "hard_ae": Expected(["ae"], PLAIN, CURVES, n_models=2),
    "hard_n2d": Expected(["ae"], PLAIN, CURVES, n_models=2),
    "hard_beta_vae": Expected(
        ["vae", "beta_vae_2", "beta_vae_4", "beta_vae_8"],
        PLAIN,
        POSTERIOR,
        n_models=8,
        n_dimensions=8 * 32,
        sweep=8,
        has_kl=True,
    ),
    "hard_cvae": vae(["cvae"], PLAIN, seen=(("cvae", "genre"),)),
    "hard_cvae_language": vae(["cvae_language"], PLAIN, seen=(("cvae_language", "language"),)),
    "hard_multimodal": vae(
        [f"vae+{TFIDF}_pca", f"vae+{TFIDF}", f"vae+{TFIDF}+genre"],
        ["vae", TFIDF, *PLAIN],
        seen=((f"vae+{TFIDF}+genre", "genre"),),
        n_songs=19,
    ),
    "hard_mfa": Expected(["mfa"], [TFIDF_32, *of_inputs("mfa")], n_songs=19),
    "hard_mfa_all": Expected(["mfa"], of_inputs("mfa")),
    "hard_mfa_centred": Expected(
        ["mfa_centred"],
        [f"{TFIDF_32}_centred", *of_inputs("mfa_centred")],
        seen=tuple(
            (name, "language")
            for name in ("mfa_centred", f"{TFIDF_32}_centred", "mfa_centred_whitened_pca_19")
        ),
        n_songs=19,
    ),
    "hard_mfa_style": Expected(
        ["mfa_style"], [TFIDF_32, "style", *of_inputs("mfa_style")], n_songs=19
    ),
    "hard_mfa_vae": vae(["mfa_vae", "mfa_vae_decoded"], [TFIDF_32, *of_inputs("mfa")], n_songs=19),
    "hard_mvae": vae(["mvae"], [TFIDF_32, *of_inputs("mfa")], n_songs=19),
    "hard_mopoe": vae(["mopoe"], [TFIDF_32, *of_inputs("mfa")], n_songs=19),
    "hard_mvtcae": vae(["mvtcae"], [TFIDF_32, *of_inputs("mfa")], n_songs=19),
    "hard_vade": vae(
        ["vade"], ["pca", "whitened_pca_10", "whitened_pca_16", "raw"], CURVES, n_latent=10
    ),
    "hard_multimodal_vae": vae(["multimodal_vae"], [TFIDF, *of_inputs("multimodal")], n_songs=19),
}
# Much like others, and slower.
SLOW = (
    *("easy_spectral", "easy_pca", "easy_whitened_pca", "hard_mfa_all"),
    *("easy_vae_mfcc", "medium_conv_vae", "medium_hybrid", "hard_ae", "hard_beta_vae"),
    *("hard_n2d", "hard_multimodal", "hard_multimodal_vae", "hard_cvae_language"),
    *("hard_mfa", "hard_mfa_centred", "hard_mfa_style", "hard_mfa_vae"),
    *("hard_mvae", "hard_mopoe", "hard_mvtcae", "hard_vade"),
)


def marked(name):
    return pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW), id=name)


class Run(NamedTuple):
    """A finished run."""

    name: str
    expected: Expected
    experiment: Experiment
    folder: Path

    def table(self, name):
        return pd.read_csv(self.folder / f"{name}.csv")


@pytest.mark.parametrize("name", [marked(name) for name in EXPERIMENTS])
def test_every_experiment_leaves_whole_results(name, song_path, quick_projections, capsys):
    """One run, its figures drawn, looked at from all sides."""
    experiment = tiny(name, song_path)
    run = Run(name, EXPECTED[name], experiment, run_experiment(experiment))
    printed = capsys.readouterr().out
    assert printed.startswith(f"songs: {song_path}\n")
    assert f"results: results/{name}" in printed
    # Only mel statistics have a mean spectrum.
    spectra = set() if "statistics" in experiment.audio_blocks else {SPECTRA}
    assert files(run.folder) == (ALWAYS | run.expected.files) - spectra
    check_scores(run)
    check_comparisons(run)
    check_training(run)
    check_stability(run)
    check_points(run)
    check_record(run, song_path)
    check_checkpoint(run, song_path)
    check_assignment(run, song_path)


def check_scores(run):
    metrics, expected = run.table("metrics"), run.expected
    assert list(metrics.columns) == COLUMNS
    roles = metrics.drop_duplicates("representation")[["representation", "role"]]
    assert roles.to_numpy().tolist() == [
        *([one, "own"] for one in expected.own),
        *([one, "baseline"] for one in expected.baselines),
    ]
    # DBSCAN has a second row, without its noise; baselines have K-Means alone.
    n_own = sum(1 + CLUSTERERS[method].leaves_noise for method in run.experiment.cluster.methods)
    n_rows = metrics.groupby(["representation", "seed"]).size().to_dict()
    assert n_rows == {
        (one, seed): n
        for names, n in ((expected.own, n_own), (expected.baselines, 1))
        for one in names
        for seed in (0, 3)
    }
    assert metrics.loc[metrics["scope"] == "all", "n_songs"].eq(expected.n_songs).all()
    assert metrics["silhouette_se"].isna().all()
    assert set(metrics["clusterer"]) == set(run.experiment.cluster.methods)
    kmeans = metrics[metrics["clusterer"] == "kmeans"]
    assert kmeans["n_clusters"].nunique() == 1
    assert kmeans["ami_genre"].notna().all()
    for table in (metrics, run.table("significance"), run.table("spaces")):
        seen = table.groupby("representation")["labels_seen"].first().dropna().to_dict()
        assert seen == dict(expected.seen)


def check_comparisons(run):
    """Every own representation against every baseline, but never on a label that leaks."""
    table, metrics = run.table("comparisons"), run.table("metrics")
    kmeans = metrics[metrics["clusterer"] == "kmeans"].astype(dict.fromkeys(MARKS, object))
    marks = kmeans.groupby("representation")[list(MARKS)].first().fillna("").agg(" ".join, axis=1)
    assert table[["experiment", "representation", "against", "label"]].to_numpy().tolist() == [
        [run.name, one, other, label]
        for one in run.expected.own
        for other in run.expected.baselines
        for label in ("genre", "language")
        if label not in (marks[one] + " " + marks[other]).split()
    ]
    means = kmeans.groupby("representation")[["ami_genre", "ami_language"]].mean()
    for row in table.itertuples():
        of_label = means[f"ami_{row.label}"]
        expected = of_label[row.representation] - of_label[row.against]
        assert row.difference == pytest.approx(expected, abs=2e-6)
        assert row.n_seeds == 2


def check_training(run):
    history, of_members = run.table("history"), run.table("posterior_summary")
    of_dimensions, expected = run.table("posterior"), run.expected
    assert len(history) == 2 * expected.n_models
    assert len(of_members) == expected.n_models
    assert len(of_dimensions) == expected.n_dimensions
    assert history["train_reconstruction_nats"].notna().all()
    assert of_members["heldout_decoded_share"].notna().all()
    n_with_kl = expected.has_kl * expected.n_models
    assert history["train_kl_nats"].notna().sum() == 2 * n_with_kl
    # The KL to a mixture has no closed form.
    is_closed = run.experiment.model.traits.has_normal_prior
    assert of_members["kl_nats"].notna().sum() == n_with_kl * is_closed
    # The tables agree on what they both hold.
    last = history[history["epoch"] == 2].reset_index(drop=True)[:n_with_kl]
    assert of_members["active_units"].dropna().tolist() == last["active_units"].tolist()
    sums = of_dimensions.groupby(["beta", "learning_rate", "seed"], sort=False)["kl_nats"]
    sums = sums.sum(min_count=1).dropna()
    assert sums.tolist() == pytest.approx(of_members["kl_nats"].dropna().tolist(), abs=1e-4)


def check_stability(run):
    curves, stability = run.table("cluster_selection"), run.table("stability")
    rules = curves.groupby(["representation", "seed"])[["chosen", "elbow", "best_silhouette"]]
    assert rules.sum().eq(1).all(axis=None)
    assert curves[["stability", "pac"]].isna().all(axis=None)
    expected = [(one, 2, dict(run.expected.seen).get(one, "")) for one in run.expected.own]
    expected += [("sweep", run.expected.sweep, "")] * bool(run.expected.sweep)
    found = stability[["representation", "n_clusterings", "labels_seen"]]
    assert list(found.astype(object).fillna("").itertuples(index=False, name=None)) == expected
    assert run.table("disentanglement").empty


def check_points(run):
    latents = pd.read_parquet(run.folder / "latents.parquet")
    counts = latents.groupby(["representation", "seed"]).size().to_dict()
    assert counts == {(one, s): run.expected.n_songs for one in run.expected.own for s in (0, 3)}
    points = pd.read_parquet(run.folder / "projections.parquet")
    counts = points.groupby(["representation", "method"]).size().to_dict()
    methods = ("tsne", "umap")
    assert counts == {(one, m): run.expected.n_songs for one in run.expected.own for m in methods}


def check_record(run, song_path):
    config = json.loads((run.folder / "config.json").read_text())
    assert from_json(Experiment, config) == resolve_architecture(run.experiment)
    manifest = json.loads((run.folder / "manifest.json").read_text())
    assert manifest["data"]["fingerprint"] == load_songs(song_path).fingerprint
    assert manifest["data"]["clustered_songs"] == run.expected.n_songs
    assert manifest["seeds"] == [0, 3]
    assert manifest["approximated"] == {}
    runtime = (manifest["lyrics"] or {}).get("runtime")
    assert runtime == ("tfidf" if run.experiment.chooses_runtime else None)
    assert {one["found"] for one in manifest["stages"].values()} == {0}


def check_checkpoint(run, song_path):
    """It gives the points of the table again, of every own representation."""
    checkpoints = list(Path("checkpoints").glob("*"))
    assert [folder.name for folder in checkpoints] == [run.name]
    latents = pd.read_parquet(run.folder / "latents.parquet")
    again = [
        one for folder in checkpoints for one in load(folder).representations(load_songs(song_path))
    ]
    for one in again:
        rows = latents[latents["representation"] == one.name]
        for place, seed in enumerate((0, 3)):
            of_seed = rows[rows["seed"] == seed]
            points = of_seed.filter(like="latent_").dropna(axis=1).to_numpy()
            found = one.of_seed(place)[np.isin(one.songs, of_seed["music_id"])]
            np.testing.assert_allclose(found, points, atol=1e-4)


def check_assignment(run, song_path):
    """The checkpoint knows the run's clusters, and puts every song into its own."""
    table = mv.assign(load(f"checkpoints/{run.name}"), load_songs(song_path))
    assigned = table.dropna(subset="cluster")
    latents = pd.read_parquet(run.folder / "latents.parquet")
    rows = latents[latents["representation"].eq(run.expected.own[0]) & latents["seed"].eq(0)]
    assert assigned["music_id"].tolist() == rows["music_id"].tolist()
    assert assigned["cluster"].tolist() == rows["cluster"].tolist()
    for column in ("music_id", "title", "artist"):
        assert assigned[f"nearest_1_{column}"].tolist() == assigned[column].tolist()
    assert assigned["nearest_1_distance"].max() < 1e-3
    assert assigned["nearest_5_distance"].notna().all()
