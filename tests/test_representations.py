import numpy as np
import pytest

from musicvae_jax.baselines import pca_latents

X = np.random.default_rng(0).normal(size=(20, 5)) * [5, 4, 3, 2, 1]


def test_components_are_uncorrelated_with_falling_variance():
    latents = pca_latents(X, np.arange(20), 4)
    assert latents.shape == (20, 4)
    covariance = np.cov(latents.T)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-4)
    assert np.all(np.diff(np.diag(covariance)) < 0)


def test_all_components_keep_all_distances():
    latents = pca_latents(X, np.arange(20), 5)
    np.testing.assert_allclose(
        np.linalg.norm(latents[3] - latents[9]), np.linalg.norm(X[3] - X[9]), rtol=1e-5
    )


def test_held_out_songs_do_not_move_the_components():
    train = np.arange(10)
    changed = X.copy()
    changed[15] *= 100
    first, second = pca_latents(X, train, 3), pca_latents(changed, train, 3)
    np.testing.assert_array_equal(first[:10], second[:10])
    assert np.any(first[15] != second[15])


@pytest.mark.parametrize(("n_train", "expected"), [(3, 3), (20, 5)])
def test_no_more_components_than_songs_or_features(n_train, expected):
    assert pca_latents(X, np.arange(n_train), 32).shape == (20, expected)
