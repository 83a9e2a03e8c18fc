import numpy as np
import pytest

from musicvae_jax.clustering import NOISE
from musicvae_jax.config import ClusterConfig
from musicvae_jax.evaluation import ambiguity, ambiguous_pairs
from musicvae_jax.evaluation.ambiguity import kmeans_pac
from musicvae_jax.evaluation.resampling import Resampled, cluster_subsets

CONFIG = ClusterConfig(restarts=2)


def blobs(n_songs=120, k=4):
    truth = np.arange(n_songs) % k
    return 10 * np.eye(k)[truth] + np.random.default_rng(0).normal(size=(n_songs, k))


def drawn(n_subsets, n_songs, k, share, seed=0):
    """Thrown clusters of subsets, with some songs that are rarely or never taken."""
    random = np.random.default_rng(seed)
    taken = random.random((n_subsets, n_songs)) < share * random.random(n_songs)
    taken[:, 0] = False
    clusters = np.where(random.random((n_subsets, n_songs)) < 0.7, 0, 1) * random.integers(
        0, k, (n_subsets, n_songs)
    )
    return Resampled(np.where(taken, clusters, NOISE), taken)


def by_hand(resampled):
    n_ambiguous = n_pairs = 0
    clusters, taken = resampled
    for one in range(clusters.shape[1]):
        for other in range(one):
            both = [row for row in range(len(clusters)) if taken[row, one] and taken[row, other]]
            if not both:
                continue
            n_together = sum(clusters[row, one] == clusters[row, other] for row in both)
            n_pairs += 1
            # In (0.1, 0.9), in integers.
            n_ambiguous += len(both) < 10 * n_together < 9 * len(both)
    return n_ambiguous / n_pairs


@pytest.mark.parametrize("block", [512, 7])
@pytest.mark.parametrize(("n_subsets", "k", "share"), [(1, 3, 1), (3, 2, 0.9), (30, 5, 0.8)])
def test_ambiguous_pairs_are_counted_over_the_subsets_that_hold_both(
    n_subsets, k, share, block, monkeypatch
):
    monkeypatch.setattr(ambiguity, "_BLOCK", block)
    resampled = drawn(n_subsets, 40, k, share)
    expected = by_hand(resampled)
    assert ambiguous_pairs(resampled) == pytest.approx(expected)
    assert (0 < expected < 1) == (n_subsets > 1)


@pytest.mark.parametrize(
    ("n_together", "expected"), [(0, 0), (1, 0), (2, 1), (8, 1), (9, 0), (10, 0)]
)
def test_a_pair_at_a_limit_is_not_ambiguous(n_together, expected):
    clusters = np.zeros((10, 2), int)
    clusters[n_together:, 1] = 1
    assert ambiguous_pairs(Resampled(clusters, clusters >= 0)) == expected


def test_without_a_pair_there_is_no_share():
    taken = np.eye(3, dtype=bool)
    assert np.isnan(ambiguous_pairs(Resampled(np.where(taken, 0, NOISE), taken)))


@pytest.mark.slow
def test_the_planted_k_has_the_fewest_ambiguous_pairs():
    x = blobs()
    found = [kmeans_pac(x, k, CONFIG, 0, 1) for k in range(2, 8)]
    assert found[2] == 0
    assert min(found[:2] + found[3:]) > 0.01


@pytest.mark.parametrize(("n_songs", "is_told"), [(10, True), (9, True), (8, False)])
def test_single_songs_in_clusters_tell_nothing(n_songs, is_told):
    x = np.random.default_rng(0).normal(size=(n_songs, 2))
    assert np.isfinite(kmeans_pac(x, 4, CONFIG, 0, 1)) == is_told


def test_subsets_are_of_so_many_different_songs():
    seen = []

    def cluster(points, k, seed):
        seen.append((k, seed))
        return points[:, 0].astype(int)

    clusters, taken = cluster_subsets(np.arange(50.0)[:, None], 3, cluster, 4, 0, 0.75)
    assert taken.sum(axis=1).tolist() == [38] * 4
    assert len({row.tobytes() for row in taken}) == 4
    np.testing.assert_array_equal(clusters, np.where(taken, np.arange(50), NOISE))
    assert {k for k, _ in seen} == {3}
    assert len({seed for _, seed in seen}) == 4
