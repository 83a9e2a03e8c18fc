import numpy as np
import pytest
from scipy import stats

from musicvae_jax.evaluation import bootstrap_interval, contingency, external_intervals
from musicvae_jax.evaluation.bootstrap import half_scores, has_enough_groups, reflected_interval
from musicvae_jax.evaluation.contingency import ContingencyTables
from musicvae_jax.evaluation.external import score_tables


def nominal(count, n, level=0.95):
    """Whether a count is one that coverage at the level gives in all but 1 of 1,000 tests."""
    low, high = stats.binom.interval(0.999, n, level)
    return low <= count <= high


@pytest.mark.slow
def test_the_interval_of_a_mean_covers_it_at_its_nominal_rate():
    """40 artists of 10 songs with effects of their own: 475 of 500 intervals are to cover 0."""
    random = np.random.default_rng(0)
    artists = np.repeat(np.arange(40), 10)
    covered = {"artists": 0, "songs": 0}
    for seed in range(500):
        values = random.normal(size=40)[artists] + random.normal(size=400)
        for kind, groups in (("artists", artists), ("songs", np.arange(400))):
            found = bootstrap_interval(lambda taken, v=values: v[taken].mean(), groups, 199, seed)
            covered[kind] += found.low <= 0 <= found.high
    print(f"mean, 500 simulations at 95 %: {covered}")
    assert nominal(covered["artists"], 500)
    # What is wrong with resampling songs.
    assert covered["songs"] < 320


def population(n_genres, n_clusters, sharpness):
    """Probability of clusters given genre, `[genres, clusters]`, and the true scores."""
    own = np.arange(n_clusters) == (np.arange(n_genres) % n_clusters)[:, None]
    given = (1 - sharpness) / n_clusters + sharpness * own
    # So many songs that chance and rounding are nothing.
    table = np.round(given * 1_000_000 / n_genres).astype(int)
    scores = score_tables(ContingencyTables(table[None]))
    return given, {name: float(score[0]) for name, score in scores.items()}


def sample(given, n_artists, n_songs, own_taste, random):
    """Genres, clusters and artists of songs, whose artists each prefer one cluster."""
    n_genres, n_clusters = given.shape
    of_artist = random.integers(0, n_genres, n_artists)
    preferred = np.array([random.choice(n_clusters, p=given[genre]) for genre in of_artist])
    artists = np.repeat(np.arange(n_artists), n_songs)
    by_genre = (random.random(len(artists))[:, None] > given.cumsum(1)[of_artist[artists]]).sum(1)
    by_taste = random.random(len(artists)) < own_taste
    clusters = np.where(by_taste, preferred[artists], np.minimum(by_genre, n_clusters - 1))
    return of_artist[artists], clusters, artists


def test_intervals_of_a_planted_population_cover_its_scores_at_their_nominal_rate():
    """3 genres in 3 clusters by 100 artists: 285 of 300 intervals are to cover the truth."""
    given, truth = population(3, 3, 0.5)
    assert truth["purity"] == pytest.approx(2 / 3, abs=1e-5)
    random = np.random.default_rng(1)
    covered = dict.fromkeys(truth, 0)
    for seed in range(300):
        genres, clusters, artists = sample(given, 100, 5, 0.5, random)
        for name, found in external_intervals(genres, clusters, artists, 99, seed).items():
            covered[name] += found.low <= truth[name] <= found.high
    print(f"3 genres, 300 simulations at 95 %: {covered}")
    assert all(nominal(count, 300) for count in covered.values())


def test_scores_that_few_artists_inflate_are_covered_far_better_than_by_percentiles():
    """10 genres in 10 clusters by 93 artists, about as 4MuLA tiny; see `bootstrap_interval`."""
    given, truth = population(10, 10, 0.3)
    random = np.random.default_rng(2)
    covered = {"reflected half": 0, "percentile": 0}
    for seed in range(40):
        genres, clusters, artists = sample(given, 93, 10, 0.5, random)
        found = external_intervals(genres, clusters, artists, 79, seed)["ami"]
        covered["reflected half"] += found.low <= truth["ami"] <= found.high
        tables = np.zeros((93, 10, 10), int)
        np.add.at(tables, (artists, genres, clusters), 1)
        times = random.multinomial(93, np.ones(93) / 93, size=79)
        drawn = score_tables(ContingencyTables(np.tensordot(times, tables, 1)))["ami"]
        low, high = np.quantile(drawn, [0.025, 0.975])
        covered["percentile"] += low <= truth["ami"] <= high
    print(f"10 genres, AMI, 40 simulations at 95 %: {covered}")
    assert covered["reflected half"] >= 32
    assert covered["percentile"] <= 4


