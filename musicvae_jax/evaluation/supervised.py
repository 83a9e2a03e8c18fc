"""What classifiers that are given the labels reach on the points that a clusterer sees."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_mutual_info_score
from sklearn.svm import SVC

from musicvae_jax.evaluation.significance import known_artists
from musicvae_jax.evaluation.unseen_artists import predict_unseen_artists

_FOLDS = 5


class Supervised(NamedTuple):
    """AMI between the true labels of songs and those predicted for them by classifiers.

    Attributes:
        linear: of a linear support vector machine; at most 1. For points that say nothing about
            labels about 0, and somewhat above it where labels have few artists, see
            `supervised_reference`. NaN where there is nothing to learn.
        rbf: of one with a Gaussian (RBF) kernel; likewise.
        n_songs: songs that have the label; only these are used.
        reason: why there is nothing to learn; "" where there is something.
    """

    linear: float
    rbf: float
    n_songs: int
    reason: str


def supervised_reference(
    x: np.ndarray, labels: pd.Series, artists: pd.Series, seed: int
) -> Supervised:
    """AMI of labels predicted for songs by unseen artists, a reference for that of clusters.

    Each song's label is predicted by a classifier that was trained on songs by other artists, in
    five folds; one AMI is taken of the predictions of all songs. It is no ceiling: the label of a
    single artist cannot be predicted, but its songs can be a cluster.

    Where labels have few artists, points that say nothing do not score 0: without an artist its
    label is rarer among the training songs, so wrong answers are wrong in the same way, which AMI
    counts. With four artists a label, and genres shuffled over artists, that made about .1.
    Clusters that follow artists gain as much, so that the two still compare.

    A clusterer weighs dimensions by their variance, so classifiers see the points in the same
    proportions: divided by one number, not standardised. Labels count equally in training, since
    always predicting the most frequent one has an AMI of 0.

    Args:
        x: points, `[songs, dimensions]`; neither their origin nor their unit matters.
        labels: one label per song, null where unknown; such songs are left out.
        artists: one artist per song; a song whose artist is null counts as having an artist of
            its own.
        seed: of the folds.

    Example:
        >>> genre = pd.Series(["march", "waltz"] * 10)
        >>> artist = pd.Series(np.arange(20) // 5)
        >>> supervised_reference(np.eye(2)[[0, 1] * 10], genre, artist, seed=0)
        Supervised(linear=1.0, rbf=1.0, n_songs=20, reason='')

    References:
        Cortes and Vapnik, Support-Vector Networks, 1995.
        Flexer and Schnitzer, Effects of Album and Artist Filters in Audio Similarity Computed for
        Very Large Music Databases, 2010: why no artist is in both training and test.
        Vinh, Epps and Bailey, Information Theoretic Measures for Clusterings Comparison, 2010: AMI.
    """
    known = labels.notna().to_numpy()
    codes, _ = pd.factorize(labels[known])
    groups = known_artists(artists)[known]
    reason = _nothing_to_learn(codes, groups)
    if reason:
        return Supervised(np.nan, np.nan, len(codes), reason)
    points = _scaled(x[known])

    def ami(kernel: str) -> float:
        def predict(train: np.ndarray, test: np.ndarray) -> np.ndarray:
            # Without a limit of iterations it stops where it has converged.
            classifier = SVC(kernel=kernel, class_weight="balanced")
            return classifier.fit(points[train], codes[train]).predict(points[test])

        predicted = predict_unseen_artists(predict, codes, groups, _FOLDS, seed)
        return float(adjusted_mutual_info_score(codes, predicted))

    return Supervised(ami("linear"), ami("rbf"), len(codes), "")


def _nothing_to_learn(codes: np.ndarray, artists: np.ndarray) -> str:
    """The reason, or "": a label of a single artist is never in both training and test songs."""
    pairs = pd.DataFrame({"label": codes, "artist": artists}).drop_duplicates()
    n_shared = int((pairs["label"].value_counts() >= 2).sum())
    if n_shared >= 2:
        return ""
    return f"got {n_shared} label(s) with songs by several artists, expected at least 2"


def _scaled(x: np.ndarray) -> np.ndarray:
    """Centred, and divided by one number so that the variances of dimensions add up to 1.

    A song's product with itself is then about 1 in both kernels, so one cost suits both.
    """
    centred = np.asarray(x, np.float64) - np.mean(x, axis=0, dtype=np.float64)
    total = np.sqrt(np.mean(np.sum(centred**2, axis=1)))
    # Points may all be the same, as those of a collapsed posterior are.
    return centred / (total or 1.0)
