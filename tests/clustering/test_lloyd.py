import warnings

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from musicvae_jax.clustering import lloyd as module
from musicvae_jax.clustering import sampling
from musicvae_jax.clustering.lloyd import lloyd
from musicvae_jax.clustering.partitions import fit_kmeans
from musicvae_jax.config import ClusterConfig

N_SONGS, N_DIMS = 900, 6


@pytest.fixture(autouse=True)
def one_thread():
    """As `fit_kmeans` runs it: threads for so few songs wait for each other on a busy machine."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture
def blobs():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(5, N_DIMS)) * 3
    points = centres[rng.integers(5, size=N_SONGS)] + rng.normal(size=(N_SONGS, N_DIMS))
    return points.astype(np.float32)


@pytest.mark.parametrize("block", [100, N_SONGS])
@pytest.mark.parametrize("k", [2, 12])
def test_it_finds_what_scikit_learn_finds(blobs, monkeypatch, block, k):
    monkeypatch.setattr(sampling, "BLOCK", block)
    start = blobs[np.linspace(0, N_SONGS - 1, k).astype(int)]
    expected = KMeans(k, init=start, n_init=1).fit(blobs)
    found = lloyd(blobs, start)
    np.testing.assert_array_equal(found.labels_, expected.labels_)
    np.testing.assert_allclose(found.cluster_centers_, expected.cluster_centers_, atol=1e-5)
    assert found.inertia_ == pytest.approx(expected.inertia_, rel=1e-5)
    assert found.cluster_centers_.dtype == np.float32


def test_every_song_belongs_to_the_nearest_centre_also_where_it_is_cut_short(blobs, monkeypatch):
    monkeypatch.setattr(module, "_MOST_ITERATIONS", 1)
    found = lloyd(blobs, blobs[:5])
    distances = np.linalg.norm(blobs[:, None] - found.cluster_centers_, axis=2)
    np.testing.assert_array_equal(found.labels_, distances.argmin(axis=1))
    assert found.inertia_ == pytest.approx(np.sum(distances.min(axis=1) ** 2), rel=1e-5)


def test_a_centre_without_songs_takes_the_farthest_song():
    x = np.array([[0.0], [1.0], [2.0], [9.0]])
    start = np.array([[1.0], [100.0], [200.0]])
    found, expected = lloyd(x, start), KMeans(3, init=start, n_init=1).fit(x)
    assert sorted(np.bincount(found.labels_)) == [1, 1, 2]
    assert found.inertia_ == expected.inertia_


def test_equal_songs_leave_a_centre_without_any():
    found = lloyd(np.zeros((4, 1)), np.array([[0.0], [1.0]]))
    assert found.labels_.tolist() == [0, 0, 0, 0]


def test_points_that_cannot_be_written_are_clustered_in_place(blobs):
    blobs.flags.writeable = False
    assert len(np.unique(lloyd(blobs, blobs[:5]).labels_)) == 5


def test_many_songs_are_clustered_by_it_and_nearly_as_well_as_few(blobs):
    few = fit_kmeans(blobs, 5, 0, ClusterConfig(exact_songs=N_SONGS))
    many = fit_kmeans(blobs, 5, 0, ClusterConfig(exact_songs=300))
    assert isinstance(few, KMeans)
    assert isinstance(many, module.BlockwiseFit)
    assert many.inertia_ <= 1.01 * few.inertia_


def test_equal_songs_make_fewer_clusters_without_a_warning():
    x = np.repeat(np.array([[0.0], [1.0]], np.float32), 200, axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        found = fit_kmeans(x, 3, 0, ClusterConfig(exact_songs=100))
    assert len(np.unique(found.labels_)) == 2
