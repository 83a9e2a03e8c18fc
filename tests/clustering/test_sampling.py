"""More songs than are clustered exactly: a sample stands for them."""

import numpy as np
import pytest
from pointsets import blobs
from sklearn import metrics
from sklearn.metrics import adjusted_rand_score

from musicvae_jax.clustering import (
    NOISE,
    agglomerative,
    choose_k,
    dbscan,
    find_clusterer,
    k_curves,
    kmeans,
    sample_songs,
    sampling,
)
from musicvae_jax.config import CLUSTERERS, ClusterConfig

pytestmark = pytest.mark.usefixtures("quick_manifold")
# Few songs are many here.
LARGE = ClusterConfig(exact_songs=200, restarts=2, k_max=6)


@pytest.mark.parametrize("method", CLUSTERERS)
def test_of_many_songs_too_separate_blobs_are_found(method):
    x, truth = blobs(4, 300)
    found = find_clusterer(method)(x, 4, 0, LARGE)
    clustered = found.labels != NOISE
    assert clustered.mean() > (0.7 if method == "dbscan" else 0.999)
    assert adjusted_rand_score(truth[clustered], found.labels[clustered]) > 0.95
    assert len(np.unique(found.labels[clustered])) == 4
    assert found.note == ""
    assert found.approximation != ""


@pytest.mark.parametrize("method", CLUSTERERS)
def test_of_many_songs_too_the_same_seed_gives_the_same_clusters(method):
    x = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    first, second = (find_clusterer(method)(x, 7, 3, LARGE) for _ in range(2))
    assert first.labels.tobytes() == second.labels.tobytes()
    assert first.approximation != ""


@pytest.mark.parametrize("method", CLUSTERERS)
def test_nothing_is_approximate_up_to_the_limit(method):
    x = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    at_limit = find_clusterer(method)(x, 7, 3, LARGE)
    below = find_clusterer(method)(x, 7, 3, ClusterConfig(restarts=2))
    assert at_limit.labels.tobytes() == below.labels.tobytes()
    assert at_limit.approximation == ""


def test_the_number_of_separate_blobs_of_many_songs_is_found():
    x, _ = blobs(4, 300)
    curves = k_curves(x, LARGE, 0)
    assert (curves.k.tolist(), choose_k([curves], LARGE)) == ([2, 3, 4, 5, 6], 4)
    by_hand = metrics.silhouette_score(x, kmeans(x, 4, 0, LARGE).labels)
    assert curves.silhouette[2] == pytest.approx(by_hand, abs=0.02)


def test_many_equal_songs_are_clustered():
    x = np.repeat(np.random.default_rng(0).normal(size=(5, 3)), 60, axis=0)
    truth = np.repeat(np.arange(5), 60)
    assert adjusted_rand_score(truth, agglomerative(x, 5, 0, LARGE).labels) == 1.0
    of_dbscan = dbscan(x, 0, 0, LARGE)
    assert of_dbscan.eps == 0
    assert adjusted_rand_score(truth, of_dbscan.labels) == 1.0
    assert agglomerative(x, 6, 0, LARGE).note == (
        "agglomerative: 5 distinct songs are too few for 6 clusters"
    )


def test_clusters_that_the_sample_lacks_are_found():
    x = np.append(np.zeros((1000, 2)), [[9, 0], [0, 9]], axis=0)
    assert sample_songs(1002, 200, 0).max() < 1000
    labels = kmeans(x, 3, 0, LARGE).labels
    assert np.bincount(labels).tolist().count(1) == 2
    assert k_curves(x, LARGE, 0).k.tolist() == [2]


def test_songs_join_the_nearest_core_song_within_eps_in_blocks(monkeypatch):
    x = np.random.default_rng(1).normal(size=(500, 2))
    found = dbscan(x, 0, 3, LARGE)
    places = sample_songs(500, 200, 3)
    of_sample = dbscan(x[places], 0, 0, LARGE)
    np.testing.assert_array_equal(found.labels[places], of_sample.labels)
    assert found.eps == of_sample.eps
    apart = np.linalg.norm(x[:, None] - x[places], axis=-1)
    core = (apart[places] <= found.eps * (1 + 1e-9)).sum(axis=0) >= LARGE.min_samples
    to_core = np.where(core, apart, np.inf)
    near = to_core.min(axis=1) <= found.eps
    expected = np.where(near, of_sample.labels[to_core.argmin(axis=1)], NOISE)
    others = np.setdiff1d(np.arange(500), places)
    np.testing.assert_array_equal(found.labels[others], expected[others])

    sizes, argmin = [], metrics.pairwise_distances_argmin
    monkeypatch.setattr(
        metrics, "pairwise_distances_argmin", lambda a, b: sizes.append(len(a)) or argmin(a, b)
    )
    monkeypatch.setattr(sampling, "BLOCK", 64)
    assert dbscan(x, 0, 3, LARGE).labels.tobytes() == found.labels.tobytes()
    assert (max(sizes), sum(sizes)) == (64, 500)


def test_a_sample_is_drawn_without_replacement_and_by_its_seed():
    places = sample_songs(1000, 300, 1)
    assert len(places) == 300
    assert np.all(np.diff(places) > 0)
    assert (places.min() >= 0, places.max() < 1000) == (True, True)
    assert places.tolist() == sample_songs(1000, 300, 1).tolist()
    assert places.tolist() != sample_songs(1000, 300, 2).tolist()
    assert sample_songs(5, 300, 1).tolist() == [0, 1, 2, 3, 4]
