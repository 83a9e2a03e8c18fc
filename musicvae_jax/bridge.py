"""The one crossing from JAX arrays to NumPy: parameters and features to latents.

Latents are posterior means. Nothing is sampled, so the same song has the same latents every time.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pandas as pd
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from musicvae_jax import lyrics
from musicvae_jax.checkpoints import Checkpoint, load_checkpoint
from musicvae_jax.config import CropConfig, Experiment
from musicvae_jax.errors import InputError
from musicvae_jax.features import (
    CropStore,
    Scaler,
    SongFeatures,
    extract_features,
    fixed_crops,
    one_hot,
    open_crops,
)
from musicvae_jax.fusion import model_input
from musicvae_jax.models import ConvAutoencoder, MLPAutoencoder, Posterior
from musicvae_jax.runtime.devices import DATA, SWEEP, make_mesh, place
from musicvae_jax.songs import Rejection, Songs
from musicvae_jax.training import make_model
from musicvae_jax.training.streaming import song_latents

# Songs that a device encodes at a time.
_ENCODED_AT_ONCE = 8192
# Songs whose crops are read at a time.
_CROPPED_AT_ONCE = 64


class Encoded(NamedTuple):
    """Songs under a saved model.

    Attributes:
        table: the usable songs, see `SongFeatures.table`.
        latents: posterior means, float32 `[songs, latent]`, in the order of the table.
        rejected: the rows that could not be used.
    """

    table: pd.DataFrame
    latents: np.ndarray
    rejected: list[Rejection]


def member_params(params: Any, member: int) -> Any:
    """One member's parameters out of those with a leading axis of members."""
    return jax.tree.map(lambda leaf: leaf[member], params)


def encode(
    model: MLPAutoencoder,
    params: Any,
    x: np.ndarray,
    condition: np.ndarray | None,
    mesh: Mesh | None = None,
) -> np.ndarray:
    """Posterior means of standardised features.

    Args:
        model: the module.
        params: its parameters, with a leading axis of members.
        x: `[songs, features]`.
        condition: `[songs, labels]`, or None.
        mesh: devices among which songs are shared, from `devices.make_mesh`; by default one.

    Returns:
        float32 `[members, songs, latent]`, songs in the order of x; the same on any devices, up
        to rounding.
    """
    mesh = mesh or make_mesh(1)
    n_members = len(jax.tree.leaves(params)[0])
    members = (member_params(params, i) for i in range(n_members))
    return np.stack([_encode_in_blocks(model, member, x, condition, mesh) for member in members])


