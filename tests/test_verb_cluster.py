"""What `cluster` finds, and how many clusters: those of the call, of the config, or of its rule."""

import numpy as np
import pytest
from listings import blobs, represent

import musicvae_jax as mv
from musicvae_jax import verbs
from musicvae_jax.config import K_RULES

# Three far groups of six songs.
POINTS = np.repeat(10 * np.eye(3), 6, axis=0) + np.random.default_rng(0).normal(size=(18, 3))


@pytest.fixture(autouse=True)
def few_subsets(monkeypatch):
    monkeypatch.setattr("musicvae_jax.evaluation.ambiguity._SUBSETS", 10)


def clustered(k=None, **config):
    return mv.cluster(represent("mine", [POINTS]), k, config=mv.ClusterConfig(**config))


def test_the_call_comes_before_the_config_and_the_config_before_the_elbow():
    mine = represent("mine", [POINTS])
    five = mv.ClusterConfig(k=5)
    found = [
        *(mv.cluster(mine), mv.cluster(mine, 4)),
        *(mv.cluster(mine, config=five), mv.cluster(mine, 2, config=five)),
    ]
    assert [one.k for one in found] == [3, 4, 5, 2]
    assert [len(set(one.labels[0])) for one in found] == [3, 4, 5, 2]


def test_with_a_k_no_other_is_tried(monkeypatch):
    monkeypatch.setattr(verbs, "k_curves", lambda *arguments: pytest.fail("others were tried"))
    assert clustered(k=4).k == 4


@pytest.mark.parametrize("rule", K_RULES)
def test_each_rule_chooses_where_no_k_is_given(rule):
    assert clustered(k=4, choose_k=rule).k == 4
    assert clustered(choose_k=rule, k_max=6).k == 3


@pytest.mark.slow
def test_the_rule_that_is_asked_for_is_the_one_that_chooses():
    # Two far groups of three near clusters.
    centres = np.array([[x, y] for x in (0, 300) for y in (0, 9, 18)])
    x = np.repeat(centres, 20, axis=0) + np.random.default_rng(0).normal(size=(120, 2))
    found = {
        rule: mv.cluster(
            represent("mine", [x]), config=mv.ClusterConfig(choose_k=rule, k_max=8, restarts=2)
        ).k
        for rule in K_RULES
    }
    assert found == {"elbow": 4, "silhouette": 2, "stability": 6, "pac": 6}


def test_too_few_songs_for_a_k_are_refused():
    with pytest.raises(mv.InputError, match=r"got 18 songs, expected more than cluster\.k"):
        clustered(k=18)


def groups(labels):
    return {frozenset(np.flatnonzero(labels == label)) for label in set(labels)}


THREE = {frozenset(range(first, first + 10)) for first in (0, 10, 20)}


@pytest.mark.parametrize("k", [3, None])
@pytest.mark.parametrize("method", ["kmeans", "agglomerative", "gmm_diag", "gmm_full"])
def test_groups_far_apart_are_found(method, k):
    found = mv.cluster(blobs(2), k=k, method=method)
    assert (found.k, found.method, found.seeds) == (3, method, (0, 1))
    assert found.representation.name == "blobs"
    assert all(groups(labels) == THREE for labels in found.labels)


def test_a_clusterer_that_finds_its_own_number_ignores_k():
    config = mv.ClusterConfig(min_samples=3)
    few, many = (mv.cluster(blobs(), k, "dbscan", config=config).labels[0] for k in (2, 9))
    np.testing.assert_array_equal(few, many)
    # No cluster is of two groups.
    clustered = groups(few) - {frozenset(np.flatnonzero(few == -1))}
    assert len(clustered) >= 3
    assert all(any(cluster <= group for group in THREE) for cluster in clustered)


def test_points_that_are_not_drawn_are_clustered_under_every_seed():
    found = mv.cluster(blobs(), k=3, seeds=(4, 9))
    assert found.seeds == (4, 9)
    assert [groups(labels) for labels in found.labels] == [THREE, THREE]


def test_songs_that_nothing_is_known_of_are_in_no_cluster():
    known = np.arange(30) % 5 > 0
    found = mv.cluster(blobs(known=known), k=3)
    np.testing.assert_array_equal(found.labels[0] == -1, ~known)


def test_a_clusterer_that_finds_its_own_number_is_told_none():
    assert mv.cluster(blobs(), method="dbscan").k == 0
