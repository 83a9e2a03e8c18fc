"""The one crossing from JAX arrays to NumPy: parameters and features to latents.

Latents are posterior means. Nothing is sampled, so the same song has the same latents every time.
"""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from musicvae_jax.checkpoints import load_checkpoint
from musicvae_jax.errors import InputError
from musicvae_jax.features import SongFeatures, one_hot, settings, standardise
from musicvae_jax.models import MLPAutoencoder
from musicvae_jax.training import make_model


def encode(
    model: MLPAutoencoder, params: Any, x: np.ndarray, condition: np.ndarray | None
) -> np.ndarray:
    """Posterior means of standardised features.

    Args:
        model: the module.
        params: its parameters, with a leading axis of members.
        x: `[songs, features]`.
        condition: `[songs, labels]`, or None.

    Returns:
        float32 `[members, songs, latent]`, songs in the order of x.
    """

    @jax.jit
    def means(params, x, condition):
        return model.apply(params, x, condition, method="encode").mean

    n_members = len(jax.tree.leaves(params)[0])
    members = (jax.tree.map(lambda leaf, i=i: leaf[i], params) for i in range(n_members))
    return np.stack([np.asarray(means(member, x, condition)) for member in members])


def encode_songs(checkpoint_dir: Path, songs: SongFeatures, seed: int | None = None) -> np.ndarray:
    """Latents of songs, new ones included, under a saved model.

    Args:
        checkpoint_dir: where an experiment left its checkpoint.
        songs: features extracted with the checkpoint's `experiment.features`.
        seed: which of the experiment's seeds; by default its first.

    Returns:
        Posterior means, float32 `[songs, latent]`, in the order of `songs.table`.

    Raises:
        InputError: no checkpoint there, no such seed in it, features of other settings, or a
            song whose label the conditional model was not trained with.
    """
    checkpoint = load_checkpoint(checkpoint_dir)
    experiment = checkpoint.experiment
    seed = experiment.seeds[0] if seed is None else seed
    if seed not in experiment.seeds:
        raise InputError(
            f"{checkpoint_dir}: has no seed {seed}; expected one of "
            + ", ".join(map(str, experiment.seeds))
        )
    if settings(songs.config) != settings(experiment.features):
        raise InputError(
            f"{checkpoint_dir}: got features with the settings {settings(songs.config)}, expected "
            f"those of the checkpoint, {settings(experiment.features)}"
        )
    member = experiment.seeds.index(seed)
    condition = None
    if experiment.model.condition != "none":
        field = experiment.model.condition
        condition = one_hot(songs.table[field], checkpoint.vocabularies[field], field)
    x = standardise(songs.values, checkpoint.scaler)
    params = jax.tree.map(lambda leaf: leaf[member : member + 1], checkpoint.state.params)
    return encode(make_model(experiment.model, x.shape[1]), params, x, condition)[0]
