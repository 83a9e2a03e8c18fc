"""How well a label such as language is mixed, by a linear probe and by neighbours."""

from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from musicvae_jax.evaluation.contingency import in_chunks, integer_codes
from musicvae_jax.evaluation.unseen_artists import predict_unseen_artists

_PERPLEXITY = 30.0
# Neighbours per unit of perplexity; the farther ones weigh next to nothing.
_REACH = 3
_HALVINGS = 60
# Each is an average over all songs, so that few of them agree within some percent.
_SHUFFLES = 5
# Of a ceiling above 1: less is rounding.
_LEAST_MIXING = 1e-9


class Probe(NamedTuple):
    """What a linear classifier reads from points.

    Attributes:
        balanced_accuracy: recall of each label on unseen artists, averaged over labels, in
            [0, 1]; lower is better mixed. NaN where there is nothing to probe.
        chance: 1 / labels, the score of always answering the most frequent one. Points that say
            nothing about labels reach it where a label has some ten artists, and less where it
            has few: without an artist its label is rarer in training.
        n_songs: songs that were probed: those whose label more than one artist has.
    """

    balanced_accuracy: float
    chance: float
    n_songs: int


def probe(
    x: np.ndarray, labels: np.ndarray, artists: np.ndarray, seed: int, folds: int = 5
) -> Probe:
    """Balanced accuracy of logistic regression, cross-validated over artists.

    No artist is in both the training and the test songs of a fold: a probe that recognises
    artists would know their language too. Accuracy is balanced because in a collection that is
    80 % English always answering English has a plain accuracy of .80, and differences show in the
    last digits only. Its balanced accuracy is 1 / labels in every collection.

    Args:
        x: points, `[songs, dimensions]`; standardised within each fold.
        labels: one label per song, `[songs]`, none null.
        artists: one artist per song, `[songs]`, none null; all different for no groups.
        seed: of the folds.
        folds: at most this many; fewer if there are fewer artists.

    Raises:
        ValueError: no songs, or a null.

    References:
        Alain and Bengio, Understanding Intermediate Layers Using Linear Classifier Probes, 2016.
        Brodersen, Ong, Stephan and Buhmann, The Balanced Accuracy and Its Posterior Distribution,
        2010.
    """
    codes, n_labels = integer_codes(labels, "labels")
    of_artists, _ = integer_codes(artists, "artists")
    pairs = np.unique(np.stack([codes, of_artists]), axis=1)[0]
    n_artists = np.bincount(pairs, minlength=n_labels)
    kept = np.flatnonzero(n_artists[codes] >= 2)
    codes = codes[kept]
    n_labels = len(np.unique(codes))
    if n_labels < 2:
        return Probe(np.nan, np.nan, len(kept))
    points = np.asarray(x, np.float64)[kept]

    def predict(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        classifier = LogisticRegression(class_weight="balanced", max_iter=1000)
        model = make_pipeline(StandardScaler(), classifier)
        return model.fit(points[train], codes[train]).predict(points[test])

    predicted = predict_unseen_artists(predict, codes, of_artists[kept], folds, seed)
    return Probe(float(balanced_accuracy_score(codes, predicted)), 1 / n_labels, len(kept))


class Mixing(NamedTuple):
    """How many labels there are around a song.

    Attributes:
        ilisi: effective number of labels among a song's neighbours, averaged over songs, from 1
            (a single label) to the number of labels; higher is better mixed.
        ceiling: effective number of labels that the same neighbours with the same weights would
            have if labels were shuffled, averaged over songs. It is less than that of all songs:
            a weighted neighbourhood counts as some fifteen songs.
        share: (ilisi - 1) / (ceiling - 1), cut to [0, 1]; 1 is as mixed as chance would mix them.
            NaN where nothing can mix: with one label, or fewer than five songs, whose
            neighbourhoods count as one song each.
    """

    ilisi: float
    ceiling: float
    share: float


def label_mixing(x: np.ndarray, labels: np.ndarray) -> Mixing:
    """iLISI of points `[songs, dimensions]` with a label per song, `[songs]`; see `lisi`.

    Where scIB divides by the number of labels less 1, which rare labels and few neighbours put out
    of reach, the share is of the mixing that shuffled labels have.

    Raises:
        ValueError: fewer than two songs, or a null.

    References:
        Korsunsky et al., Fast, Sensitive and Accurate Integration of Single-Cell Data with
        Harmony, 2019: iLISI.
        Luecken et al., Benchmarking Atlas-Level Data Integration in Single-Cell Genomics, 2022:
        scaling it to [0, 1].
    """
    codes, n_labels = integer_codes(labels, "labels")
    which, weights = _neighbourhoods(x, _PERPLEXITY)
    ilisi = float(_effective_labels(codes, n_labels, which, weights).mean())
    random = np.random.default_rng(0)
    shuffled = [
        _effective_labels(random.permutation(codes), n_labels, which, weights).mean()
        for _ in range(_SHUFFLES)
    ]
    ceiling = float(np.mean(shuffled))
    can_mix = ceiling - 1 > _LEAST_MIXING
    share = float(np.clip((ilisi - 1) / (ceiling - 1), 0.0, 1.0)) if can_mix else np.nan
    return Mixing(ilisi, ceiling, share)


def lisi(x: np.ndarray, labels: np.ndarray, perplexity: float = _PERPLEXITY) -> np.ndarray:
    """Local inverse Simpson's index: the effective number of labels around each song.

    A song's `3 * perplexity` nearest neighbours, itself not among them, weigh
    `exp(-distance * precision)`, with its own precision such that the weights have the
    perplexity; the index is 1 / sum over labels of squared shares of weight.

    Args:
        x: points, `[songs, dimensions]`, at least two songs.
        labels: one label per song, `[songs]`, none null.
        perplexity: effective number of neighbours, above 1; a third of the neighbours there are
            where that is less.

    Returns:
        `[songs]`, from 1 to the number of labels.

    Raises:
        ValueError: fewer than two songs, or a null.

    References:
        Korsunsky et al., Fast, Sensitive and Accurate Integration of Single-Cell Data with
        Harmony, 2019. Distances are not squared, as in its lisi package.
    """
    # scib-metrics has it too, and needs anndata, scanpy and igraph for it.
    codes, n_labels = integer_codes(labels, "labels")
    return _effective_labels(codes, n_labels, *_neighbourhoods(x, perplexity))


def _neighbourhoods(x: np.ndarray, perplexity: float) -> tuple[np.ndarray, np.ndarray]:
    """Each song's neighbours and their weights, both `[songs, neighbours]`."""
    n_songs = len(x)
    if n_songs < 2:
        raise ValueError(f"got {n_songs} song, expected at least 2")
    n_neighbours = min(int(_REACH * perplexity), n_songs - 1)
    # Among equally near songs the first are taken: that must not be the order of the file, which
    # is often by artist. Any fixed order does.
    order = np.random.default_rng(0).permutation(n_songs)
    neighbours = NearestNeighbors(n_neighbors=n_neighbours).fit(np.asarray(x, np.float64)[order])
    distances, which = neighbours.kneighbors()
    back = np.argsort(order)
    weights = _weights(distances, min(perplexity, max(n_neighbours / _REACH, 1.0)))
    return order[which][back], weights[back]


def _effective_labels(
    codes: np.ndarray, n_labels: int, which: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    found, first = np.empty(len(codes)), 0
    # There can be thousands of artists, and one share for each of them and each song.
    for n in in_chunks(len(codes), n_labels):
        rows = slice(first, first + n)
        cells = np.arange(n)[:, None] * n_labels + codes[which[rows]]
        shares = np.bincount(cells.ravel(), weights[rows].ravel(), n * n_labels)
        found[rows] = 1 / np.sum(shares.reshape(n, n_labels) ** 2, axis=1)
        first += n
    return found


def _weights(distances: np.ndarray, perplexity: float) -> np.ndarray:
    """Weights that add up to 1 and have the perplexity, of `[songs, neighbours]`."""
    # In units of a song's farthest neighbour, beyond its nearest: neither shift nor unit matters.
    beyond = distances - distances[:, :1]
    beyond /= np.maximum(beyond[:, -1:], np.finfo(float).tiny)
    # Where more neighbours than the perplexity are equally near, no precision is enough; they end
    # up with all the weight, and equal ones.
    low, high = np.full((len(distances), 1), -20.0), np.full((len(distances), 1), 40.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        too_wide = _entropy(_softmin(beyond, middle)) > np.log(perplexity)
        low, high = np.where(too_wide, middle, low), np.where(too_wide, high, middle)
    return _softmin(beyond, (low + high) / 2)


def _softmin(distances: np.ndarray, log_precision: np.ndarray) -> np.ndarray:
    weights = np.exp(-distances * np.exp(log_precision))
    return weights / weights.sum(axis=1, keepdims=True)


def _entropy(shares: np.ndarray) -> np.ndarray:
    """Nats, `[songs, 1]`."""
    return -np.sum(shares * np.log(np.maximum(shares, 1e-300)), axis=1, keepdims=True)
