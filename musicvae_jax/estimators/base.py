"""What all estimators of one autoencoder share: parameters, fitting, transforming, scoring."""

import math
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state, check_scalar
from sklearn.utils.validation import check_is_fitted

from musicvae_jax.config import ModelConfig, TrainConfig
from musicvae_jax.config.traits import ModelKind
from musicvae_jax.estimators import networks
from musicvae_jax.estimators.inputs import with_mask
from musicvae_jax.training import DivergenceError, History, divergence

_MOST_SEED = 2**32 - 1


class BaseAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Fits one network; a subclass says which, and names its parameters in `__init__`."""

    _kind: ModelKind
    n_components: int
    hidden_layer_sizes: tuple[int, ...]
    learning_rate: float
    batch_size: int
    max_iter: int
    validation_fraction: float
    random_state: int | np.random.RandomState | None
    # An autoencoder has no KL term to weigh.
    beta: float = 0.0

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the latent dimensions: vae0, vae1, ...

        Args:
            input_features: ignored; the names do not depend on those of the input.
        """
        return super().get_feature_names_out(input_features)

    def _fit(self, x: Any, condition: np.ndarray | None = None) -> Self:
        """Fits on checked features `[samples, features]` and a one-hot condition."""
        self._check_parameters()
        random = check_random_state(self.random_state)
        self._seed = int(random.randint(_MOST_SEED, dtype=np.uint32))
        is_validation = _drawn(len(x), self.validation_fraction, random)
        self._network, history = networks.train_network(
            self._model_config(),
            self._train_config(),
            self._seed,
            with_mask(x, condition),
            is_validation,
        )
        self._check_converged(history)
        self.history_ = history.by_name()
        self.n_iter_ = self.max_iter
        self._n_features_out = self.n_components
        return self

    def _encoded(self, x: Any, condition: np.ndarray | None = None) -> np.ndarray:
        return networks.encode(self._network, with_mask(x, condition))

    def _decoded(self, latents: Any, condition: np.ndarray | None = None) -> np.ndarray:
        return networks.decode(self._network, latents, condition)

    def _score(self, x: Any, condition: np.ndarray | None = None) -> float:
        examples = with_mask(x, condition)
        found = networks.elbo(self._network, self._train_config(), examples, self._seed)
        return float(found.mean(dtype=np.float64))

    def _checked_latents(self, latents: Any) -> np.ndarray:
        check_is_fitted(self)
        found = np.asarray(latents, np.float32)
        if found.ndim != 2 or found.shape[1] != self.n_components or len(found) == 0:
            raise ValueError(
                f"X: got an array of shape {found.shape}, expected [samples, {self.n_components}], "
                "the latents of at least one sample"
            )
        return found

    def _check_converged(self, history: History) -> None:
        found = divergence(history)
        if found:
            names = [name for name in ("learning_rate", "beta") if name in self.get_params()]
            settings = ", ".join(f"{name}={getattr(self, name):g}" for name in names)
            raise DivergenceError(
                f"training diverged with {settings}, {found}; try a smaller {' or '.join(names)}, "
                "and standardise X, for example by StandardScaler"
            )

    def _model_config(self) -> ModelConfig:
        return ModelConfig(self._kind, hidden=self.hidden_layer_sizes, latent=self.n_components)

    def _train_config(self) -> TrainConfig:
        return TrainConfig(
            epochs=self.max_iter,
            batch_size=self.batch_size,
            learning_rate=(float(self.learning_rate),),
            beta=(float(self.beta),),
        )

    def _check_parameters(self) -> None:
        for name in ("n_components", "batch_size", "max_iter"):
            check_scalar(getattr(self, name), name, Integral, min_val=1)
        if np.ndim(self.hidden_layer_sizes) != 1 or len(self.hidden_layer_sizes) == 0:
            raise ValueError(
                f"hidden_layer_sizes: got {self.hidden_layer_sizes!r}, expected one width or more, "
                "such as (256,)"
            )
        for width in self.hidden_layer_sizes:
            check_scalar(width, "hidden_layer_sizes", Integral, min_val=1)
        check_scalar(
            self.learning_rate, "learning_rate", Real, min_val=0, include_boundaries="neither"
        )
        check_scalar(self.beta, "beta", Real, min_val=0)
        check_scalar(
            self.validation_fraction,
            "validation_fraction",
            Real,
            min_val=0,
            max_val=1,
            include_boundaries="left",
        )
        for name in ("learning_rate", "beta", "validation_fraction"):
            # NaN is in every range, since comparisons with it are False.
            value = float(getattr(self, name))
            if not math.isfinite(value):
                raise ValueError(f"{name}: got {value}, expected a finite number")


def _drawn(n_samples: int, fraction: float, random: np.random.RandomState) -> np.ndarray:
    """Which samples are held out, bool `[samples]`; at least one is left for training."""
    is_drawn = np.zeros(n_samples, bool)
    n_drawn = min(round(fraction * n_samples), n_samples - 1)
    is_drawn[random.permutation(n_samples)[:n_drawn]] = True
    return is_drawn
