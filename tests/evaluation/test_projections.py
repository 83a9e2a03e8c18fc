import numpy as np
import pytest

from musicvae_jax.evaluation.projections import MIN_SONGS, tsne, umap


@pytest.mark.parametrize("project", [tsne, umap])
@pytest.mark.parametrize(("n_songs", "n_dims"), [(MIN_SONGS, 5), (40, 5), (40, 1)])
def test_two_finite_coordinates_per_song_the_same_every_time(project, n_songs, n_dims):
    x = np.random.default_rng(0).normal(size=(n_songs, n_dims)).astype(np.float32)
    first = project(x, seed=1)
    assert first.shape == (n_songs, 2)
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, project(x, seed=1))


@pytest.mark.parametrize("project", [tsne, umap])
def test_far_groups_stay_apart(project):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(30, 5)), rng.normal(size=(30, 5)) + 50])
    a, b = project(x.astype(np.float32), seed=0).reshape(2, 30, 2)
    gap = np.linalg.norm(a.mean(axis=0) - b.mean(axis=0))
    assert gap > 2 * max(a.std(), b.std())
