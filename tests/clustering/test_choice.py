"""Curves over k, and the k that each rule chooses from them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pointsets import blobs
from sklearn.metrics import adjusted_rand_score

from musicvae_jax.clustering import (
    KCurves,
    choose_k,
    elbow_k,
    k_curves,
    kmeans,
    knee,
    silhouette_k,
    stable_k,
    unambiguous_k,
)
from musicvae_jax.config import ClusterConfig
from musicvae_jax.errors import InputError


@pytest.mark.parametrize("n_blobs", [3, 5])
def test_separate_blobs_are_found_and_so_is_their_number(n_blobs):
    x, truth = blobs(n_blobs)
    config = ClusterConfig(k_max=8)
    k = choose_k([k_curves(x, config, seed) for seed in (0, 1)], config)
    assert k == n_blobs
    assert adjusted_rand_score(truth, kmeans(x, k, 0, config).labels) == 1.0


def test_curves_cover_the_range_and_inertia_falls():
    x, _ = blobs(4)
    curves = k_curves(x, ClusterConfig(k_min=3, k_max=7), 0)
    assert curves.k.tolist() == [3, 4, 5, 6, 7]
    assert np.all(np.diff(curves.inertia) < 0)
    assert np.all(np.abs(curves.silhouette) <= 1)


def test_inertia_is_the_within_cluster_sum_of_squares():
    x, _ = blobs(3)
    curves = k_curves(x, ClusterConfig(k_min=3, k_max=3), 0)
    labels = kmeans(x, 3, 0, ClusterConfig()).labels
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
    assert choose_k(curves, ClusterConfig(choose_k="silhouette")) == 3
    assert choose_k(curves, ClusterConfig(k=9)) == 9


def test_one_k_for_all_seeds_by_the_mean_inertia_unless_another_rule_is_asked_for():
    k, nothing = np.array([2, 3, 4, 5]), np.zeros(4)
    curves = [KCurves(k, np.array(inertia), nothing) for inertia in ([9.0, 2, 1, 0], [9, 8, 0, 0])]
    assert [elbow_k([curve]) for curve in curves] == [3, 4]
    assert choose_k(curves, ClusterConfig()) == 4


def curve_of(values, rule="stability"):
    values = np.array(values)
    k, nothing = np.arange(2, 2 + len(values)), np.zeros(len(values))
    return KCurves(k, nothing, -nothing)._replace(**{rule: values})


def test_the_largest_of_nearly_equally_stable_k_is_taken():
    curve = curve_of([1.0, 0.7, 0.985, 0.9, np.nan])
    assert stable_k([curve]) == 4
    assert stable_k([curve], tolerance=0.0) == 2
    assert stable_k([curve], tolerance=0.15) == 5
    assert stable_k([curve, curve_of([0.5, 0.7, 0.5, 1.0, 1.0])]) == 5


def test_the_k_with_the_fewest_ambiguous_pairs_is_taken_the_largest_of_equals():
    curve = curve_of([0.3, 0.1, 0.2, 0.1, np.nan], "pac")
    assert unambiguous_k([curve]) == 5
    assert unambiguous_k([curve, curve_of([0.3, 0.2, 0.0, 0.3, 0.0], "pac")]) == 4


@pytest.mark.parametrize(
    ("rule", "k"), [("elbow", 3), ("silhouette", 2), ("stability", 3), ("pac", 4)]
)
def test_k_is_chosen_by_the_rule_that_was_asked_for(rule, k):
    curve = curve_of([0.5, 0.9, 0.6])._replace(
        inertia=np.array([9.0, 2.0, 1.0]),
        silhouette=np.array([0.2, 0.1, 0.1]),
        pac=np.array([0.2, 0.2, 0.1]),
    )
    assert choose_k([curve], ClusterConfig(choose_k=rule)) == k
    assert choose_k([curve], ClusterConfig(choose_k=rule, k=7)) == 7


@pytest.mark.parametrize("rule", ["stability", "pac"])
@pytest.mark.parametrize("values", [np.full(3, np.nan), np.nan])
def test_songs_too_few_for_a_curve_are_told(rule, values):
    curve = curve_of([0.0, 0.0, 0.0])._replace(**{rule: values})
    with pytest.raises(InputError, match=rf"cluster\.choose_k: got '{rule}' and too few songs"):
        choose_k([curve], ClusterConfig(choose_k=rule))


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


@given(st.lists(st.integers(-50, 50), min_size=3, max_size=12), st.booleans())
def test_the_knee_is_the_point_farthest_from_the_chord(slopes, falling):
    y = np.cumsum([0, *sorted(slopes)]).astype(float)
    y = y[::-1] if falling else y
    x = np.arange(len(y))
    along = np.array([x[-1], y[-1] - y[0]]) / np.hypot(x[-1], y[-1] - y[0])
    distance = np.abs(x * along[1] - (y - y[0]) * along[0])
    assert distance[knee(x, y)] == pytest.approx(distance.max(), abs=1e-9)


@pytest.mark.parametrize("y", [[1.0], [2.0, 1.0], [0.0, 0.1, 0.2, 0.3], [3.0, 3.0, 3.0]])
def test_a_line_has_its_knee_at_its_start(y):
    assert knee(np.arange(len(y)), np.array(y)) == 0


def test_the_elbow_and_the_silhouette_each_name_a_k():
    k = np.array([2, 3, 4, 5, 6])
    curves = [KCurves(k, np.array([9.0, 5, 1, 0.8, 0.6]), np.array([0.9, 0, 0, 0, 0]))]
    assert (elbow_k(curves), silhouette_k(curves)) == (4, 2)
