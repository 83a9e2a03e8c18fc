"""The conditional VAE as a scikit-learn transformer."""

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from musicvae_jax.estimators.autoencoders import VAE
from musicvae_jax.estimators.inputs import (
    checked_categories,
    checked_condition,
    checked_features,
    one_hot,
)


class ConditionalVAE(VAE):
    """VAE whose encoder and decoder read a label, which its latents need not hold then.

    The label is the keyword `condition` of every method. Inside a `Pipeline` or `GridSearchCV` it
    gets there by metadata routing: `set_fit_request(condition=True)` and
    `set_transform_request(condition=True)`. Fitted without a condition, it is a `VAE`.

    Parameters and attributes are those of `VAE`, and:

    Attributes:
        categories_: the distinct conditions of `fit`, sorted; None without a condition.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(20, 6))
        >>> genre = ["waltz", "march"] * 10
        >>> model = ConditionalVAE(n_components=2, max_iter=2, random_state=0)
        >>> model.fit(x, condition=genre).transform(x, condition=genre).shape
        (20, 2)

    References:
        Sohn et al., Learning Structured Output Representation using Deep Conditional Generative
        Models, 2015.
    """

    def fit(self, X: Any, y: Any = None, *, condition: Any = None) -> Self:  # noqa: ARG002, N803
        """Trains the network.

        Args:
            X: see `VAE.fit`.
            y: ignored.
            condition: one label for each sample, all of one type; None, NaN or pandas.NA where it
                is unknown.

        Raises:
            ValueError: there are fewer than two different labels, not one for each sample, or they
                are of several types.
            DivergenceError: see `VAE.fit`.
        """
        x = checked_features(self, X, is_fit=True)
        self.categories_ = None
        if condition is None:
            return self._fit(x)
        labels = checked_condition(condition, x)
        self.categories_ = checked_categories(labels)
        return self._fit(x, one_hot(labels, self.categories_))

    def fit_transform(self, X: Any, y: Any = None, *, condition: Any = None) -> np.ndarray:  # noqa: N803
        """`fit` and `transform` with the same condition."""
        return self.fit(X, y, condition=condition).transform(X, condition=condition)

    def transform(self, X: Any, *, condition: Any = None) -> np.ndarray:  # noqa: N803
        """Encodes samples without sampling, see `VAE.transform`.

        Args:
            X: see `VAE.transform`.
            condition: one label for each sample, as in `fit`.

        Raises:
            ValueError: a label was not among those of `fit`, or there is a condition and `fit` had
                none, or the other way round.
        """
        check_is_fitted(self)
        x = checked_features(self, X)
        return self._encoded(x, self._one_hot(condition, x))

    def inverse_transform(self, X: Any, *, condition: Any = None) -> np.ndarray:  # noqa: N803
        """Decodes latents, see `VAE.inverse_transform`; `condition` as in `transform`."""
        latents = self._checked_latents(X)
        return self._decoded(latents, self._one_hot(condition, latents))

    def score(self, X: Any, y: Any = None, *, condition: Any = None) -> float:  # noqa: ARG002, N803
        """The mean ELBO given the conditions, see `VAE.score`; `condition` as in `transform`."""
        check_is_fitted(self)
        x = checked_features(self, X)
        return self._score(x, self._one_hot(condition, x))

    def _one_hot(self, condition: Any, x: np.ndarray) -> np.ndarray | None:
        if (condition is None) != (self.categories_ is None):
            got, expected = ("none", "one") if condition is None else ("one", "none")
            raise ValueError(f"condition: got {got}, expected {expected}, as in fit")
        if condition is None or self.categories_ is None:
            return None
        return one_hot(checked_condition(condition, x), self.categories_)
