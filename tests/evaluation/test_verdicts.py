"""Verdicts on two methods: by hand, by brute force, and in simulations with a known truth."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import adjusted_mutual_info_score

from musicvae_jax.evaluation import (
    ResampledScores,
    bootstrap_interval,
    compare_methods,
    known_artists,
    resampled_ami,
)

N_ARTISTS, N_SONGS, N_GENRES = 40, 200, 3


def collection(seed=0):
    """Genres and artists of songs, five songs an artist, each artist of one genre."""
    artists = np.repeat(np.arange(N_ARTISTS), N_SONGS // N_ARTISTS)
    of_artist = np.random.default_rng(seed).permutation(np.arange(N_ARTISTS) % N_GENRES)
    genres = pd.Series([f"genre {one}" for one in of_artist[artists]], dtype=object)
    return genres, pd.Series([f"artist {one}" for one in artists], dtype=object)


def clusterings(genres, share, n_seeds=3, seed=1):
    """Clusters that are the genre for a share of the songs, one clustering a seed."""
    random = np.random.default_rng(seed)
    codes, n_songs = pd.factorize(genres)[0], len(genres)
    right = random.random((n_seeds, n_songs)) < share
    return list(np.where(right, codes, random.integers(0, N_GENRES, (n_seeds, n_songs))))


def compared(first, second, labels, artists, n_draws=200):
    scores = (resampled_ami(one, labels, artists, 0, n_draws) for one in (first, second))
    return compare_methods(*scores)


def test_a_method_does_not_differ_from_itself():
    genres, artists = collection()
    mine = clusterings(genres, 0.5)
    found = compared(mine, mine, genres, artists)
    assert found == (N_SONGS, N_ARTISTS, 3, 0, 0, 0, 0, 0, "no difference shown")


def test_swapped_methods_have_the_difference_turned_around():
    genres, artists = collection()
    two = clusterings(genres, 0.9), clusterings(genres, 0.4, seed=2)
    there, back = compared(*two, genres, artists), compared(*two[::-1], genres, artists)
    assert (there.verdict, back.verdict) == ("better", "worse")
    assert there.difference == -back.difference
    assert (there.seeds_low, there.seeds_high) == pytest.approx((-back.seeds_high, -back.seeds_low))
    assert (there.artists_low, there.artists_high) == pytest.approx(
        (-back.artists_high, -back.artists_low)
    )


def test_songs_without_artists_are_compared_by_song():
    genres, artists = collection()
    two = clusterings(genres, 0.9), clusterings(genres, 0.4, seed=2)
    nobody = pd.Series([None] * N_SONGS, dtype=object)
    found = compared(*two, genres, nobody)
    assert found == compared(*two, genres, pd.Series(np.arange(N_SONGS)))
    assert (found.verdict, found.n_artists) == ("better", N_SONGS)
    assert compared(*two, genres, artists).n_artists == N_ARTISTS


def test_a_song_at_a_time_and_many_tables_at_once_give_the_same():
    """The interval of scikit-learn's AMI, by the loop of `bootstrap_interval`."""
    genres, artists = collection()
    genres[3] = artists[9] = artists[10] = None
    first, second = clusterings(genres, 0.8, 2), clusterings(genres, 0.6, 2, seed=5)
    first[1] = first[1] % 2
    known = genres.notna().to_numpy()
    labels, of_songs = genres[known].to_numpy(), known_artists(artists)[known]

    def difference(taken):
        amis = [
            np.mean(
                [adjusted_mutual_info_score(labels[taken], one[known][taken]) for one in of_one]
            )
            for of_one in (first, second)
        ]
        return amis[0] - amis[1]

    expected = bootstrap_interval(difference, of_songs, 50, 0)
    found = compared(first, second, genres, artists, 50)
    assert (found.n_songs, found.n_seeds) == (N_SONGS - 1, 2)
    assert (found.difference, found.artists_low, found.artists_high) == pytest.approx(expected)
    # Songs 9 and 10 are two artists more.
    assert resampled_ami(first, genres, artists, 0, 50).n_artists == N_ARTISTS + 2


@pytest.mark.parametrize("truth", [0.0, 0.2], ids=["null", "difference"])
def test_intervals_over_artists_cover_the_true_difference_at_their_level(truth):
    """Artists like one cluster, which both methods find: 114 of 120 intervals are to cover.

    The true difference is that of 40,000 artists.
    """
    random = np.random.default_rng(7)

    def draw(n_artists):
        genres = np.repeat(random.integers(0, N_GENRES, n_artists), 5)
        artists = np.repeat(np.arange(n_artists), 5)
        liked = np.repeat(random.integers(0, N_GENRES, n_artists), 5)

        def method(share):
            kind = random.random(len(genres))
            noise = random.integers(0, N_GENRES, len(genres))
            return [np.where(kind < share, genres, np.where(kind < share + 0.3, liked, noise))]

        return genres, artists, method(0.6), method(0.6 - truth)

    genres, _, one, other = draw(40_000)
    of_all = [adjusted_mutual_info_score(genres, found[0]) for found in (one, other)]
    expected, covered = of_all[0] - of_all[1], 0
    assert (expected > 0.1) == (truth > 0)
    for _ in range(120):
        genres, artists, *both = draw(100)
        found = compared(*both, pd.Series(genres), pd.Series(artists), 99)
        covered += found.artists_low <= expected <= found.artists_high
    print(f"true difference {expected:.3f}: {covered} of 120 intervals at 95 % cover it")
    low, high = stats.binom.interval(0.999, 120, 0.95)
    assert low <= covered <= high


