"""New points in known clusters, against closed forms and brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from musicvae_jax.clustering import (
    KnownClusters,
    agglomerative,
    assign_points,
    kmeans,
    nearest_points,
)
from musicvae_jax.config import ClusterConfig
from musicvae_jax.errors import InputError

# On a line: cluster 0 around 0, cluster 1 around 10, and cluster 2 without songs.
LINE = KnownClusters(
    points=np.array([[-1.0], [1.0], [2.0], [-2.0], [9.0], [11.0]]),
    labels=np.array([0, 0, 0, 0, 1, 1]),
    centres=np.array([[0.0], [10.0], [30.0]]),
)


def numbers(*shape):
    return arrays(np.float64, shape, elements=st.integers(-9, 9).map(float))


def test_the_nearest_centre_its_distance_and_the_second_nearest():
    found = assign_points(np.array([[2.0], [8.0], [25.0], [-4.0]]), LINE)
    assert found.labels.tolist() == [0, 1, 2, 0]
    assert found.distances.tolist() == [2, 2, 5, 4]
    assert found.second.tolist() == [1, 0, 1, 1]
    np.testing.assert_allclose(found.ratio, [2 / 8, 2 / 8, 5 / 15, 4 / 14])


def test_halfway_the_lower_number_is_taken_and_the_ratio_is_one():
    found = assign_points(np.array([[5.0], [20.0]]), LINE)
    assert found.labels.tolist() == [0, 1]
    assert found.second.tolist() == [1, 2]
    assert found.ratio.tolist() == [1, 1]


def test_typicality_is_the_share_of_songs_as_far_or_farther():
    found = assign_points(np.array([[0.0], [1.0], [1.5], [-2.0], [2.5]]), LINE)
    assert found.typicality.tolist() == [1, 1, 0.5, 0.5, 0]


def test_a_cluster_without_songs_has_no_typicality():
    found = assign_points(np.array([[29.0], [10.0]]), LINE)
    np.testing.assert_array_equal(found.typicality, [np.nan, 1])


def test_where_two_centres_coincide_a_point_on_both_is_between_them():
    twice = LINE._replace(centres=np.array([[0.0], [10.0], [10.0]]))
    found = assign_points(np.array([[10.0]]), twice)
    assert (found.labels[0], found.second[0], found.ratio[0]) == (1, 2, 1)


def test_points_of_another_space_are_refused():
    with pytest.raises(InputError, match=r"^points: got 2 dimensions, expected 1, as the clusters"):
        assign_points(np.zeros((3, 2)), LINE)


@given(numbers(5, 2), numbers(8, 2), numbers(3, 2), arrays(int, 8, elements=st.integers(0, 2)))
def test_the_assignment_is_that_of_brute_force(points, known, centres, labels):
    found = assign_points(points, KnownClusters(known, labels, centres))
    for place, point in enumerate(points):
        distances = [np.sqrt(((point - centre) ** 2).sum()) for centre in centres]
        first = distances.index(min(distances))
        others = [distance for number, distance in enumerate(distances) if number != first]
        own = [
            np.sqrt(((song - centres[first]) ** 2).sum())
            for song, label in zip(known, labels, strict=True)
            if label == first
        ]
        assert found.labels[place] == first
        assert found.distances[place] == pytest.approx(distances[first])
        assert distances[found.second[place]] == pytest.approx(min(others))
        assert found.second[place] != first
        if min(others) > 0:
            assert found.ratio[place] == pytest.approx(distances[first] / min(others))
        if own:
            as_far = sum(one >= distances[first] for one in own) / len(own)
            assert found.typicality[place] == pytest.approx(as_far)
        else:
            assert np.isnan(found.typicality[place])


@given(numbers(4, 3), numbers(9, 3), st.integers(1, 12))
def test_the_neighbours_are_those_of_brute_force(points, known, count):
    places, distances = nearest_points(points, known, count)
    assert places.shape == distances.shape == (4, min(count, 9))
    for point, row, found in zip(points, places, distances, strict=True):
        by_hand = np.sqrt(((point - known) ** 2).sum(axis=1))
        assert len(set(row)) == len(row)
        np.testing.assert_allclose(found, by_hand[row])
        np.testing.assert_allclose(found, np.sort(by_hand)[: len(row)])
        assert list(zip(found, row, strict=True)) == sorted(zip(found, row, strict=True))


def test_a_known_point_is_at_no_distance_of_itself():
    # In single precision, far from the origin, where a search by products of points rounds most.
    known = (np.random.default_rng(0).normal(size=(50, 8)) + 100).astype(np.float32)
    places, distances = nearest_points(known, known, 3)
    assert places[:, 0].tolist() == list(range(50))
    assert (distances[:, 0] == 0).all()
    assert (np.diff(distances, axis=1) > 0).all()


@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.sampled_from([np.float32, np.float64]))
def test_clustered_points_get_their_own_clusters(seed, k, dtype):
    # Off the origin, where single precision loses digits.
    x = (np.random.default_rng(seed).normal(size=(40, 4)) + 50).astype(dtype)
    found = kmeans(x, k, seed % 1000, ClusterConfig(restarts=1))
    assert found.centres.shape == (k, 4)
    again = assign_points(x, KnownClusters(x, found.labels, found.centres))
    np.testing.assert_array_equal(again.labels, found.labels)


def test_so_do_more_songs_than_are_clustered_exactly():
    x = np.random.default_rng(0).normal(size=(500, 4)).astype(np.float32)
    found = kmeans(x, 5, 0, ClusterConfig(restarts=2, exact_songs=100))
    assert found.approximation
    again = assign_points(x, KnownClusters(x, found.labels, found.centres))
    np.testing.assert_array_equal(again.labels, found.labels)


@given(st.integers(0, 2**32 - 1), st.floats(-1e-6, 1e-6))
def test_clustered_points_are_as_typical_as_their_rank_whatever_is_rounded(seed, rounding):
    x = np.random.default_rng(seed).normal(size=(30, 2))
    found = kmeans(x, 3, 0, ClusterConfig(restarts=1))
    # Closer to the centre, or farther from it.
    again = x + rounding * (x - found.centres[found.labels])
    typicality = assign_points(again, KnownClusters(x, found.labels, found.centres)).typicality
    for cluster in range(3):
        is_own = found.labels == cluster
        spread = np.sort(np.linalg.norm(x[is_own] - found.centres[cluster], axis=1))
        own = np.sort(typicality[is_own])
        if np.all(np.diff(spread) > 1e-4 * spread[1:]):
            # Of n, the farthest has 1 / n, the nearest 1.
            np.testing.assert_allclose(own, np.arange(1, len(own) + 1) / len(own))
        assert own[0] > 0


def test_only_clusterers_with_centres_have_some():
    x = np.random.default_rng(0).normal(size=(20, 2))
    assert agglomerative(x, 3, 0, ClusterConfig()).centres is None
    assert kmeans(np.zeros((5, 2)), 3, 0, ClusterConfig()).centres is None
