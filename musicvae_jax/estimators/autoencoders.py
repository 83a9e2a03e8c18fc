"""Autoencoders as scikit-learn transformers."""

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from musicvae_jax.estimators.base import BaseAutoencoder
from musicvae_jax.estimators.inputs import checked_features


class _Unconditional(BaseAutoencoder):
    """The methods of an autoencoder that takes no condition."""

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Trains the network.

        Args:
            X: features, `[samples, features]`, at least two samples. They should be standardised,
                for example by `StandardScaler`. NaN means missing.
            y: ignored.

        Raises:
            ValueError: X is no such matrix, or a parameter is out of its range.
            DivergenceError: the loss became NaN or infinite.
        """
        return self._fit(checked_features(self, X, is_fit=True))

    def transform(self, X: Any) -> np.ndarray:  # noqa: N803
        """Encodes samples without sampling.

        Args:
            X: features, `[samples, features]`.

        Returns:
            Latents, float32 `[samples, n_components]`: the posterior means.
        """
        check_is_fitted(self)
        return self._encoded(checked_features(self, X))

    def inverse_transform(self, X: Any) -> np.ndarray:  # noqa: N803
        """Decodes latents.

        Args:
            X: latents, `[samples, n_components]`.

        Returns:
            Features, float32 `[samples, features]`.
        """
        return self._decoded(self._checked_latents(X))

    def score(self, X: Any, y: Any = None) -> float:  # noqa: ARG002, N803
        """The mean evidence lower bound (ELBO) of samples in nats; higher is better.

        Reconstruction errors are sums of squares, which is the likelihood of a Gaussian of
        variance 1/2 without its constant, and the KL term has weight 1 whatever `beta` is, so that
        models of different `beta` can be compared. Latents are sampled once for each sample, with
        the same noise at every call.

        Args:
            X: features, `[samples, features]`.
            y: ignored.
        """
        check_is_fitted(self)
        return self._score(checked_features(self, X))


class VAE(_Unconditional):
    """Variational autoencoder with dense layers (Kingma and Welling, 2014).

    Args:
        n_components: number of latent dimensions, at least 1.
        hidden_layer_sizes: widths of the encoder's hidden layers, reversed in the decoder.
        beta: weight of the KL term, at least 0 (Higgins et al., beta-VAE, 2017).
        learning_rate: of Adam, above 0.
        batch_size: samples per gradient step, at least 1.
        max_iter: epochs, at least 1.
        validation_fraction: share of the samples held out to measure the loss, 0 <= share < 1.
        random_state: seed of the parameters, the noise and the split.

    Attributes:
        history_: losses in nats and number of active units by name, such as
            heldout_negative_elbo_nats, one number for each epoch, `[max_iter]`.
        n_features_in_: number of features.
        n_iter_: number of epochs trained.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(20, 6))
        >>> vae = VAE(n_components=2, max_iter=2, random_state=0).fit(x)
        >>> vae.transform(x).shape, vae.inverse_transform(vae.transform(x)).shape
        ((20, 2), (20, 6))
    """

    _kind = "vae"

    def __init__(
        self,
        n_components: int = 32,
        *,
        hidden_layer_sizes: tuple[int, ...] = (256,),
        beta: float = 1.0,
        learning_rate: float = 1e-3,
        batch_size: int = 32,
        max_iter: int = 100,
        validation_fraction: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.beta = beta
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.validation_fraction = validation_fraction
        self.random_state = random_state


class Autoencoder(_Unconditional):
    """Autoencoder with dense layers: latents without a prior.

    `score` is minus the mean reconstruction error. Parameters and attributes are those of `VAE`
    without `beta`.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(20, 6))
        >>> Autoencoder(n_components=2, max_iter=2, random_state=0).fit_transform(x).shape
        (20, 2)
    """

    _kind = "ae"

    def __init__(
        self,
        n_components: int = 32,
        *,
        hidden_layer_sizes: tuple[int, ...] = (256,),
        learning_rate: float = 1e-3,
        batch_size: int = 32,
        max_iter: int = 100,
        validation_fraction: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.validation_fraction = validation_fraction
        self.random_state = random_state