def test_songs_of_unknown_artists_are_artists_of_their_own():
    genres, _ = collection()
    mine = clusterings(genres, 0.5)
    alone = resampled_ami(mine, genres, pd.Series([None] * N_SONGS, dtype=object), 0, 20)
    named = resampled_ami(mine, genres, pd.Series(np.arange(N_SONGS)), 0, 20)
    assert alone.n_artists == N_SONGS
    np.testing.assert_array_equal(alone.of_halves, named.of_halves)


def test_with_too_few_artists_nothing_can_be_told():
    genres, artists = collection()
    few = artists.map(lambda name: f"artist {int(name.split()[1]) % (4 * N_GENRES - 1)}")
    found = compared(clusterings(genres, 0.9), clusterings(genres, 0.3, seed=2), genres, few)
    assert found.verdict == "too few artists"
    assert np.isnan([found.artists_low, found.artists_high]).all()
    assert 0 < found.seeds_low < found.difference
    enough = artists.map(lambda name: f"artist {int(name.split()[1]) % (4 * N_GENRES)}")
    found = compared(clusterings(genres, 0.9), clusterings(genres, 0.3, seed=2), genres, enough)
    assert found.verdict == "better"


def test_one_seed_has_an_interval_over_artists_and_no_verdict():
    genres, artists = collection()
    found = compared(clusterings(genres, 0.9, 1), clusterings(genres, 0.3, 1, 2), genres, artists)
    assert (found.n_seeds, found.verdict) == (1, "one seed")
    assert np.isnan([found.seeds_low, found.seeds_high]).all()
    assert 0 < found.artists_low < found.artists_high


def test_where_there_is_nothing_to_agree_with_there_is_no_score():
    genres, artists = collection()
    mine = clusterings(genres, 0.5)
    assert resampled_ami(mine, genres, artists, 0, 20).is_defined
    mine[1] = np.zeros(N_SONGS, int)
    in_one = resampled_ami(mine, genres, artists, 0, 20)
    assert not in_one.is_defined
    assert np.isnan(in_one.by_seed).tolist() == [False, True, False]
    for labels in ("polka", None):
        same = pd.Series([labels] * N_SONGS, dtype=object)
        assert not resampled_ami(mine, same, artists, 0, 20).is_defined


def scores(by_seed, of_halves):
    return ResampledScores(np.array(by_seed), np.array(of_halves), 100, 50)


# Means over seeds and halves of artists; the second method always scores 0.
STEADY = np.linspace(-0.001, 0.001, 41)


@pytest.mark.parametrize(
    ("by_seed", "of_halves", "verdict"),
    [
        ([0.020, 0.021, 0.022], 0.021 + STEADY, "better"),
        ([-0.020, -0.021, -0.022], -0.021 + STEADY, "worse"),
        # Both intervals exclude 0, and the difference is below .02.
        ([0.018, 0.019, 0.020], 0.019 + STEADY, "negligible"),
        ([-0.018, -0.019, -0.020], -0.019 + STEADY, "negligible"),
        # One holds 0.
        ([0.020, 0.021, 0.022], 0.021 + 30 * STEADY, "no difference shown"),
        ([0.0, 0.1, 0.2], 0.1 + STEADY, "no difference shown"),
        # They exclude 0 on different sides.
        ([0.020, 0.021, 0.022], 0.1 + STEADY, "no difference shown"),
        ([0.021], 0.021 + STEADY, "one seed"),
        ([0.020, 0.021, 0.022], [], "too few artists"),
    ],
)
def test_verdicts_by_hand(by_seed, of_halves, verdict):
    nothing = scores(np.zeros(len(by_seed)), np.zeros(len(of_halves)))
    found = compare_methods(scores(by_seed, of_halves), nothing)
    assert found.difference == pytest.approx(np.mean(by_seed))
    assert found.verdict == verdict


def test_scores_of_other_songs_or_seeds_do_not_compare():
    mine = scores([0.1, 0.2], STEADY)
    with pytest.raises(ValueError, match=r"got \(songs, artists, draws\) \(100, 50, 41\) and \(99"):
        compare_methods(mine, mine._replace(n_songs=99))
    with pytest.raises(ValueError, match="got scores of 2 and 1 seeds"):
        compare_methods(mine, mine._replace(by_seed=np.array([0.1])))