def test_all_halves_of_few_groups_by_hand():
    # The six halves have means 0, .5, .5, 1.5, 1.5 and 2, whose quartiles are .5 and 1.5.
    values = np.array([0.0, 0.0, 1.0, 3.0])
    found = bootstrap_interval(lambda taken: values[taken].mean(), np.arange(4), 5000, 0, 0.5)
    half_width = 0.5 * stats.t.ppf(0.75, 3) / stats.norm.ppf(0.75)
    assert found == pytest.approx((1, 1 - half_width, 1 + half_width))


def test_tables_give_what_scoring_songs_gives():
    """Both draw the same halves under one seed."""
    random = np.random.default_rng(3)
    genres, clusters = random.integers(0, 3, 80), random.integers(0, 4, 80)
    artists = random.integers(0, 12, 80)
    found = external_intervals(genres, clusters, artists, 50, seed=4, level=0.8)
    for name in found:

        def score(taken, name=name):
            table = np.zeros((1, 3, 4), int)
            np.add.at(table[0], (genres[taken], clusters[taken]), 1)
            return score_tables(ContingencyTables(table))[name][0]

        expected = bootstrap_interval(score, artists, 50, seed=4, level=0.8)
        assert found[name] == pytest.approx(expected)


def test_no_end_of_an_interval_is_above_a_perfect_score():
    """Half of the few artists are told apart worse than all, so reflecting goes beyond 1."""
    genres, artists = np.repeat(np.arange(3), 40), np.repeat(np.arange(12), 10)
    # All wrong ones are by one artist, so half of the halves are perfect.
    clusters = np.where(artists == 11, 0, genres)
    found = external_intervals(genres, clusters, artists, 200, 0)
    drawn = half_scores(genres, clusters, artists, 200, 0)
    for name, (score, low, high) in found.items():
        _, unlimited_low, unlimited = reflected_interval(score, drawn.halves[name], 12, 0.95)
        assert low == unlimited_low < score < high == 1.0 < unlimited


def test_a_higher_level_is_a_wider_interval_and_a_seed_gives_it_again():
    random = np.random.default_rng(5)
    genres, clusters = random.integers(0, 3, 200), random.integers(0, 4, 200)
    artists = np.repeat(np.arange(20), 10)
    wide = external_intervals(genres, clusters, artists, 200, 0)["ami"]
    narrow = external_intervals(genres, clusters, artists, 200, 0, level=0.5)["ami"]
    assert wide.low < narrow.low < narrow.high < wide.high
    assert external_intervals(genres, clusters, artists, 200, 0)["ami"] == wide


def test_one_group_cannot_be_drawn_from():
    with pytest.raises(ValueError, match="got 1 group, expected at least 2"):
        external_intervals(np.array([0, 1]), np.array([0, 1]), np.array(["a", "a"]), 10, 0)
    with pytest.raises(ValueError, match="groups has a null in row 0"):
        bootstrap_interval(len, np.array([None, "a"], object), 10, 0)


def test_halves_are_the_same_whatever_the_clusters_and_however_many_are_drawn_at_once(monkeypatch):
    random = np.random.default_rng(6)
    genres, artists = random.integers(0, 3, 80), random.integers(0, 12, 80)
    many, few = random.integers(0, 9, 80), random.integers(0, 2, 80)
    expected = [half_scores(genres, one, artists, 30, 0).halves["ami"] for one in (many, few)]
    # One table at a time of the one, seven of the other.
    monkeypatch.setattr(contingency, "_MAX_HELD", 7 * (3 * 2 + 12))
    found = [half_scores(genres, one, artists, 30, 0).halves["ami"] for one in (many, few)]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("n_labels", "n_groups", "enough"), [(1, 3, False), (1, 4, True), (3, 11, False), (3, 12, True)]
)
def test_intervals_need_four_groups_for_each_label(n_labels, n_groups, enough):
    songs = np.arange(60)
    assert has_enough_groups(songs % n_labels, songs % n_groups) == enough
