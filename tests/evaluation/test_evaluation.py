from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from musicvae_jax.evaluation import (
    external_scores,
    internal_scores,
    purity,
    score_clustering,
)

pairs = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 4)), min_size=2, max_size=40)


def unzip(rows):
    labels, clusters = zip(*rows, strict=True)
    return np.array(labels), np.array(clusters)


@given(pairs)
def test_purity_is_the_share_of_majority_labels(rows):
    labels, clusters = unzip(rows)
    majorities = sum(max(Counter(labels[clusters == c]).values()) for c in set(clusters))
    assert purity(labels, clusters) == pytest.approx(majorities / len(rows))


def test_purity_by_hand():
    # Manning et al., Introduction to Information Retrieval, figure 16.4: (5 + 4 + 3) / 17.
    clusters = [0] * 6 + [1] * 6 + [2] * 5
    labels = list("xxxxxo") + list("xoooo#") + list("xx###")
    assert purity(np.array(labels), np.array(clusters)) == pytest.approx(12 / 17)


@given(pairs, st.permutations("abcd"), st.permutations(range(5)), st.randoms())
def test_scores_ignore_names_and_order(rows, new_labels, new_clusters, random):
    labels, clusters = unzip(rows)
    expected = external_scores(clusters, {"genre": pd.Series(labels)})
    names = dict(zip("abcd", new_labels, strict=True))
    renamed = [(names[label], new_clusters[cluster]) for label, cluster in rows]
    random.shuffle(renamed)
    labels, clusters = unzip(renamed)
    found = external_scores(clusters, {"genre": pd.Series(labels)})
    assert found == pytest.approx(expected, nan_ok=True, abs=1e-9)


@given(pairs)
def test_scores_stay_in_their_ranges(rows):
    labels, clusters = unzip(rows)
    scores = external_scores(clusters, {"genre": pd.Series(labels)})
    if len(set(labels)) < 2:
        assert scores.pop("n_genre") == len(labels)
        assert np.isnan(list(scores.values())).all()
        return
    assert -0.5 - 1e-9 <= scores["ari_genre"] <= 1
    assert -1e-9 <= scores["nmi_genre"] <= 1 + 1e-9
    assert scores["ami_genre"] <= 1 + 1e-9
    assert 0 < scores["purity_genre"] <= 1


def test_only_songs_with_the_label_are_scored_and_counted():
    clusters = np.array([0, 0, 1, 1, 0, 1])
    labels = {
        "genre": pd.Series(["a", "a", "b", "b", None, None], dtype=object),
        "language": pd.Series(["x", "y", "x", "y", "x", "y"]),
    }
    scores = external_scores(clusters, labels)
    assert (scores["n_genre"], scores["n_language"]) == (4, 6)
    assert scores["ari_genre"] == 1.0
    expected = metrics.adjusted_rand_score(labels["language"], clusters)
    assert scores["ari_language"] == expected


def test_no_label_at_all_is_counted_as_none():
    scores = external_scores(np.array([0, 1]), {"genre": pd.Series([None, None], dtype=object)})
    assert scores["n_genre"] == 0
    assert np.isnan(scores["ami_genre"])


def test_internal_scores_agree_with_their_definitions():
    x = np.array([[0.0], [1.0], [10.0], [12.0]])
    scores = internal_scores(x, np.array([0, 0, 1, 1]))
    # Silhouette of each point: (b - a) / max(a, b) with mean distances a inside, b outside.
    silhouette = [(11 - 1) / 11, (10 - 1) / 10, (9.5 - 2) / 9.5, (11.5 - 2) / 11.5]
    assert scores["silhouette"] == pytest.approx(np.mean(silhouette))
    # Between and within sums of squares: centres .5 and 11 around 5.75; (.5 + 2) within.
    assert scores["calinski_harabasz"] == pytest.approx((4 * 5.25**2 / 1) / (2.5 / 2))
    assert scores["davies_bouldin"] == pytest.approx((0.5 + 1.0) / 10.5)


@pytest.mark.parametrize("clusters", [[0, 0, 0], [0, 1, 2]])
def test_internal_scores_are_empty_without_a_clustering(clusters):
    scores = internal_scores(np.array([[0.0], [1.0], [3.0]]), np.array(clusters))
    assert np.isnan(list(scores.values())).all()
    assert len(scores) == 4


def test_the_silhouette_of_many_songs_has_a_standard_error():
    rng = np.random.default_rng(0)
    clusters = rng.integers(0, 3, 500)
    x = rng.normal(size=(500, 2)) + 3 * clusters[:, None]
    exact, estimated = (internal_scores(x, clusters, n) for n in (500, 200))
    assert exact["silhouette"] == metrics.silhouette_score(x, clusters)
    assert np.isnan(exact["silhouette_se"])
    assert 0 < estimated["silhouette_se"] < 0.03
    off = abs(estimated["silhouette"] - exact["silhouette"])
    assert 0 < off < 3 * estimated["silhouette_se"]
    linear = ("calinski_harabasz", "davies_bouldin")
    assert [estimated[name] for name in linear] == [exact[name] for name in linear]


def test_noise_is_left_out_or_a_cluster_of_its_own():
    x = np.array([[0.0], [1.0], [10.0], [12.0], [100.0], [101.0]])
    clusters = np.array([0, 0, 1, 1, -1, -1])
    labels = {"genre": pd.Series(list("aabbab"), index=range(7, 13))}
    clustered = score_clustering(x, clusters, labels, "clustered")
    assert (clustered["n_clusters"], clustered["n_songs"], clustered["n_genre"]) == (2, 4, 4)
    assert clustered["noise_share"] == pytest.approx(1 / 3)
    assert clustered["davies_bouldin"] == pytest.approx(1.5 / 10.5)
    assert (clustered["ari_genre"], clustered["purity_genre"]) == (1, 1)
    everything = score_clustering(x, clusters, labels, "all")
    assert (everything["n_clusters"], everything["n_songs"], everything["n_genre"]) == (2, 6, 6)
    assert everything["noise_share"] == pytest.approx(1 / 3)
    assert everything["purity_genre"] == pytest.approx(5 / 6)
    assert everything["silhouette"] == pytest.approx(
        metrics.silhouette_score(x, [0, 0, 1, 1, 2, 2])
    )


@pytest.mark.parametrize("scope", ["clustered", "all"])
@pytest.mark.parametrize("clusters", [[0, 0, 0, 0], [0, 0, 0, -1], [-1, -1, -1, -1]])
def test_without_two_clusters_there_are_counts_and_no_scores(clusters, scope):
    labels = {"genre": pd.Series(list("abab"))}
    scores = score_clustering(np.eye(4), np.array(clusters), labels, scope)
    n_songs = 4 if scope == "all" else sum(c >= 0 for c in clusters)
    assert scores["n_songs"] == scores["n_genre"] == n_songs
    assert scores["n_clusters"] == int(max(clusters) >= 0)
    counted = {"n_clusters", "n_songs", "n_genre", "noise_share"}
    assert np.isnan([value for name, value in scores.items() if name not in counted]).all()
