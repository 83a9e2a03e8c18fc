"""Whether single latent dimensions stand for single known factors."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import entropy
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.class_weight import compute_sample_weight

from musicvae_jax.evaluation.contingency import count_tables

# Songs have few values of a factor; continuous ones are cut into as many parts as papers do.
_BINS = 20
# On the demo set 40 trees of as many songs as there are, drawn with repeats, take twice as long and
# give scores within 0.005; with 100 of them informativeness is some 0.03 higher.
_TREES = 30
# Of the songs, drawn for each tree.
_SHARE_PER_TREE = 0.5
# Leaves of single songs would make the noise dimensions important.
_SONGS_PER_LEAF = 5

Factors = Mapping[str, np.ndarray]


def mig(latents: np.ndarray, factors: Factors, bins: int = _BINS) -> dict[str, float]:
    """Mutual information gap: how much more the best dimension tells about a factor than the next.

    Args:
        latents: `[songs, latent]`, at least two dimensions; cut into bins of equal width.
        factors: name to values, `[songs]`, none null; floats are continuous and are binned too,
            all else is discrete.
        bins: number of bins. With few songs per bin both informations are too high, by about the
            same amount, which cancels in the gap.

    Returns:
        Factor to its gap in units of its entropy, in [0, 1] and higher is better; NaN for a
        factor with one value. The paper's score is the mean over factors.

    References:
        Chen, Li, Grosse and Duvenaud, Isolating Sources of Disentanglement in Variational
        Autoencoders, 2018, eq. 6.
        Locatello et al., Challenging Common Assumptions in the Unsupervised Learning of
        Disentangled Representations, 2019: 20 bins of equal width.
    """
    codes = np.stack([_binned(column, bins) for column in np.asarray(latents, np.float64).T])
    gaps = {}
    for name, values in factors.items():
        of_factor = _codes(values, bins)
        uncertainty = entropy(np.bincount(of_factor))
        informations = np.sort(_informations(of_factor, codes))
        gap = informations[-1] - informations[-2]
        gaps[name] = float(gap / uncertainty) if uncertainty > 0 else np.nan
    return gaps


def sap(latents: np.ndarray, factors: Factors, seed: int) -> dict[str, float]:
    """Separated attribute predictability: the gap between the two dimensions that predict best.

    A dimension predicts a continuous factor by a line, scored by its R^2. It predicts a discrete
    one by as many thresholds as separate its values, fitted to half of the songs and scored by
    their balanced accuracy on the other half.

    Args:
        latents: `[songs, latent]`, at least two dimensions.
        factors: name to values, `[songs]`, none null; floats are continuous, all else is discrete
            and has at least two songs of each value.
        seed: of the halves.

    Returns:
        Factor to its gap, in [0, 1], higher is better; NaN for a factor with one value. For
        discrete factors it is at most about 1 - 1 / values, since a dimension that says nothing
        has an accuracy of about 1 / values. The paper's score is the mean.

    References:
        Kumar, Sattigeri and Balakrishnan, Variational Inference of Disentangled Latent Concepts
        from Unlabeled Observations, 2018, section 3.
    """
    latents = np.asarray(latents, np.float64)
    gaps = {}
    for name, values in factors.items():
        if len(np.unique(values)) < 2:
            gaps[name] = np.nan
            continue
        predict = _line_scores if _is_continuous(values) else _threshold_scores
        scores = np.sort(predict(latents, np.asarray(values), seed))
        gaps[name] = float(scores[-1] - scores[-2])
    return gaps


class DCI(NamedTuple):
    """Disentanglement, completeness and informativeness; in [0, 1] each, higher is better.

    Attributes:
        disentanglement: how far a dimension is important for one factor only, averaged over
            dimensions by their importance.
        completeness: how far one dimension only is important for a factor, averaged over factors.
        informativeness: how well all dimensions predict a factor, averaged over factors: R^2 for
            continuous ones; for discrete ones the accuracy, scaled so that always answering the
            most frequent value has 0 and no error has 1. What would be below 0 is 0.
        importance: `[latent, factors]`; the sum over dimensions is 1, even for a factor that
            nothing predicts (forests split on noise), or 0 where there is nothing to split.
    """

    disentanglement: float
    completeness: float
    informativeness: float
    importance: np.ndarray


def dci(latents: np.ndarray, factors: Factors, seed: int) -> DCI:
    """DCI by random forests, whose importances are those of Eastwood and Williams.

    Unlike in the paper, informativeness is a share and not an error, on the songs that each tree
    did not see. Forests give a little importance to every dimension, so perfect latents score just
    below 1.

    Args:
        latents: `[songs, latent]`, at least two dimensions and a few dozen songs.
        factors: name to values, `[songs]`, none null, at least two of them with more than one
            value; floats are continuous, all else is discrete. Those with one value are left out.
        seed: of the forests.

    Raises:
        ValueError: fewer than two dimensions, or than two factors that vary.

    References:
        Eastwood and Williams, A Framework for the Quantitative Evaluation of Disentangled
        Representations, 2018.
    """
    return _dci(np.shape(latents)[1], [_known(latents, v, seed) for v in factors.values()])


class FactorScores(NamedTuple):
    """What latents tell about one factor; NaN and nothing for a factor with one value.

    Attributes:
        mig: see `mig`.
        sap: see `sap`.
        known: see `DCI.importance` and `DCI.informativeness`, `[latent]` and a number.
    """

    mig: float
    sap: float
    known: tuple[np.ndarray, float] | None


def score_factor(latents: np.ndarray, values: np.ndarray, seed: int) -> FactorScores:
    """The scores of one factor, from which `mean_scores` makes those of all.

    Args:
        latents: `[songs, latent]`, at least two dimensions and a few dozen songs.
        values: of the factor, `[songs]`, as in `dci`.
        seed: of the halves of `sap`, and of the forests.
    """
    factor = {"": values}
    known = _known(latents, values, seed)
    return FactorScores(mig(latents, factor)[""], sap(latents, factor, seed)[""], known)


def mean_scores(n_latent: int, scores: Sequence[FactorScores]) -> dict[str, float]:
    """The means over factors, in which those with one value do not count.

    Args:
        n_latent: number of dimensions.
        scores: of each factor.

    Returns:
        mig, sap, disentanglement, completeness and informativeness.

    Raises:
        ValueError: see `dci`.
    """
    of_forests = _dci(n_latent, [one.known for one in scores])
    return {
        "mig": float(np.nanmean([one.mig for one in scores])),
        "sap": float(np.nanmean([one.sap for one in scores])),
        "disentanglement": of_forests.disentanglement,
        "completeness": of_forests.completeness,
        "informativeness": of_forests.informativeness,
    }


def factor_scores(latents: np.ndarray, factors: Factors, seed: int) -> dict[str, float]:
    """All scores, those of single factors averaged over them: see `mig`, `sap` and `dci`.

    Returns:
        mig, sap, disentanglement, completeness and informativeness.
    """
    scores = [score_factor(latents, values, seed) for values in factors.values()]
    return mean_scores(np.shape(latents)[1], scores)


def _known(latents: np.ndarray, values: np.ndarray, seed: int) -> tuple[np.ndarray, float] | None:
    """What a forest finds, see `_forest`; None for a factor with one value."""
    values = np.asarray(values)
    if len(np.unique(values)) < 2:
        return None
    return _forest(np.asarray(latents, np.float64), values, seed)


def _dci(n_latent: int, known: Sequence[tuple[np.ndarray, float] | None]) -> DCI:
    forests = [one for one in known if one is not None]
    if min(n_latent, len(forests)) < 2:
        raise ValueError(
            f"got {n_latent} dimensions and {len(forests)} factors that vary, expected at least 2 "
            "of each"
        )
    importance = np.stack([of_factor for of_factor, _ in forests], axis=1)
    informativeness = float(np.mean([one for _, one in forests]))
    return DCI(*_concentrations(importance), informativeness, importance)


def _informations(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Mutual information in nats of codes from 0, `[songs]`, with each of others, `[others]`.

    The others are `[others, songs]`.
    """
    n_one, n_others = one.max() + 1, others.max() + 1
    together = count_tables(one * n_others + others, n_one * n_others)
    apart = entropy(np.bincount(one)) + entropy(count_tables(others, n_others), axis=1)
    return apart - entropy(together, axis=1)


