"""The supervised reference: what it reads, what it must not read, and where there is none."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_mutual_info_score
from sklearn.svm import SVC

from musicvae_jax.evaluation import supervised_reference
from musicvae_jax.evaluation.unseen_artists import predict_unseen_artists


def songs(seed=0, n_artists=30, n_songs=10, n_labels=3):
    """Artists of one label each, all labels in turn."""
    artists = np.repeat(np.arange(n_artists), n_songs)
    labels = pd.Series([f"genre {i % n_labels}" for i in artists], dtype=object)
    return np.random.default_rng(seed), artists % n_labels, labels, pd.Series(artists)


def test_labels_that_are_linear_in_the_points_are_read():
    random, codes, labels, artists = songs()
    x = 3 * np.eye(3)[codes] + 0.3 * random.normal(size=(300, 3))
    assert supervised_reference(x, labels, artists, seed=0) == (1.0, 1.0, 300, "")


def test_only_the_gaussian_kernel_reads_labels_that_are_not_linear():
    """The label is whether two signs agree."""
    random, codes, labels, artists = songs(n_labels=2)
    signs = random.choice([-1, 1], size=300)
    x = np.stack([signs, signs * (2 * codes - 1)], axis=1) + 0.2 * random.normal(size=(300, 2))
    found = supervised_reference(x, labels, artists, seed=0)
    assert found.linear < 0.15
    assert found.rbf == 1


def test_artists_do_not_give_their_labels_away():
    """Points that know artists and nothing else would score near 1 if songs were split."""
    found, split = [], []
    for seed in range(6):
        random, _, labels, artists = songs(seed)
        x = random.normal(size=(30, 32))[artists] + 0.1 * random.normal(size=(300, 32))
        each_their_own = pd.Series(np.arange(300))
        found.append(supervised_reference(x, labels, artists, seed)[:2])
        split.append(supervised_reference(x, labels, each_their_own, seed)[:2])
    assert np.min(split) > 0.9
    assert np.mean(found, axis=0) == pytest.approx([0, 0], abs=0.1)


def test_unknown_artists_are_artists_of_their_own():
    """So a song by one of them may be predicted from another's."""
    random, _, labels, artists = songs(1)
    x = random.normal(size=(30, 32))[artists] + 0.1 * random.normal(size=(300, 32))
    unknown = pd.Series([None] * 300, dtype=object)
    assert supervised_reference(x, labels, unknown, seed=0).linear > 0.95


def test_it_is_the_ami_of_the_predictions_of_all_folds_together():
    """Four artists make four folds."""
    random, codes, labels, artists = songs(8, n_artists=4, n_songs=20, n_labels=2)
    x = random.normal(size=(80, 3)) + codes[:, None]
    scaled = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0).sum())
    predicted = np.full(80, -1)
    for artist in range(4):
        test = (artists == artist).to_numpy()
        model = SVC(kernel="linear", class_weight="balanced").fit(scaled[~test], codes[~test])
        predicted[test] = model.predict(scaled[test])
    ami = adjusted_mutual_info_score(codes, predicted)
    assert 0.1 < ami < 0.9
    assert supervised_reference(x, labels, artists, seed=0).linear == pytest.approx(ami)


def test_dimensions_keep_their_proportions():
    """What is small beside the noise stays small, as for a clusterer; unit and origin are free."""
    random, codes, labels, artists = songs(4)
    noise = random.normal(size=(300, 20))
    signal = 3 * np.eye(3)[codes] + 0.3 * random.normal(size=(300, 3))
    visible, hidden = np.hstack([noise, signal]), np.hstack([noise, 0.01 * signal])
    found = supervised_reference(visible, labels, artists, seed=0)
    assert found.linear > 0.95
    assert supervised_reference(hidden, labels, artists, seed=0).linear < 0.2
    # Powers of two: the same numbers, to the last digit.
    moved = supervised_reference(visible / 1024 + 8, labels, artists, seed=0)
    assert moved == found


