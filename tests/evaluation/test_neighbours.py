import numpy as np
import pytest

from musicvae_jax.evaluation.neighbours import nearest_songs


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_neighbours_are_those_of_brute_force(dtype):
    x = np.random.default_rng(0).normal(size=(60, 5)).astype(dtype)
    places, distances = nearest_songs(x, 7)
    between = np.linalg.norm(x[:, None].astype(float) - x[None], axis=2)
    np.fill_diagonal(between, np.inf)
    np.testing.assert_array_equal(places, np.argsort(between, axis=1)[:, :7])
    np.testing.assert_allclose(distances, np.sort(between, axis=1)[:, :7], rtol=1e-6)


def test_a_song_is_no_neighbour_of_itself_and_its_double_is():
    places, distances = nearest_songs(np.array([[1.0], [1.0], [5.0]]), 10)
    assert places.shape == (3, 2)
    assert (places != np.arange(3)[:, None]).all()
    assert places[:2, 0].tolist() == [1, 0]
    assert distances[:2, 0].tolist() == [0, 0]
