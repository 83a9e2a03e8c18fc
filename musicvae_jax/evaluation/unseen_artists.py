"""Predictions for songs by artists that a classifier has not seen."""

from collections.abc import Callable

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits


def predict_unseen_artists(
    predict: Callable[[np.ndarray, np.ndarray], np.ndarray],
    codes: np.ndarray,
    artists: np.ndarray,
    folds: int,
    seed: int,
) -> np.ndarray:
    """Predicted label codes, `[songs]`, by cross-validation over artists.

    No artist is in both the training and the test songs of a fold. Labels are spread over folds as
    evenly as artists allow.

    Args:
        predict: (places of training songs, places of test songs) to the test songs' codes. Training
            songs have at least two labels; where all have one, it is the prediction.
        codes: label codes from 0, `[songs]`.
        artists: one artist per song, `[songs]`.
        folds: at most this many; fewer if there are fewer artists.
        seed: of the folds.
    """
    folds = min(folds, len(np.unique(artists)))
    n_songs = np.bincount(codes)
    # scikit-learn refuses to spread labels that have fewer songs than there are folds.
    strata = np.where(n_songs[codes] < folds, n_songs.argmax(), codes)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    predicted = np.full(len(codes), -1)
    # One thread gives the same bytes on every run.
    with threadpool_limits(limits=1):
        for train, test in splitter.split(strata, strata, artists):
            alone = len(np.unique(codes[train])) == 1
            predicted[test] = codes[train[0]] if alone else predict(train, test)
    return predicted