def test_frequent_labels_do_not_swallow_rare_ones():
    """Always predicting the label of nine songs in ten would have an AMI of 0."""
    random = np.random.default_rng(5)
    codes = np.repeat([0, 1], [270, 30])
    x = 2.5 * codes[:, None] + random.normal(size=(300, 1))
    labels, artists = pd.Series(codes), pd.Series(np.arange(300) // 3)
    assert min(supervised_reference(x, labels, artists, seed=0)[:2]) > 0.2


def test_songs_without_a_label_are_left_out():
    random, codes, labels, artists = songs(6)
    x = 1.5 * np.eye(3)[codes] + random.normal(size=(300, 3))
    labels[::7] = None
    known = labels.notna().to_numpy()
    x[~known] = np.nan
    found = supervised_reference(x, labels, artists, seed=1)
    assert found == supervised_reference(x[known], labels[known], artists[known], seed=1)
    assert found.n_songs == known.sum()
    assert 0.2 < found.linear < 0.9


def test_a_seed_gives_the_same_every_time_and_another_gives_other_folds():
    random, codes, labels, artists = songs(7)
    x = np.eye(3)[codes] + random.normal(size=(300, 3))
    first, again, other = (supervised_reference(x, labels, artists, seed) for seed in (2, 2, 3))
    assert first == again
    assert first[:2] != other[:2]


@pytest.mark.parametrize(
    ("labels", "artists", "n_shared"),
    [
        ([None] * 6, list("aabbcc"), 0),
        (["one"] * 6, list("aabbcc"), 1),
        (list("xxyyzz"), list("aabbcc"), 0),
        (list("xxxxyy"), list("aabbcc"), 1),
    ],
)
def test_where_nothing_can_be_learned_the_reason_is_said(labels, artists, n_shared):
    labels = pd.Series(labels, dtype=object)
    found = supervised_reference(np.arange(6.0)[:, None], labels, pd.Series(artists), seed=0)
    assert np.isnan([found.linear, found.rbf]).all()
    assert found.n_songs == labels.notna().sum()
    assert found.reason == (
        f"got {n_shared} label(s) with songs by several artists, expected at least 2"
    )


def test_points_that_are_all_the_same_say_nothing():
    _, _, labels, artists = songs()
    found = supervised_reference(np.full((300, 4), 0.1, np.float32), labels, artists, seed=0)
    assert found[:2] == pytest.approx((0, 0), abs=0.1)


def test_a_label_of_fewer_songs_than_folds_is_predicted_and_one_of_one_artist_is_not():
    random, codes, labels, artists = songs()
    x = 3 * np.eye(3)[codes] + 0.3 * random.normal(size=(300, 3))
    rare = [0, 29, 58, 77]
    labels[rare] = "rare"
    x[rare] += 9
    assert supervised_reference(x, labels, artists, seed=0) == (1, 1, 300, "")
    labels[artists == 7] = "of one artist"
    x[artists == 7] -= 9
    found = supervised_reference(x, labels, artists, seed=0)
    assert found.n_songs == 300
    assert max(found[:2]) < 1


def test_no_artist_is_in_both_training_and_test_and_every_song_is_predicted_once():
    random = np.random.default_rng(9)
    codes, artists = random.integers(0, 5, 200), random.integers(0, 17, 200)
    tested = []

    def predict(train, test):
        assert not set(artists[train]) & set(artists[test])
        tested.extend(test)
        return codes[test]

    found = predict_unseen_artists(predict, codes, artists, folds=5, seed=0)
    assert found.tolist() == codes.tolist()
    assert sorted(tested) == list(range(200))


def test_training_songs_of_one_label_leave_no_choice():
    codes, artists = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 0, 1, 1, 1])
    found = predict_unseen_artists(lambda *_: 1 / 0, codes, artists, folds=5, seed=0)
    assert found.tolist() == [1, 1, 1, 0, 0, 0]
