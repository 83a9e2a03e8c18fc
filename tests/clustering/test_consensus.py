from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from musicvae_jax.clustering import NOISE, find_clusterer, kmeans, sample_songs
from musicvae_jax.clustering.consensus import spectral_coordinates
from musicvae_jax.clustering.partitions import fit_kmeans
from musicvae_jax.config import ClusterConfig

CONSENSUS = find_clusterer("consensus")
CONFIG = ClusterConfig(restarts=2)


def blobs(n_blobs, per_blob, n_noise=0):
    """Points around the corners of a simplex, with features of pure noise beside."""
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(n_blobs), per_blob)
    x = 8 * np.eye(n_blobs)[truth] + rng.normal(size=(len(truth), n_blobs))
    noise = rng.normal(size=(len(truth), n_noise))
    return np.concatenate([x, noise], axis=1).astype(np.float32), truth


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("n_blobs", "n_noise"), [(2, 0), (5, 0), (5, 30)])
def test_planted_clusters_are_found(n_blobs, n_noise, seed):
    x, truth = blobs(n_blobs, 40, n_noise)
    found = CONSENSUS(x, n_blobs, seed, CONFIG)
    assert adjusted_rand_score(truth, found.labels) == 1
    assert (found.note, found.approximation) == ("", "")


@pytest.mark.slow
def test_other_seeds_change_less_than_of_kmeans_and_vague_clusters_are_found_better():
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(8), 25)
    x = 2 * np.eye(8)[truth] + rng.normal(size=(200, 8))
    agreement, with_truth = {}, {}
    for cluster in (kmeans, CONSENSUS):
        labels = [cluster(x, 8, seed, CONFIG).labels for seed in range(4)]
        pairs = combinations(labels, 2)
        agreement[cluster] = np.mean([adjusted_rand_score(*pair) for pair in pairs])
        with_truth[cluster] = np.mean([adjusted_rand_score(truth, one) for one in labels])
    assert agreement[CONSENSUS] > agreement[kmeans] + 0.3
    assert with_truth[CONSENSUS] > with_truth[kmeans] + 0.05


def test_coordinates_are_eigenvectors_of_the_walk_between_songs():
    runs = np.random.default_rng(0).integers(0, 3, (20, 7))
    similarity = np.zeros((7, 7))
    for one in range(7):
        for other in range(7):
            similarity[one, other] = np.mean([run[one] == run[other] for run in runs])
    walk = similarity / similarity.sum(axis=1, keepdims=True)
    found = spectral_coordinates(list(runs), 3)
    assert found.shape == (7, 3)
    largest = np.sort(np.linalg.eigvals(walk).real)[::-1][:3]
    np.testing.assert_allclose(walk @ found, found * largest, atol=1e-12)
    # The walk stays where it is; all songs are connected, so the first coordinate is constant.
    assert largest[0] == pytest.approx(1)
    np.testing.assert_allclose(found[:, 0], found[0, 0])
    assert np.linalg.matrix_rank(found) == 3


def test_kmeans_runs_ten_times_at_five_numbers_of_clusters(monkeypatch):
    asked = []

    def fit(x, k, seed, config):
        asked.append((x.shape[1], k, seed))
        return fit_kmeans(x, k, seed, config)

    monkeypatch.setattr("musicvae_jax.clustering.consensus.fit_kmeans", fit)
    CONSENSUS(np.random.default_rng(0).normal(size=(40, 2)), 3, 5, CONFIG)
    *runs, last = asked
    assert [k for _, k, _ in runs] == np.repeat([3, 4, 5, 6, 8], 10).tolist()
    assert len({seed for _, _, seed in runs}) == 50
    assert last == (3, 3, 5)


@pytest.mark.parametrize("n_far", [1, 3])
def test_far_songs_stay_alone(n_far):
    x, truth = blobs(3, 30)
    far = 60 * np.eye(3)[:n_far]
    found = CONSENSUS(np.concatenate([x, far]), 3 + n_far, 0, CONFIG)
    truth = np.append(truth, 3 + np.arange(n_far))
    assert adjusted_rand_score(truth, found.labels) == 1


def test_of_many_songs_the_others_go_where_the_nearest_sampled_song_is():
    x = np.random.default_rng(0).normal(size=(400, 3))
    found = CONSENSUS(x, 4, 1, replace(CONFIG, exact_songs=150))
    assert found.approximation == "a sample of 150 songs"
    places = sample_songs(400, 150, 1)
    of_sample = CONSENSUS(x[places], 4, 1, CONFIG).labels
    nearest = np.linalg.norm(x[:, None] - x[places], axis=-1).argmin(axis=1)
    np.testing.assert_array_equal(found.labels, of_sample[nearest])


def test_a_sample_finds_the_clusters_of_all():
    x, _ = blobs(4, 100, 4)
    sampled, exact = (
        CONSENSUS(x, 4, 0, replace(CONFIG, exact_songs=most)).labels for most in (120, 400)
    )
    assert adjusted_rand_score(exact, sampled) == 1


@pytest.mark.parametrize(
    ("n_distinct", "left_out"), [(8, ""), (7, "8"), (5, "6, 8"), (4, "5, 6, 8"), (3, "4, 5, 6, 8")]
)
def test_numbers_of_clusters_above_that_of_the_songs_are_left_out(n_distinct, left_out):
    truth = np.arange(n_distinct).repeat(3) % 3
    x = np.arange(n_distinct).repeat(3)[:, None] + 100.0 * truth[:, None]
    found = CONSENSUS(x, 3, 0, CONFIG)
    assert adjusted_rand_score(truth, found.labels) == 1
    told = (
        f"consensus: without K-Means at k = {left_out}, more than the {n_distinct} distinct songs"
    )
    assert found.note == (told if left_out else "")


def test_as_many_songs_as_clusters_are_one_in_each():
    assert sorted(CONSENSUS(np.eye(4), 4, 0, CONFIG).labels) == [0, 1, 2, 3]


def test_too_few_songs_are_noise():
    found = CONSENSUS(np.repeat(np.eye(2), 10, axis=0), 3, 0, CONFIG)
    assert (found.labels == NOISE).all()
    assert found.note == "consensus: 2 distinct songs are too few for 3 clusters"
