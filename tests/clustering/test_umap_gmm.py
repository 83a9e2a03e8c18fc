"""N2D on real UMAP coordinates; other modules replace `umap`."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from musicvae_jax.clustering import NOISE, find_clusterer, kmeans, sample_songs
from musicvae_jax.config import ClusterConfig

UMAP_GMM = find_clusterer("umap_gmm")
CONFIG = ClusterConfig(restarts=2)


@pytest.fixture(scope="module")
def rings():
    """Songs on a ring within a ring, with features of noise, and their ring."""
    rng = np.random.default_rng(0)
    ring = np.repeat([0, 1], [40, 140])
    angle = rng.uniform(0, 2 * np.pi, len(ring))
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (1 + 6 * ring)[:, None]
    noise = 0.1 * rng.normal(size=(len(ring), 3))
    return np.concatenate([circle, noise], axis=1).astype(np.float32), ring


@pytest.fixture(scope="module")
def exact(rings):
    return UMAP_GMM(rings[0], 2, 0, CONFIG)


@pytest.mark.slow
def test_shapes_are_found_that_kmeans_cuts(rings, exact):
    x, ring = rings
    assert adjusted_rand_score(ring, kmeans(x, 2, 0, CONFIG).labels) < 0.5
    assert adjusted_rand_score(ring, exact.labels) > 0.95
    assert (exact.note, exact.approximation) == ("", "")


def test_the_same_seed_gives_the_same_clusters(rings, exact):
    assert UMAP_GMM(rings[0], 2, 0, CONFIG).labels.tobytes() == exact.labels.tobytes()


def test_of_many_songs_the_others_go_where_the_nearest_sampled_song_is(rings):
    x, ring = rings
    found = UMAP_GMM(x, 2, 1, replace(CONFIG, exact_songs=120))
    assert found.approximation == "a sample of 120 songs"
    places = sample_songs(180, 120, 1)
    of_sample = UMAP_GMM(x[places], 2, 1, CONFIG).labels
    nearest = np.linalg.norm(x[:, None] - x[places], axis=-1).argmin(axis=1)
    np.testing.assert_array_equal(found.labels, of_sample[nearest])
    assert adjusted_rand_score(ring, found.labels) > 0.9


@pytest.mark.parametrize(
    ("n_songs", "told"),
    [(6, ""), (5, "umap_gmm: 5 songs are too few for 2 components of 2 dimensions")],
)
def test_covariances_need_songs(n_songs, told):
    x = np.random.default_rng(0).normal(size=(n_songs, 4)) + 9 * (np.arange(n_songs) % 2)[:, None]
    found = UMAP_GMM(x, 2, 0, CONFIG)
    assert found.note == told
    assert (found.labels == NOISE).all() == bool(told)


def test_equal_songs_are_together():
    truth = np.repeat(np.arange(3), 40)
    found = UMAP_GMM(np.eye(3)[truth], 3, 0, CONFIG)
    assert adjusted_rand_score(truth, found.labels) == 1


def test_a_mixture_that_does_not_converge_is_told_in_its_name(rings, monkeypatch):
    monkeypatch.setattr(
        "sklearn.mixture.GaussianMixture.__init__.__kwdefaults__",
        {**GaussianMixture.__init__.__kwdefaults__, "max_iter": 1},
    )
    note = UMAP_GMM(rings[0], 7, 0, ClusterConfig(restarts=1)).note
    assert note == "umap_gmm: not converged after 1 iterations"
