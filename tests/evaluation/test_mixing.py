import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from musicvae_jax.evaluation import contingency, label_mixing, lisi, probe
from musicvae_jax.evaluation.mixing import _weights


def test_one_label_is_one():
    x = np.random.default_rng(0).normal(size=(200, 3))
    found = label_mixing(x, np.full(200, "en"))
    assert found[:2] == (1, 1)
    assert np.isnan(found.share)


def test_labels_apart_are_one():
    x = np.random.default_rng(1).normal(size=(400, 3))
    labels = np.repeat([0, 1], 200)
    found = label_mixing(x + 100 * labels[:, None], labels)
    assert found.ilisi == pytest.approx(1)
    assert found.share == pytest.approx(0, abs=1e-9)
    assert 1.85 < found.ceiling < 2


def test_two_labels_that_are_mixed_are_about_two():
    random = np.random.default_rng(2)
    found = label_mixing(random.normal(size=(2000, 2)), random.integers(0, 2, 2000))
    # 30 equal weights would expect squared shares of 1 / 2 + 1 / 60, and these are not equal.
    assert 1.88 < found.ilisi < 1 / (1 / 2 + 1 / 60)
    assert found.share > 0.98


@pytest.mark.parametrize("n_dimensions", [2, 32])
def test_the_ceiling_is_what_shuffled_labels_give(n_dimensions):
    random = np.random.default_rng(3)
    labels = np.array([0] * 250 + [1] * 80 + [2] * 40 + [3] * 20 + [4] * 10)
    x = random.normal(size=(400, n_dimensions))
    shuffled = [lisi(x, random.permutation(labels)).mean() for _ in range(20)]
    found = label_mixing(x, random.permutation(labels))
    # It is a mean over fewer, and in many dimensions some songs are everybody's neighbours.
    assert found.ceiling == pytest.approx(np.mean(shuffled), rel=0.06)
    assert found.share > 0.88


def test_the_order_of_songs_in_one_place_says_nothing():
    labels = np.repeat([0, 1], 500)
    assert label_mixing(np.zeros((1000, 2)), labels).share > 0.98


def test_equal_weights_by_hand():
    # Songs at one place: all others weigh the same. Of the other five, 3 x and 2 y for an x.
    labels = np.array(list("xxxxyy"))
    found = lisi(np.zeros((6, 2)), labels)
    assert found[0] == pytest.approx(1 / (0.6**2 + 0.4**2))
    assert found[-1] == pytest.approx(1 / (0.8**2 + 0.2**2))


def test_weights_have_the_perplexity():
    distances = np.sort(np.random.default_rng(4).gamma(3, size=(50, 90)), axis=1)
    for perplexity in (5, 30):
        weights = _weights(1000 * distances, perplexity)
        assert weights.sum(axis=1) == pytest.approx(1)
        nats = -np.sum(weights * np.log(weights), axis=1)
        assert np.exp(nats) == pytest.approx(perplexity)
        # Exponential in the distance: the logarithms lie on a line.
        slopes = np.diff(np.log(weights)) / np.diff(distances)
        assert slopes == pytest.approx(np.broadcast_to(slopes[:, :1], slopes.shape), rel=1e-4)


def test_lisi_agrees_with_the_search_of_the_published_code():
    """The loop of compute_simpson_index in harmonypy, song by song."""
    random = np.random.default_rng(5)
    x, labels = random.normal(size=(120, 4)), random.integers(0, 3, 120)
    expected = []
    for song in range(120):
        distances = np.linalg.norm(x - x[song], axis=1)
        nearest = np.argsort(distances)[1:91]
        beta, low, high = 1.0, -np.inf, np.inf
        for _ in range(50):
            weights = np.exp(-distances[nearest] * beta)
            total = weights.sum()
            entropy = np.log(total) + beta * np.sum(distances[nearest] * weights) / total
            if abs(entropy - np.log(30)) < 1e-5:
                break
            if entropy > np.log(30):
                low, beta = beta, beta * 2 if high == np.inf else (beta + high) / 2
            else:
                high, beta = beta, beta / 2 if low == -np.inf else (beta + low) / 2
        shares = np.bincount(labels[nearest], weights / total, 3)
        expected.append(1 / np.sum(shares**2))
    assert lisi(x, labels) == pytest.approx(expected, rel=1e-4)


def test_units_and_names_do_not_matter():
    random = np.random.default_rng(6)
    x, labels = random.normal(size=(150, 3)), random.integers(0, 3, 150)
    renamed = np.array(["es", "en", "pt-br"])[labels]
    assert lisi(1e-6 * x, renamed) == pytest.approx(lisi(x, labels), rel=1e-6)