def _encode_in_blocks(
    model: MLPAutoencoder, params: Any, x: np.ndarray, condition: np.ndarray | None, mesh: Mesh
) -> np.ndarray:
    # A block is filled up with its last song to what the devices divide evenly.
    at_once = min(_ENCODED_AT_ONCE, -(-len(x) // mesh.size)) * mesh.size
    params = place(params, mesh)
    blocks = []
    for first in range(0, len(x), at_once):
        index = np.minimum(np.arange(first, first + at_once), len(x) - 1)
        block = place(jax.tree.map(lambda a, i=index: a[i], (x, condition)), mesh, (SWEEP, DATA))
        blocks.append(np.asarray(_means_everywhere(model, mesh, params, *block)))
    return np.concatenate(blocks)[: len(x)]


@partial(jax.jit, static_argnums=(0, 1))
def _means_everywhere(
    model: MLPAutoencoder,
    mesh: Mesh,
    params: Any,
    x: jax.Array,
    condition: jax.Array | None,
) -> jax.Array:
    means = model.apply(params, x, condition, method="encode").mean
    return jax.lax.with_sharding_constraint(means, NamedSharding(mesh, P()))


def posteriors(
    model: MLPAutoencoder | ConvAutoencoder,
    params: Any,
    x: np.ndarray,
    condition: np.ndarray | None = None,
) -> Posterior:
    """Whole posteriors of standardised inputs, in bounded memory; `encode` has only their means.

    Args:
        model: the module.
        params: its parameters, of one member.
        x: `[examples, features]`, or `[examples, 128, frames]` for a model of crops.
        condition: `[examples, labels]`, or None.

    Returns:
        Parts float32 `[examples, latent]`, NumPy.
    """
    blocks = [
        _apply(model, "encode", params, *block) for block in _blocks(_ENCODED_AT_ONCE, x, condition)
    ]
    return Posterior(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))


def crop_posteriors(
    model: ConvAutoencoder,
    params: Any,
    store: CropStore,
    index: np.ndarray,
    n_crops: int,
    scaler: Scaler,
) -> Posterior:
    """Whole posteriors of evenly spaced crops of songs, in bounded memory.

    Args:
        model: the module.
        params: its parameters, of one member.
        store: where the songs are.
        index: the songs, `[n]`.
        n_crops: of each song.
        scaler: the training's.

    Returns:
        Parts float32 `[n, n_crops, latent]`, NumPy.
    """
    blocks = [
        posteriors(model, params, standardised_crops(store, songs, model.frames, n_crops, scaler))
        for (songs,) in _blocks(_CROPPED_AT_ONCE, index)
    ]
    parts = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return Posterior(*(part.reshape(len(index), n_crops, -1) for part in parts))


def standardised_crops(
    store: CropStore, index: np.ndarray, n_frames: int, n_crops: int, scaler: Scaler
) -> np.ndarray:
    """Evenly spaced crops as a model is given them, song after song, `[crops, 128, frames]`."""
    crops = fixed_crops(store, index, n_frames, n_crops)
    return _standardised(crops.reshape(-1, *crops.shape[2:]), scaler)


def decode(
    model: MLPAutoencoder | ConvAutoencoder,
    params: Any,
    latents: np.ndarray,
    condition: np.ndarray | None = None,
) -> np.ndarray:
    """What latents are decoded to, standardised, in bounded memory.

    Args:
        model: the module.
        params: its parameters, of one member.
        latents: `[examples, latent]`.
        condition: `[examples, labels]`, or None.

    Returns:
        float32 `[examples, features]`, or `[examples, 128, frames]` of a model of crops.
    """
    return np.concatenate(
        [
            _apply(model, "decode", params, *block)
            for block in _blocks(_ENCODED_AT_ONCE, latents, condition)
        ]
    )


def encode_crops(
    model: ConvAutoencoder,
    params: Any,
    store: CropStore,
    index: np.ndarray,
    crops: CropConfig,
    scaler: Scaler,
    mesh: Mesh | None = None,
) -> np.ndarray:
    """Latents of songs from their mel spectrograms: posterior means, averaged over crops.

    Args:
        model: the module, of `crops.frames` frames.
        params: its parameters, of one member.
        store: where the songs are; a bounded number of crops is read at a time.
        index: the songs, `[n]`.
        crops: how many evenly spaced crops of a song are averaged.
        scaler: the training's.
        mesh: devices among which crops are shared, from `devices.make_mesh`; by default one.

    Returns:
        float32 `[n, latent]`, in the order of `index`.
    """
    return song_latents(model, params, store, index, crops.encoded, scaler, mesh)


def reconstruct(
    model: ConvAutoencoder, params: Any, crops_db: np.ndarray, scaler: Scaler
) -> np.ndarray:
    """What a model keeps of crops: their posterior means, decoded.

    Args:
        model: the module.
        params: its parameters, of one member.
        crops_db: decibels, `[n, 128, frames]`.
        scaler: the training's.

    Returns:
        Decibels, float32 `[n, 128, frames]`; not clipped, so that the error is the model's own.
    """
    return _decode_db(model, params, _encode_db(model, params, crops_db, scaler), scaler)


def interpolate(
    model: ConvAutoencoder,
    params: Any,
    first_db: np.ndarray,
    second_db: np.ndarray,
    n_steps: int,
    scaler: Scaler,
) -> np.ndarray:
    """Crops on the straight line between the latents of two.

    Args:
        model: the module.
        params: its parameters, of one member.
        first_db: where the line begins, decibels `[128, frames]`.
        second_db: where it ends.
        n_steps: points on the line, both ends included; at least 2.
        scaler: the training's.

    Returns:
        Decibels, float32 `[n_steps, 128, frames]`; the first and the last are reconstructions.
    """
    first, second = _encode_db(model, params, np.stack([first_db, second_db]), scaler)
    share = np.linspace(0.0, 1.0, n_steps, dtype=np.float32)[:, None]
    return _decode_db(model, params, (1 - share) * first + share * second, scaler)


def _encode_db(
    model: ConvAutoencoder, params: Any, crops_db: np.ndarray, scaler: Scaler
) -> np.ndarray:
    return _means(model, params, _standardised(crops_db, scaler))


def _standardised(crops_db: np.ndarray, scaler: Scaler) -> np.ndarray:
    return (crops_db - scaler.mean[:, None]) / scaler.scale[:, None]


def _blocks(at_once: int, *arrays: np.ndarray | None) -> Iterator[tuple[np.ndarray | None, ...]]:
    """The arrays in parts of so many examples; what is None stays so."""
    for first in range(0, len(arrays[0]), at_once):
        yield tuple(None if a is None else a[first : first + at_once] for a in arrays)


def _decode_db(
    model: ConvAutoencoder, params: Any, latents: np.ndarray, scaler: Scaler
) -> np.ndarray:
    x = np.asarray(_apply(model, "decode", params, latents))
    return x * scaler.scale[:, None] + scaler.mean[:, None]


def _means(
    model: MLPAutoencoder | ConvAutoencoder,
    params: Any,
    x: np.ndarray,
    condition: np.ndarray | None = None,
) -> np.ndarray:
    """Posterior means under one member, `[examples, latent]`."""
    return np.asarray(_apply(model, "encode", params, x, condition).mean)


@partial(jax.jit, static_argnums=(0, 1))
def _apply(
    model: MLPAutoencoder | ConvAutoencoder,
    method: str,
    params: Any,
    x: jax.Array,
    condition: jax.Array | None = None,
) -> Any:
    return model.apply(params, x, condition, method=method)


def encode_songs(
    checkpoint_dir: Path,
    songs: Songs,
    seed: int | None = None,
    beta: float | None = None,
    learning_rate: float | None = None,
) -> Encoded:
    """Latents of songs, new ones included, under a saved model.

    Args:
        checkpoint_dir: where an experiment left its checkpoint.
        songs: from `load_songs`; their features are extracted as the checkpoint's were.
        seed: which of the experiment's seeds; by default its first.
        beta: which of its KL weights; by default its first.
        learning_rate: which of its step sizes; by default its first.

    Raises:
        InputError: no checkpoint there, no such seed, beta or step size in it, no usable song, a
            song whose label the conditional model was not trained with, or no lyrics for a model of
            lyrics.
    """
    checkpoint = load_checkpoint(checkpoint_dir)
    experiment = checkpoint.experiment
    wanted = {"seed": seed, "beta": beta, "learning_rate": learning_rate}
    member = _member(experiment, checkpoint_dir, wanted)
    params = member_params(checkpoint.state.params, member)
    features = extract_features(songs, experiment.features)
    if experiment.model.kind == "conv_vae":
        latents = _encode_crops(checkpoint, params, songs, features)
    else:
        latents = _encode_features(checkpoint, params, features)
    return Encoded(features.table, latents, features.rejected)


def _member(experiment: Experiment, checkpoint_dir: Path, wanted: dict[str, float | None]) -> int:
    """Place of the first member with the wanted numbers, where None is anything."""
    for name, value in wanted.items():
        known = dict.fromkeys(getattr(member, name) for member in experiment.members)
        if value is not None and value not in known:
            raise InputError(
                f"{checkpoint_dir}: has no {name} {value}; expected one of "
                + ", ".join(map(str, known))
            )
    return next(
        place
        for place, member in enumerate(experiment.members)
        if all(value in (None, getattr(member, name)) for name, value in wanted.items())
    )


def _encode_features(checkpoint: Checkpoint, params: Any, features: SongFeatures) -> np.ndarray:
    model, table = checkpoint.experiment.model, features.table
    cache_dir = checkpoint.experiment.features.cache_dir
    vectors = None
    if checkpoint.lyrics is not None:
        vectors = lyrics.transform(checkpoint.lyrics, table["lyrics"], table["language"], cache_dir)
    x, _ = model_input(features.values, vectors, model.inputs, checkpoint.scaler, cache_dir)
    condition = None
    if model.condition != "none":
        known = checkpoint.vocabularies[model.condition]
        condition = one_hot(table[model.condition], known, model.condition)
    module = make_model(model, checkpoint.experiment.crops, x.shape[1])
    one_member = jax.tree.map(lambda leaf: leaf[None], params)
    return encode(module, one_member, x, condition)[0]


def _encode_crops(
    checkpoint: Checkpoint, params: Any, songs: Songs, features: SongFeatures
) -> np.ndarray:
    experiment = checkpoint.experiment
    store = open_crops(songs, experiment.features, features.rows)
    module = make_model(experiment.model, experiment.crops, 0)
    everything = np.arange(len(features.rows))
    return encode_crops(module, params, store, everything, experiment.crops, checkpoint.scaler)