def _concentrations(importance: np.ndarray) -> tuple[float, float]:
    """Disentanglement and completeness of importances `[latent, factors]`."""
    n_latent, n_factors = importance.shape
    of_latents, of_factors = importance.sum(axis=1), importance.sum(axis=0)
    # What is important for nothing is not disentangled; its weight is 0 among dimensions, not
    # among factors.
    per_latent = np.zeros(n_latent)
    used = of_latents > 0
    per_latent[used] = 1 - entropy(importance[used], axis=1, base=n_factors)
    per_factor = np.zeros(n_factors)
    found = of_factors > 0
    per_factor[found] = 1 - entropy(importance[:, found], axis=0, base=n_latent)
    weights = of_latents / of_latents.sum() if of_latents.any() else of_latents
    return float(weights @ per_latent), float(per_factor.mean())


def _forest(latents: np.ndarray, values: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """Importance of each dimension `[latent]`, and the informativeness."""
    # All dimensions compete at each split, so that an uninformative one is not split on.
    settings = {
        "n_estimators": _TREES,
        "max_features": None,
        # A share is a whole number of songs, or scikit-learn warns where it is of few.
        "max_samples": max(1, int(_SHARE_PER_TREE * len(latents))),
        "min_samples_leaf": _SONGS_PER_LEAF,
        "oob_score": True,
        "random_state": seed,
    }
    if _is_continuous(values):
        forest = RandomForestRegressor(**settings).fit(latents, values)
        return forest.feature_importances_, max(float(forest.oob_score_), 0.0)
    codes = pd.factorize(values)[0]
    forest = RandomForestClassifier(**settings).fit(latents, codes)
    majority = np.bincount(codes).max() / len(codes)
    share = (forest.oob_score_ - majority) / (1 - majority)
    return forest.feature_importances_, max(float(share), 0.0)


def _line_scores(latents: np.ndarray, values: np.ndarray, seed: int) -> np.ndarray:  # noqa: ARG001
    """Squared correlation of each dimension with a factor, `[latent]`; nothing is drawn."""
    latents, values = latents - latents.mean(axis=0), values - values.mean()
    scale = np.linalg.norm(latents, axis=0) * np.linalg.norm(values)
    return ((latents.T @ values) / np.where(scale > 0, scale, np.inf)) ** 2


def _threshold_scores(latents: np.ndarray, values: np.ndarray, seed: int) -> np.ndarray:
    """Balanced accuracy of thresholds on each dimension, `[latent]`."""
    codes, distinct = pd.factorize(values)
    fitted, unseen = train_test_split(
        np.arange(len(codes)), test_size=0.5, stratify=codes, random_state=seed
    )
    # Rare values count as much as frequent ones, in fitting and in scoring.
    weights = compute_sample_weight("balanced", codes[fitted])
    n_unseen = np.bincount(codes[unseen], minlength=len(distinct))
    tree = DecisionTreeClassifier(max_leaf_nodes=len(distinct), random_state=seed)
    scores = []
    # Trees read float32. Checking the input, which is sound, would take most of the time.
    for column in latents.T[:, :, None].astype(np.float32):
        tree.fit(column[fitted], codes[fitted], weights, check_input=False)
        predicted = tree.predict(column[unseen], check_input=False)
        right = codes[unseen][predicted == codes[unseen]]
        n_right = np.bincount(right, minlength=len(distinct))
        scores.append(np.mean(n_right[n_unseen > 0] / n_unseen[n_unseen > 0]))
    return np.array(scores)


def _is_continuous(values: np.ndarray) -> bool:
    return np.issubdtype(np.asarray(values).dtype, np.floating)


def _codes(values: np.ndarray, bins: int) -> np.ndarray:
    values = np.asarray(values)
    return _binned(values, bins) if _is_continuous(values) else pd.factorize(values)[0]


def _binned(values: np.ndarray, bins: int) -> np.ndarray:
    """Numbers `[songs]` of bins of equal width from 0; all 0 where the values are the same."""
    return np.digitize(values, np.histogram_bin_edges(values, bins)[1:-1])
