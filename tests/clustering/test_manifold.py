import numpy as np

from musicvae_jax.clustering.manifold import umap


def test_finite_coordinates_in_any_number_of_dimensions_the_same_every_time():
    x = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    found = umap(x, 4, 20, 0.0, 0)
    assert found.shape == (40, 4)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found, umap(x, 4, 20, 0.0, 0))


def test_few_songs_have_all_others_as_neighbours():
    x = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    assert np.isfinite(umap(x, 2, 20, 0.1, 0)).all()