@pytest.mark.parametrize("n_songs", [2, 3, 7])
def test_few_songs_have_few_neighbours(n_songs):
    found = lisi(np.arange(n_songs, dtype=float)[:, None], np.arange(n_songs) % 2)
    assert ((found >= 1) & (found <= 2 + 1e-9)).all()


def test_one_song_has_no_neighbours():
    with pytest.raises(ValueError, match="got 1 song, expected at least 2"):
        lisi(np.zeros((1, 2)), np.array(["en"]))


def songs(seed, n_artists=30, n_songs=10, n_labels=3):
    random = np.random.default_rng(seed)
    artists = np.repeat(np.arange(n_artists), n_songs)
    return random, artists, artists % n_labels


def test_the_probe_reads_what_is_linear():
    random, artists, labels = songs(0)
    x = 3 * np.eye(3)[labels] + 0.3 * random.normal(size=(300, 3))
    assert probe(x, labels, artists, seed=0) == (1.0, pytest.approx(1 / 3), 300)


def test_the_probe_finds_nothing_in_noise():
    found = []
    for seed in range(10):
        random, artists, labels = songs(seed)
        found.append(probe(random.normal(size=(300, 4)), labels, artists, seed).balanced_accuracy)
    assert np.mean(found) == pytest.approx(1 / 3, abs=0.03)


def test_artists_do_not_give_their_language_away():
    """Points that know artists and nothing else would score near 1 if songs were split."""
    found, split = [], []
    for seed in range(6):
        random, artists, labels = songs(seed)
        x = random.normal(size=(30, 32))[artists] + 0.1 * random.normal(size=(300, 32))
        found.append(probe(x, labels, artists, seed).balanced_accuracy)
        split.append(probe(x, labels, np.arange(300), seed).balanced_accuracy)
    assert np.mean(split) > 0.95
    assert np.mean(found) < 0.45


def test_the_most_frequent_label_is_no_merit():
    random = np.random.default_rng(7)
    labels = np.repeat([0, 1], [270, 30])
    found = probe(random.normal(size=(300, 2)), labels, np.arange(300), seed=0)
    assert found.chance == 0.5
    assert found.balanced_accuracy == pytest.approx(0.5, abs=0.12)


def test_the_probe_is_scikit_learns_on_whole_folds():
    """With two artists per language and two folds, each fold holds one of each."""
    random, artists, labels = songs(8, n_artists=4, n_songs=20, n_labels=2)
    x = random.normal(size=(80, 3)) + labels[:, None] * 0.5
    found = probe(x, labels, artists, seed=0, folds=2).balanced_accuracy
    expected = []
    for first in ([0, 1], [0, 3]):
        predicted = np.full(80, -1)
        for test in (np.isin(artists, first), ~np.isin(artists, first)):
            centre, scale = x[~test].mean(axis=0), x[~test].std(axis=0)
            model = LogisticRegression(class_weight="balanced", max_iter=1000)
            model.fit((x[~test] - centre) / scale, labels[~test])
            predicted[test] = model.predict((x[test] - centre) / scale)
        expected.append(balanced_accuracy_score(labels, predicted))
    assert any(found == pytest.approx(one) for one in expected)


@pytest.mark.parametrize("n_artists", [2, 3, 4])
def test_few_artists_make_few_folds(n_artists):
    random = np.random.default_rng(10)
    artists, labels = np.repeat(np.arange(n_artists), 20), np.tile([0, 1], 10 * n_artists)
    x = random.normal(size=(len(labels), 2)) + 9 * labels[:, None]
    assert probe(x, labels, artists, seed=0).balanced_accuracy == 1


def test_labels_of_one_artist_cannot_be_probed():
    random, artists, labels = songs(9)
    labels = np.where(artists == 0, 7, labels)
    found = probe(random.normal(size=(300, 3)), labels, artists, seed=0)
    assert found.n_songs == 290
    assert found.chance == pytest.approx(1 / 3)
    nothing = probe(np.zeros((4, 2)), np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), seed=0)
    assert nothing.n_songs == 0
    assert np.isnan(nothing[:2]).all()


def test_many_labels_are_counted_in_blocks_of_songs_with_the_same_bytes(monkeypatch):
    random = np.random.default_rng(3)
    x, labels = random.normal(size=(300, 3)), random.integers(0, 90, 300)
    expected = lisi(x, labels)
    monkeypatch.setattr(contingency, "_MAX_HELD", 90 * 7)
    np.testing.assert_array_equal(lisi(x, labels), expected)


@pytest.mark.parametrize("n_songs", [2, 3, 4])
def test_too_few_songs_to_mix_have_no_share(n_songs):
    x = np.random.default_rng(n_songs).normal(size=(n_songs, 3))
    found = label_mixing(x, np.arange(n_songs) % 2)
    assert (found.ilisi, found.ceiling) == (1, 1)
    assert np.isnan(found.share)
