"""What all clusterers do alike, and what each says of too few songs or of equal ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pointsets import blobs
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from musicvae_jax.clustering import NOISE, dbscan, find_clusterer, gmm_diag, gmm_full
from musicvae_jax.config import CLUSTERERS, ClusterConfig

pytestmark = pytest.mark.usefixtures("quick_manifold")


@pytest.mark.parametrize("method", CLUSTERERS)
def test_the_same_seed_gives_the_same_clusters(method):
    x = np.random.default_rng(0).normal(size=(60, 4))
    first, second = (find_clusterer(method)(x, 7, 3, ClusterConfig(restarts=2)) for _ in range(2))
    assert first.labels.tobytes() == second.labels.tobytes()


@pytest.mark.parametrize("method", CLUSTERERS)
def test_every_clusterer_finds_separate_blobs(method):
    x, truth = blobs(3, 30)
    found = find_clusterer(method)(x, 3, 0, ClusterConfig())
    clustered = found.labels != NOISE
    assert clustered.mean() > (0.7 if method == "dbscan" else 0.999)
    assert adjusted_rand_score(truth[clustered], found.labels[clustered]) == 1.0
    assert np.isnan(found.eps) == (method != "dbscan")
    assert found.note == ""


@pytest.mark.parametrize("method", CLUSTERERS)
@settings(max_examples=5, deadline=None)
@given(order=st.permutations(range(90)))
def test_the_order_of_songs_only_renames_clusters(method, order):
    x, _ = blobs(3, 30)
    cluster, config = find_clusterer(method), ClusterConfig(restarts=3)
    before, after = cluster(x, 3, 0, config).labels, cluster(x[order], 3, 0, config).labels
    assert adjusted_rand_score(before[order], after) == 1.0


@pytest.mark.parametrize("dims", [2, 40])
def test_dbscan_takes_eps_from_the_neighbour_distances(dims):
    x = np.random.default_rng(1).normal(size=(50, dims))
    found = dbscan(x, 0, 0, ClusterConfig(min_samples=4))
    distances = np.linalg.norm(x[:, None] - x, axis=-1)
    fourth = np.sort(np.sort(distances, axis=1)[:, 3])
    below = np.linspace(fourth[0], fourth[-1], 50) - fourth
    assert found.eps == pytest.approx(fourth[np.argmax(below)])
    near = distances <= found.eps * (1 + 1e-9)
    core = near.sum(axis=1) >= 4
    np.testing.assert_array_equal(found.labels == NOISE, ~(near & core).any(axis=1))


def test_dbscan_of_equal_songs_is_one_cluster():
    found = dbscan(np.full((20, 30), 0.1, np.float32), 3, 0, ClusterConfig())
    assert (found.labels == 0).all()
    assert found.note == "dbscan: eps is 0, so only equal songs are together; one cluster"


def test_dbscan_of_fewer_songs_than_min_samples_is_noise():
    found = dbscan(np.eye(4), 3, 0, ClusterConfig(min_samples=5))
    assert (found.labels == NOISE).all()
    assert found.note == "dbscan: 4 songs are too few for min_samples 5"


def test_a_full_mixture_of_too_few_songs_says_so():
    x = np.random.default_rng(0).normal(size=(40, 20))
    found = gmm_full(x, 2, 0, ClusterConfig())
    assert (found.labels == NOISE).all()
    assert found.note == "gmm_full: 40 songs are too few for 2 components of 20 dimensions"


@pytest.mark.parametrize("method", sorted(name for name, one in CLUSTERERS.items() if one.takes_k))
def test_fewer_distinct_songs_than_clusters_are_told(method):
    found = find_clusterer(method)(np.repeat(np.eye(2), 10, axis=0), 3, 0, ClusterConfig())
    assert (found.labels == NOISE).all()
    assert found.note == f"{method}: 2 distinct songs are too few for 3 clusters"


def test_a_mixture_that_does_not_converge_is_told(monkeypatch):
    monkeypatch.setattr(
        "sklearn.mixture.GaussianMixture.__init__.__kwdefaults__",
        {**GaussianMixture.__init__.__kwdefaults__, "max_iter": 1},
    )
    x = np.random.default_rng(0).normal(size=(100, 3))
    note = gmm_diag(x, 5, 0, ClusterConfig(restarts=1)).note
    assert note == "gmm_diag: not converged after 1 iterations"
