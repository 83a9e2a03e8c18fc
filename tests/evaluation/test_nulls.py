import numpy as np
import pytest
from scipy import stats

from musicvae_jax.evaluation import (
    EXTERNAL_METRICS,
    contingency,
    group_permutation_nulls,
    permutation_nulls,
)


def test_the_null_is_what_shuffling_and_scoring_one_by_one_gives():
    random = np.random.default_rng(1)
    labels, clusters = random.integers(0, 4, 60), random.integers(0, 5, 60)
    nulls = permutation_nulls(labels, clusters, 400, seed=2)
    shuffled = [random.permutation(labels) for _ in range(400)]
    for name in nulls:
        score = EXTERNAL_METRICS[name].of_songs
        one_by_one = [score(one, clusters) for one in shuffled]
        # Two samples of 400 from one distribution.
        error = np.std(one_by_one) * np.sqrt(2 / 400)
        assert nulls[name].mean == pytest.approx(np.mean(one_by_one), abs=4 * error)
        assert nulls[name].high == pytest.approx(np.quantile(one_by_one, 0.95), abs=10 * error)


def test_a_p_value_by_hand():
    # Of the 6 ways to put two of four songs into a cluster of two, 2 are as good as this one.
    null = permutation_nulls(np.array(list("aabb")), np.array([0, 0, 1, 1]), 3000, seed=0)["ari"]
    assert null.score == 1
    assert null.p_value == pytest.approx(1 / 3, abs=0.03)
    assert null.high == 1
    # ARI is 1 in these and -.5 in the other four: 0 on average.
    assert null.mean == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("score", ["ari", "nmi", "ami"])
def test_p_values_of_random_labels_are_uniform(score):
    random = np.random.default_rng(3)
    clusters = random.integers(0, 8, 300)
    p_values = [
        permutation_nulls(random.integers(0, 10, 300), clusters, 199, seed)[score].p_value
        for seed in range(300)
    ]
    assert stats.kstest(p_values, "uniform").pvalue > 0.05
    # 300 draws at .05: 15 expected, with a standard deviation of 3.8.
    assert 6 <= sum(p <= 0.05 for p in p_values) <= 24


def test_purity_never_claims_more_than_its_level():
    # It takes few values, so its ties make p-values too large, never too small.
    random = np.random.default_rng(4)
    clusters = random.integers(0, 8, 300)
    p_values = [
        permutation_nulls(random.integers(0, 10, 300), clusters, 199, seed)["purity"].p_value
        for seed in range(300)
    ]
    assert sum(p <= 0.05 for p in p_values) <= 24
    assert stats.kstest(p_values, "uniform", alternative="greater").pvalue > 0.05


def test_planted_clusters_are_far_above_chance():
    random = np.random.default_rng(5)
    clusters = random.integers(0, 5, 300)
    labels = np.where(random.random(300) < 0.3, clusters, random.integers(0, 5, 300))
    for null in permutation_nulls(labels, clusters, 999, seed=0).values():
        assert null.p_value == 1 / 1000 < 0.01
        assert null.mean < null.high < null.score


def test_chance_is_zero_on_average_for_the_adjusted_scores_only():
    random = np.random.default_rng(6)
    nulls = permutation_nulls(random.integers(0, 20, 200), random.integers(0, 10, 200), 500, 0)
    for name, null in nulls.items():
        # Those that are not adjusted are above .05 here.
        assert (abs(null.mean) < 0.005) == EXTERNAL_METRICS[name].adjusted, name
    assert nulls["nmi"].mean > 0.15
    assert nulls["purity"].mean > 0.12


def test_chunks_do_not_change_the_null(monkeypatch):
    random = np.random.default_rng(7)
    labels, clusters = random.integers(0, 4, 50), random.integers(0, 3, 50)
    whole = permutation_nulls(labels, clusters, 20, seed=1)
    monkeypatch.setattr(contingency, "_MAX_HELD", 150)
    assert permutation_nulls(labels, clusters, 20, seed=1) == whole


def test_artists_alone_beat_the_null_of_songs_but_not_that_of_groups():
    """Clusters of artists, whose genres were thrown: there is nothing but the artists."""
    random = np.random.default_rng(8)
    # Of different numbers of songs, so that few scores tie.
    artists = np.repeat(np.arange(40), random.integers(5, 15, 40))
    p_values = []
    for seed in range(100):
        genres = random.integers(0, 5, 40)[artists]
        clusters = random.integers(0, 6, 40)[artists]
        assert permutation_nulls(genres, clusters, 99, seed)["ami"].p_value == 1 / 100
        nulls = group_permutation_nulls(genres, clusters, artists, 99, seed)
        p_values.append(nulls["ami"].p_value)
    assert stats.kstest(p_values, "uniform").pvalue > 0.05


def test_a_null_of_groups_of_one_song_is_that_of_songs():
    random = np.random.default_rng(9)
    labels, clusters = random.integers(0, 4, 60), random.integers(0, 5, 60)
    of_songs = permutation_nulls(labels, clusters, 50, seed=3)
    of_groups = group_permutation_nulls(labels, clusters, np.arange(60), 50, seed=3)
    for name, null in of_songs.items():
        assert of_groups[name] == pytest.approx(null)


def test_genres_beyond_artists_beat_the_null_of_groups():
    genres = np.repeat(np.arange(40) % 4, 10)
    artists = np.repeat(np.arange(40), 10)
    nulls = group_permutation_nulls(genres, genres, artists, 199, seed=0)
    assert nulls["ami"].score == pytest.approx(1)
    assert nulls["ami"].p_value == 1 / 200


def test_names_do_not_matter_and_seeds_do():
    labels, clusters = np.array(list("ababcc")), np.array([5, 5, -1, -1, 5, 7])
    nulls = permutation_nulls(labels, clusters, 50, seed=1)
    assert permutation_nulls(np.array([3, 9, 3, 9, 1, 1]), clusters + 10, 50, seed=1) == nulls
    assert permutation_nulls(labels, clusters, 50, seed=2)["ari"].mean != nulls["ari"].mean


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(ValueError, match="got no labels, expected one per song"):
        permutation_nulls(np.array([]), np.array([]), 10, seed=0)
    with pytest.raises(ValueError, match="labels has a null in row 1"):
        permutation_nulls(np.array(["a", None], object), np.array([0, 1]), 10, seed=0)
    with pytest.raises(ValueError, match="group 'x' has more than one label"):
        group_permutation_nulls(
            np.array(list("abb")), np.array([0, 0, 1]), np.array(list("xxy")), 10, seed=0
        )
