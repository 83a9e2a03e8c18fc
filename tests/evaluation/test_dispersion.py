import numpy as np
import pytest
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

from musicvae_jax.clustering import sampling
from musicvae_jax.evaluation import internal_scores
from musicvae_jax.evaluation.dispersion import dispersion_scores


def random_clusters(k, n_songs=500, n_dims=9, seed=0):
    rng = np.random.default_rng(seed)
    clusters = rng.integers(k, size=n_songs)
    points = rng.normal(size=(k, n_dims))[clusters] + rng.normal(size=(n_songs, n_dims))
    # Noise and gaps in the numbering are clusters like others.
    return points.astype(np.float32), 3 * clusters - 1


@pytest.mark.parametrize("at_once", [90, 500])
@pytest.mark.parametrize("k", [2, 3, 40])
def test_the_scores_are_those_of_scikit_learn(monkeypatch, at_once, k):
    monkeypatch.setattr(sampling, "BLOCK", at_once)
    x, clusters = random_clusters(k)
    found = dispersion_scores(x, clusters)
    assert found.calinski_harabasz == pytest.approx(calinski_harabasz_score(x, clusters), rel=1e-6)
    assert found.davies_bouldin == pytest.approx(davies_bouldin_score(x, clusters), rel=1e-6)


@pytest.mark.parametrize("points", [[0, 0, 1, 1], [1, 1, 1, 1]])
def test_equal_songs_are_scored_as_by_scikit_learn(points):
    x, clusters = np.array(points, float)[:, None], np.array([0, 0, 1, 1])
    found = dispersion_scores(x, clusters)
    assert found.calinski_harabasz == calinski_harabasz_score(x, clusters)
    assert found.davies_bouldin == davies_bouldin_score(x, clusters)


def test_many_songs_get_the_same_scores_as_few():
    x, clusters = random_clusters(4)
    few, many = internal_scores(x, clusters, 500), internal_scores(x, clusters, 499)
    for name in ("calinski_harabasz", "davies_bouldin"):
        assert many[name] == pytest.approx(few[name], rel=1e-6)
    assert np.isnan(few["silhouette_se"])
    assert not np.isnan(many["silhouette_se"])
