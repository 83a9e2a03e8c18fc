"""stability.csv."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from listings import list_songs, represent, stages
from sklearn.metrics import adjusted_mutual_info_score

from musicvae_jax.clustering import kmeans
from musicvae_jax.config import ClusterConfig
from musicvae_jax.evaluation import kmeans_agreement
from musicvae_jax.pipeline.cluster import Clustered
from musicvae_jax.pipeline.stability import SWEEP, start_stability

N_SONGS, K = 120, 4
CONFIG = ClusterConfig(k_max=6, restarts=2, methods=("kmeans",))


def points(seed, spread=1.0):
    """Songs of four kinds; the kinds are told apart at a spread of 1, and not at 20."""
    corners = 8 * np.eye(K)[np.arange(N_SONGS) % K]
    return corners + spread * np.random.default_rng(seed).normal(size=(N_SONGS, K))


def songs():
    kind = np.arange(N_SONGS) % K
    return pd.DataFrame(
        {
            "genre": np.array(list("abcd"))[kind],
            "language": [None] * N_SONGS,
            "artist": np.arange(N_SONGS).astype(str),
        }
    )


def scored(own, baselines=(), seeds=(0, 3), is_sweep=False, **changes):
    """Its table, of what K-Means makes of the representations."""
    config = replace(CONFIG, **changes)
    clusters = {
        (one.name, seed): kmeans(one.of_seed(place), K, seed, config).labels
        for one in (*own, *baselines)
        for place, seed in enumerate(seeds)
    }
    clustered = Clustered(K, {}, clusters, {}, pd.DataFrame(), {})
    listing = list_songs(songs(), own, baselines, seeds)
    found = start_stability("mine", listing, is_sweep, clustered, config, stages())()
    return found.table.set_index("representation"), found.approximated, clusters


def test_clear_clusters_come_out_again_and_others_do_not():
    clear = represent("clear", [points(0), points(1)], ("genre",))
    vague = represent("vague", [points(0, 20.0), points(1, 20.0)])
    baseline = represent("raw", [points(0), points(1)])
    table, approximated, clusters = scored([clear, vague], [baseline])
    assert approximated == {}
    assert table.index.tolist() == ["clear", "vague"]
    assert table[["n_clusterings", "n_clusters", "n_songs"]].eq([2, K, N_SONGS]).all(axis=None)
    scores = ["seed_ami_mean", "seed_ami_min", "resampled_ami_mean", "resampled_ami_min"]
    assert table.loc["clear", scores].tolist() == pytest.approx([1] * 4)
    assert table.loc["clear", "consensus_ami_genre"] == pytest.approx(1)
    assert table["labels_seen"].tolist() == ["genre", ""]
    assert table["consensus_ami_language"].isna().all()
    between = adjusted_mutual_info_score(clusters["vague", 0], clusters["vague", 3])
    assert table.loc["vague", scores[:2]].tolist() == pytest.approx([between] * 2)
    by_seed = [
        kmeans_agreement(x, K, CONFIG, 3, seed)
        for seed, x in zip((0, 3), vague.points, strict=True)
    ]
    expected = [np.mean([one.mean for one in by_seed]), min(one.minimum for one in by_seed)]
    assert table.loc["vague", scores[2:]].tolist() == pytest.approx(expected)
    assert expected[1] < expected[0] < 0.8


def test_one_seed_agrees_with_nothing():
    table, _, _ = scored([represent("vae", [points(0)])], seeds=(7,))
    assert table[["seed_ami_mean", "seed_ami_min"]].isna().all(axis=None)
    assert table["resampled_ami_mean"].notna().all()
    assert table["consensus_ami_genre"].tolist() == pytest.approx([1])


@pytest.mark.slow
def test_all_models_of_a_sweep_have_a_consensus():
    members = [represent(f"m{i}", [points(i), points(9 + i)]) for i in range(3)]
    table, _, clusters = scored(members, is_sweep=True)
    assert table.index.tolist() == ["m0", "m1", "m2", SWEEP]
    assert table["n_clusterings"].tolist() == [2, 2, 2, 6]
    assert table.loc[SWEEP, "consensus_ami_genre"] == pytest.approx(1)
    assert np.isnan(table.loc[SWEEP, "resampled_ami_mean"])
    assert len(clusters) == 6
    assert SWEEP not in scored(members)[0].index
    assert SWEEP not in scored(members[:1], is_sweep=True)[0].index


def test_a_representation_that_has_no_clusters_has_no_stability():
    few = represent("few", [np.repeat(np.eye(2), N_SONGS // 2, axis=0)] * 2)
    good = represent("good", [points(0)] * 2)
    assert scored([few, good])[0].index.tolist() == ["good"]
    assert scored([few])[0].empty


def test_of_many_songs_a_sample_is_used():
    own = [represent("vae", [points(0), points(1)])]
    table, approximated, _ = scored(own, exact_songs=100)
    sample = "a sample of 100 songs"
    assert approximated == {"resampled_ami": sample, "consensus_ami": sample}
    assert table["consensus_ami_genre"].tolist() == pytest.approx([1])
