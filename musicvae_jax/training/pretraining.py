"""The first parameters of a model whose prior is a mixture: an autoencoder, then the mixture."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from threadpoolctl import threadpool_limits

from musicvae_jax.config import Member, TrainConfig
from musicvae_jax.models import Model
from musicvae_jax.training.reports import OnHistory
from musicvae_jax.training.state import Data, Examples
from musicvae_jax.training.sweeps import train_members

# Mixtures from this many starts; the most likely is taken, since most starts end in poor ones.
_RESTARTS = 20
_MOST_STEPS = 500


def pretrain_members(
    model: Model,
    config: TrainConfig,
    members: Sequence[Member],
    data: Data,
    on_history: OnHistory | None = None,
    mesh: Mesh | None = None,
) -> Any:
    """Trains the autoencoder of each member and fits a mixture to its latents.

    Args:
        model: one with `pretraining` and `with_mixture`, see `VaDE`.
        config: its `pretrain_epochs` are trained.
        members: at least one; the seed of each is also that of its mixture.
        data: shared by all members.
        on_history: see `train_members`.
        mesh: see `train_members`.

    Returns:
        Parameters, NumPy, with a leading axis of members.
    """
    first = model.pretraining()
    short = replace(config, epochs=config.pretrain_epochs)
    state, _ = train_members(first, short, members, data, on_history, mesh)
    found = []
    for place, member in enumerate(members):
        params = jax.tree.map(lambda leaf, i=place: leaf[i], state.params)
        latents = np.asarray(_latents(first, params, data.train), np.float64)
        mixture = _fit_mixture(latents, model.components, member.seed)
        found.append(jax.tree.map(np.asarray, model.with_mixture(params, *mixture)))
    return jax.tree.map(lambda *leaves: np.stack(leaves), *found)


@partial(jax.jit, static_argnums=0)
def _latents(model: Model, params: Any, examples: Examples) -> jax.Array:
    return model.apply(params, *examples, method="encode").mean


def _fit_mixture(x: np.ndarray, components: int, seed: int) -> tuple[np.ndarray, ...]:
    """Weights, means and variances of a mixture of diagonal Gaussians, float32."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    mixture = GaussianMixture(
        components,
        covariance_type="diag",
        n_init=_RESTARTS,
        max_iter=_MOST_STEPS,
        # A Gaussian of a few songs would otherwise have almost no width.
        reg_covar=1e-3 * float(x.var(axis=0).mean()),
        random_state=seed,
    )
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # It is where training starts, so it need not be exact.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(x)
    found = (mixture.weights_, mixture.means_, mixture.covariances_)
    return tuple(part.astype(np.float32) for part in found)
