"""The first parameters of a model whose prior is a mixture: an autoencoder, then the mixture."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from threadpoolctl import threadpool_limits

from musicvae_jax.config import Member, TrainConfig
from musicvae_jax.errors import InputError, StoppedError
from musicvae_jax.models import MixtureModel, Model
from musicvae_jax.runtime.devices import any_process
from musicvae_jax.training import Data, Examples, History, OnHistory, check_finite
from musicvae_jax.training.sweeps import train_members

# Mixtures from this many starts; the most likely is taken, since most starts end in poor ones.
_RESTARTS = 20
_MOST_STEPS = 500
_LEAST_VARIANCE = 1e-6


def check_components(model: MixtureModel, n_songs: int) -> None:
    """Raises `InputError` if the training songs are fewer than the Gaussians of the prior."""
    if n_songs < model.components:
        raise InputError(
            f"model.components: got {model.components}, expected at most {n_songs}, the number of "
            "training songs, since each Gaussian starts at a cluster of them"
        )


def pretrain_members(
    model: MixtureModel,
    config: TrainConfig,
    members: Sequence[Member],
    data: Data,
    on_history: OnHistory | None = None,
    mesh: Mesh | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Any:
    """Trains the autoencoder of each member and fits a mixture to its latents.

    Args:
        model: one with `pretraining` and `with_mixture`, see `VaDE`.
        config: its `pretrain_epochs` are trained, without the settings of a KL.
        members: at least one; the seed of each is also that of its mixture.
        data: shared by all members.
        on_history: see `train_members`.
        mesh: see `train_members`.
        should_stop: called every few epochs and before each mixture; True ends it.

    Returns:
        Parameters, NumPy, with a leading axis of members.

    Raises:
        InputError: there are fewer training songs than Gaussians.
        DivergenceError: an autoencoder reached NaN or infinity.
        StoppedError: a stop was requested.
    """

    def stop_if_asked() -> None:
        if any_process(should_stop()):
            raise StoppedError("stopped while pretraining, which the same command does again")

    def report(first_member: int, first_epoch: int, history: History, is_restored: bool) -> None:
        if on_history:
            on_history(first_member, first_epoch, history, is_restored)
        stop_if_asked()

    check_components(model, len(data.train.x))
    first = model.pretraining()
    # Warm-up and free bits are of the KL, which an autoencoder lacks.
    short = replace(
        config, epochs=config.pretrain_epochs, decay_share=0.0, kl_warmup="none", free_bits=0.0
    )
    state, history = train_members(first, short, members, data, report, mesh)
    check_finite(history, members)
    found = []
    for place, member in enumerate(members):
        stop_if_asked()
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
        # A Gaussian of a few songs would otherwise have almost no width, or none at all where the
        # latents are the same for all.
        reg_covar=max(1e-3 * float(x.var(axis=0).mean()), _LEAST_VARIANCE),
        random_state=seed,
    )
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # It is where training starts, so it need not be exact.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(x)
    # In an order of their own: that of the starts depends on how latents were rounded.
    order = np.argsort(mixture.means_[:, 0])
    found = (mixture.weights_, mixture.means_, mixture.covariances_)
    return tuple(part[order].astype(np.float32) for part in found)
