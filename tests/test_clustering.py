import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from musicvae_jax.clustering import KCurves, choose_k, k_curves, kmeans
from musicvae_jax.config import ClusterConfig
from musicvae_jax.errors import InputError


def blobs(n_blobs, per_blob=12):
    """Points around the corners of a simplex, and which corner each belongs to."""
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(n_blobs), per_blob)
    return 8 * np.eye(n_blobs)[truth] + rng.normal(size=(len(truth), n_blobs)), truth


@pytest.mark.parametrize("n_blobs", [3, 5])
def test_separate_blobs_are_found_and_so_is_their_number(n_blobs):
    x, truth = blobs(n_blobs)
    config = ClusterConfig(k_max=8)
    k = choose_k([k_curves(x, config, seed) for seed in (0, 1)], config)
    assert k == n_blobs
    assert adjusted_rand_score(truth, kmeans(x, k, 0, 10)) == 1.0


def test_curves_cover_the_range_and_inertia_falls():
    x, _ = blobs(4)
    curves = k_curves(x, ClusterConfig(k_min=3, k_max=7), 0)
    assert curves.k.tolist() == [3, 4, 5, 6, 7]
    assert np.all(np.diff(curves.inertia) < 0)
    assert np.all(np.abs(curves.silhouette) <= 1)


def test_inertia_is_the_within_cluster_sum_of_squares():
    x, _ = blobs(3)
    curves = k_curves(x, ClusterConfig(k_min=3, k_max=3), 0)
    labels = kmeans(x, 3, 0, 10)
    by_hand = sum(((x[labels == c] - x[labels == c].mean(axis=0)) ** 2).sum() for c in range(3))
    np.testing.assert_allclose(curves.inertia, [by_hand])


def test_the_range_ends_where_the_silhouette_does():
    curves = k_curves(np.random.default_rng(0).normal(size=(6, 2)), ClusterConfig(), 0)
    assert curves.k.tolist() == [2, 3, 4, 5]


def test_one_k_for_all_seeds_by_the_mean_silhouette():
    k, nothing = np.array([2, 3, 4]), np.zeros(3)
    curves = [
        KCurves(k, nothing, np.array([0.5, 0.4, 0.0])),
        KCurves(k, nothing, np.array([0.0, 0.4, 0.5])),
    ]
    assert choose_k(curves, ClusterConfig()) == 3
    assert choose_k(curves, ClusterConfig(k=9)) == 9


def test_the_same_seed_gives_the_same_clusters():
    x = np.random.default_rng(0).normal(size=(60, 4))
    np.testing.assert_array_equal(kmeans(x, 7, 3, 2), kmeans(x, 7, 3, 2))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (ClusterConfig(k=10), "got 10 songs, expected more than cluster.k, which is 10"),
        (ClusterConfig(k_min=12), "got 10 songs, expected more than cluster.k_min, which is 12"),
    ],
)
def test_too_few_songs_are_counted(config, message):
    with pytest.raises(InputError, match=message):
        k_curves(np.random.default_rng(0).normal(size=(10, 2)), config, 0)


def test_equal_points_are_not_enough():
    x = np.repeat(np.random.default_rng(0).normal(size=(2, 3)), 6, axis=0)
    with pytest.raises(InputError, match="got 12 songs, 2 of them distinct, expected more than"):
        k_curves(x, ClusterConfig(), 0)


def test_the_range_ends_at_the_distinct_points():
    x = np.repeat(np.random.default_rng(0).normal(size=(5, 3)), 6, axis=0)
    assert k_curves(x, ClusterConfig(), 0).k.tolist() == [2, 3, 4]


@pytest.mark.parametrize(("k", "expected"), [(3, [3]), (9, [9]), (7, [7])])
def test_a_fixed_k_outside_the_range_is_on_the_curve(k, expected):
    x, _ = blobs(4)
    config = ClusterConfig(k=k, k_min=50, k_max=60)
    assert k_curves(x, config, 0).k.tolist() == expected
