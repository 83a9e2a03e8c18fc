import numpy as np
import pytest
from sklearn import metrics

from musicvae_jax.evaluation import (
    EXTERNAL_METRICS,
    artist_effect,
    contingency,
    metrics_with_nulls,
    one_per_artist_scores,
)


def brute_retrieval(x, labels, artists, is_filtered):
    """Precision at 1, average precision and chance, song by song."""
    found = []
    for song in range(len(x)):
        others = [other for other in range(len(x)) if other != song]
        by_others = [other for other in others if artists[other] != artists[song]]
        if not any(labels[other] == labels[song] for other in by_others):
            continue
        ranked = sorted(
            by_others if is_filtered else others, key=lambda o: np.linalg.norm(x[o] - x[song])
        )
        relevant = np.array([labels[other] == labels[song] for other in ranked])
        precision = np.cumsum(relevant) / np.arange(1, len(ranked) + 1)
        found.append((relevant[0], precision[relevant].mean(), relevant.mean()))
    return len(found), np.mean(found, axis=0)


@pytest.mark.parametrize("held", [4_000_000, 100])
def test_retrieval_agrees_with_brute_force(held, monkeypatch):
    monkeypatch.setattr(contingency, "_MAX_HELD", held)
    random = np.random.default_rng(0)
    artists = random.integers(0, 12, 40)
    labels, x = random.integers(0, 6, 12)[artists], random.normal(size=(40, 3))
    found = artist_effect(x, labels, artists, seed=0)
    for retrieval, is_filtered in ((found.any_artist, False), (found.other_artists, True)):
        n_queries, expected = brute_retrieval(x, labels, artists, is_filtered)
        assert found.n_queries == n_queries
        assert retrieval == pytest.approx(tuple(expected))


def test_average_precision_agrees_with_scikit_learn():
    random = np.random.default_rng(1)
    x, labels = random.normal(size=(50, 2)), random.integers(0, 3, 50)
    found = artist_effect(x, labels, np.arange(50), seed=0)
    apart = np.linalg.norm(x[:, None] - x, axis=2)
    others = [np.delete(np.arange(50), song) for song in range(50)]
    expected = [
        metrics.average_precision_score(labels[rest] == labels[song], -apart[song, rest])
        for song, rest in enumerate(others)
    ]
    assert found.any_artist.average_precision == pytest.approx(np.mean(expected))


def test_retrieval_by_hand():
    # From the left: a (artist 1), a (1), b (2), a (3), b (4).
    x = np.array([[0.0], [1.0], [3.0], [6.0], [10.0]])
    labels, artists = np.array(list("aabab")), np.array([1, 1, 2, 3, 4])
    found = artist_effect(x, labels, artists, seed=0)
    # Neighbours in order and their hits: 0: 1 2 3 4 / + - + -, 1: 0 2 3 4 / + - + -,
    # 2: 1 0 3 4 / - - - + (1 is 2 away, 0 and 3 tie and neither hits), 3: 2 4 1 0 / - - + +,
    # 4: 3 2 1 0 / - + - -.
    precisions = [(1 + 2 / 3) / 2, (1 + 2 / 3) / 2, 1 / 4, (1 / 3 + 2 / 4) / 2, 1 / 2]
    assert found.n_queries == 5
    assert found.any_artist.precision_at_1 == pytest.approx(2 / 5)
    assert found.any_artist.average_precision == pytest.approx(np.mean(precisions))
    assert found.any_artist.chance == pytest.approx((3 * 2 / 4 + 2 * 1 / 4) / 5)
    # Without each other, 0 and 1 find b before a.
    assert found.other_artists.precision_at_1 == 0
    precisions[:2] = 1 / 2, 1 / 2
    assert found.other_artists.average_precision == pytest.approx(np.mean(precisions))
    assert found.other_artists.chance == pytest.approx((2 * 1 / 3 + 2 / 4 + 2 * 1 / 4) / 5)


def test_the_filter_shows_that_artists_passed_for_genre():
    """Points of artists, whose genres were thrown."""
    random = np.random.default_rng(2)
    artists = np.repeat(np.arange(60), 10)
    genres = random.integers(0, 3, 60)[artists]
    x = random.normal(size=(60, 8))[artists] + 0.1 * random.normal(size=(600, 8))
    found = artist_effect(x, genres, artists, seed=0)
    assert found.any_artist.precision_at_1 == 1
    assert found.other_artists.precision_at_1 == pytest.approx(found.other_artists.chance, abs=0.15)


def test_the_filter_leaves_genres_that_are_heard():
    artists = np.repeat(np.arange(20), 5)
    genres = artists % 4
    found = artist_effect(np.eye(4)[genres], genres, artists, seed=0)
    assert found.any_artist[:2] == (1, 1)
    assert found.other_artists[:2] == (1, 1)


def test_equal_points_give_chance_whatever_the_order_of_songs():
    genres = np.repeat([0, 1], 500)
    found = artist_effect(np.zeros((1000, 2)), genres, np.arange(1000), seed=3)
    assert found.any_artist.precision_at_1 == pytest.approx(0.5, abs=0.05)
    assert found.any_artist.average_precision == pytest.approx(0.5, abs=0.05)


def test_without_a_song_to_find_there_are_no_scores():
    found = artist_effect(np.zeros((4, 2)), np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), 0)
    assert found.n_queries == 0
    assert np.isnan([*found.any_artist, *found.other_artists]).all()


def test_one_song_of_each_artist_is_all_songs_where_each_has_one():
    random = np.random.default_rng(4)
    labels, clusters = random.integers(0, 3, 50), random.integers(0, 4, 50)
    found = one_per_artist_scores(labels, clusters, random.permutation(50), 3, seed=0)
    assert list(found) == list(metrics_with_nulls())
    for name, score in found.items():
        assert score == pytest.approx(EXTERNAL_METRICS[name].of_songs(labels, clusters)), name


def test_the_mean_over_draws_is_that_over_all_choices_of_songs():
    artists = np.array([0, 1, 0, 2, 1, 3, 3])
    labels, clusters = np.array(list("aabbaab")), np.array([0, 0, 1, 1, 1, 0, 1])
    choices = [[a, b, 3, c] for a in (0, 2) for b in (1, 4) for c in (5, 6)]
    expected = [metrics.adjusted_rand_score(labels[c], clusters[c]) for c in choices]
    found = one_per_artist_scores(labels, clusters, artists, 4000, seed=0)
    assert found["ari"] == pytest.approx(np.mean(expected), abs=0.03)


def test_clusters_of_artists_are_worth_nothing_at_one_song_each():
    random = np.random.default_rng(5)
    artists = np.repeat(np.arange(60), 20)
    found = []
    for seed in range(20):
        genres, clusters = random.integers(0, 5, (2, 60))[:, artists]
        assert metrics.adjusted_mutual_info_score(genres, clusters) > 0.02
        found.append(one_per_artist_scores(genres, clusters, artists, 5, seed)["ami"])
    assert np.mean(found) == pytest.approx(0, abs=0.03)
