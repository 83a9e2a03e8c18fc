"""Mean silhouettes, of all songs and of a sample with its standard error."""

import tracemalloc

import numpy as np
import pytest
from sklearn import metrics

from musicvae_jax.clustering import mean_silhouettes, sample_songs, silhouette


def noisy_groups(n_songs):
    """Overlapping groups, one of them of a single song, and their numbers."""
    rng = np.random.default_rng(0)
    labels = np.append(rng.choice(4, n_songs - 1, p=[0.5, 0.3, 0.15, 0.05]), 4)
    return rng.normal(size=(n_songs, 3)) + 2 * rng.normal(size=(5, 3))[labels], labels


def test_a_sampled_silhouette_is_the_mean_over_sampled_songs_and_its_standard_error():
    x, labels = noisy_groups(600)
    # The smallest cluster's only song is among them.
    of_all = metrics.silhouette_samples(x, labels)
    places = sample_songs(600, 599, silhouette._SEED)
    values = silhouette._silhouettes(x, [labels], places)[0]
    np.testing.assert_allclose(values, of_all[places], atol=1e-9)
    sampled = of_all[sample_songs(600, 200, silhouette._SEED)]
    (found,) = mean_silhouettes(x, [labels], 200)
    assert found.mean == pytest.approx(sampled.mean())
    variance = sum((sampled - sampled.mean()) ** 2) / 199
    assert found.standard_error == pytest.approx(np.sqrt(variance / 200 * (1 - 200 / 600)))


def test_the_standard_error_is_the_spread_over_samples(monkeypatch):
    x, labels = noisy_groups(400)
    found = []
    for seed in range(300):
        monkeypatch.setattr(silhouette, "_SEED", seed)
        found += mean_silhouettes(x, [labels], 100)
    means, errors = np.array(found).T
    # The spread of 300 means is known to 4 percent.
    assert means.std(ddof=1) == pytest.approx(errors.mean(), rel=0.15)
    assert means.mean() == pytest.approx(metrics.silhouette_score(x, labels), abs=4e-3)


@pytest.mark.parametrize("exact_songs", [200, 10_000])
def test_labellings_do_not_change_each_others_silhouettes(exact_songs):
    x, labels = noisy_groups(300)
    other = np.random.default_rng(1).choice([-1, 5, 9], 300)
    assert mean_silhouettes(x, [labels, other], exact_songs) == [
        mean_silhouettes(x, [one], exact_songs)[0] for one in (labels, other)
    ]


def test_equal_points_have_a_silhouette_of_zero():
    (found,) = mean_silhouettes(np.zeros((300, 2)), [np.arange(300) % 2], 200)
    assert found == (0, 0)


def test_sampled_silhouettes_hold_no_table_of_all_distances(monkeypatch):
    monkeypatch.setattr(silhouette, "_MEMORY_MIB", 1)
    x = np.random.default_rng(0).normal(size=(6000, 2))
    tracemalloc.start()
    mean_silhouettes(x, [np.arange(6000) % 3], 1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1000 * 6000 * 8 / 4
