from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from musicvae_jax.evaluation import (
    clustering_accuracy,
    completeness,
    external_scores,
    homogeneity,
    matching_scores,
    purity,
)

pairs = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 4)), min_size=1, max_size=40)


def unzip(rows):
    return tuple(np.array(column) for column in zip(*rows, strict=True))


@given(pairs)
def test_v_measure_parts_agree_with_scikit_learn(rows):
    labels, clusters = unzip(rows)
    h, c, _ = metrics.homogeneity_completeness_v_measure(labels, clusters)
    assert homogeneity(labels, clusters) == pytest.approx(h, abs=1e-9)
    assert completeness(labels, clusters) == pytest.approx(c, abs=1e-9)


@given(pairs)
def test_nmi_is_the_harmonic_mean_of_the_parts(rows):
    labels, clusters = unzip(rows)
    h, c = homogeneity(labels, clusters), completeness(labels, clusters)
    nmi = metrics.normalized_mutual_info_score(labels, clusters)
    assert nmi * (h + c) == pytest.approx(2 * h * c, abs=1e-7)


@given(pairs)
def test_accuracy_is_the_best_of_all_assignments(rows):
    labels, clusters = unzip(rows)
    # A label of nobody's lets a cluster go without one.
    names = [*"abcd", *[None] * 5]
    right = (np.mean(labels == np.array(to, object)[clusters]) for to in assignments(names))
    assert clustering_accuracy(labels, clusters) == pytest.approx(max(right))


def assignments(names):
    return set(permutations(names, 5))


@given(pairs)
def test_accuracy_is_at_most_purity(rows):
    labels, clusters = unzip(rows)
    assert 0 < clustering_accuracy(labels, clusters) <= purity(labels, clusters)


def test_accuracy_by_hand_with_unequal_numbers():
    # One of three clusters goes without a label, and with it its two songs.
    labels, clusters = np.array(list("aaaabbb")), np.array([0, 0, 1, 1, 2, 2, 2])
    assert clustering_accuracy(labels, clusters) == pytest.approx(5 / 7)
    assert purity(labels, clusters) == 1
    # And one of two labels goes without a cluster.
    assert clustering_accuracy(labels, np.zeros(7)) == pytest.approx(4 / 7)


def test_parts_by_hand():
    # Each cluster has one label, and label a is split in two: of the entropy of the clusters,
    # 1.5 bits, the labels leave half a bit.
    labels, clusters = np.array(list("aabb")), np.array([0, 1, 2, 2])
    assert homogeneity(labels, clusters) == pytest.approx(1)
    assert completeness(labels, clusters) == pytest.approx(2 / 3)


def test_matching_scores_are_taken_on_songs_with_the_label():
    clusters = np.array([0, 0, 1, 1, 0, 1])
    labels = {
        "genre": pd.Series(["a", "a", "b", "b", None, None], dtype=object, index=range(3, 9)),
        "language": pd.Series(["x"] * 6),
    }
    found = matching_scores(clusters, labels)
    assert list(found) == [
        f"{name}_{kind}" for kind in labels for name in ("homogeneity", "completeness", "accuracy")
    ]
    assert [value for name, value in found.items() if name.endswith("genre")] == [1, 1, 1]
    assert np.isnan([value for name, value in found.items() if name.endswith("language")]).all()


def test_they_stand_beside_the_external_scores():
    labels = {"genre": pd.Series(list("aabb"))}
    found = external_scores(np.array([0, 0, 1, 1]), labels)
    assert list(found) == ["ari_genre", "nmi_genre", "ami_genre", "purity_genre", "n_genre"]
    assert not set(found) & set(matching_scores(np.array([0, 0, 1, 1]), labels))
