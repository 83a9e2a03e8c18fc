import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from musicvae_jax.clustering import NOISE, find_clusterer
from musicvae_jax.config import ClusterConfig
from musicvae_jax.evaluation import evaluate

HDBSCAN = find_clusterer("hdbscan")


def blobs(n_each, spread=(0.05, 0.4)):
    """Two clusters of different density, and one song far from both."""
    rng = np.random.default_rng(0)
    dense, wide = (rng.normal(i * 8, s, (n_each, 3)) for i, s in enumerate(spread))
    far = np.full((1, 3), 100.0)
    return np.concatenate([dense, wide, far]).astype(np.float32), np.repeat([0, 1], n_each)


def test_clusters_of_different_density_are_found_and_a_far_song_is_noise():
    x, truth = blobs(60)
    found = HDBSCAN(x, 2, 0, ClusterConfig())
    assert found.labels[-1] == NOISE
    kept = found.labels[:-1] != NOISE
    assert kept.mean() > 0.8
    assert adjusted_rand_score(truth[kept], found.labels[:-1][kept]) == 1
    assert found.note == ""


def test_nothing_is_drawn_up_to_exact_songs():
    x, _ = blobs(40)
    first, second = (HDBSCAN(x, 2, seed, ClusterConfig()).labels for seed in (0, 7))
    np.testing.assert_array_equal(first, second)


def test_of_many_songs_the_others_go_where_the_nearest_sampled_song_is():
    x, truth = blobs(150)
    found = HDBSCAN(x, 2, 0, ClusterConfig(exact_songs=100))
    assert found.approximation == "a sample of 100 songs"
    kept = found.labels[:-1] != NOISE
    assert adjusted_rand_score(truth[kept], found.labels[:-1][kept]) == 1


@pytest.mark.parametrize(
    ("x", "note"),
    [
        (np.zeros((3, 2)), "hdbscan: 3 songs are too few for min_samples 5"),
        (np.random.default_rng(0).normal(size=(12, 2)), "hdbscan: "),
    ],
)
def test_fewer_than_two_clusters_are_noted(x, note):
    assert HDBSCAN(x, 2, 0, ClusterConfig()).note.startswith(note)


def test_its_noise_has_a_row_of_its_own():
    x, _ = blobs(60)
    found = evaluate("hdbscan", x, 2, 0, ClusterConfig(), {})
    assert list(found.scores) == ["all", "clustered"]
    assert found.scores["clustered"]["n_songs"] < found.scores["all"]["n_songs"] == 121
