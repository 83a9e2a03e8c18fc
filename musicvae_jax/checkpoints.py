"""Checkpoints: everything that turns new songs into latents, saved and restored by Orbax."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

from musicvae_jax import lyrics
from musicvae_jax.config import Experiment, from_json, to_json
from musicvae_jax.errors import InputError
from musicvae_jax.features import Scaler, settings
from musicvae_jax.lyrics import LyricsTransform
from musicvae_jax.runtime.files import read_json
from musicvae_jax.songs import MEL_BANDS
from musicvae_jax.training import Examples, History, Losses, TrainState, init_state, make_model


class Checkpoint(NamedTuple):
    """A trained experiment.

    Attributes:
        experiment: the resolved config it was trained with.
        state: parameters and optimiser state, with a leading axis of members, in the order of
            `experiment.members`.
        history: of the members' training, parts `[members, epochs]`.
        scaler: standardisation of the model's input, fitted on the training songs.
        vocabularies: by kind of label ("genre"), the training songs' labels, in the order of the
            columns of their one-hot encoding.
        lyrics: how lyrics become vectors, for a model that is given them, else None.
        key: what the training was made of, see `training_key`.
    """

    experiment: Experiment
    state: TrainState
    history: History
    scaler: Scaler
    vocabularies: dict[str, tuple[str, ...]]
    lyrics: LyricsTransform | None
    key: str


def training_settings(
    experiment: Experiment, fingerprint: str, code: str, lyrics: LyricsTransform | None = None
) -> dict[str, Any]:
    """All that a training depends on, nested under the names of the command line.

    Args:
        experiment: resolved; its name, fusion, clustering and folders do not matter.
        fingerprint: of the songs.
        code: version of the code.
        lyrics: what made vectors of lyrics, for a model that is given them.
    """
    of_lyrics = None
    if experiment.model.inputs != "audio":
        of_lyrics = to_json(experiment.lyrics)
        if lyrics is not None:
            of_lyrics |= {"version": lyrics.version, "weights": lyrics.weights}
    return {
        "data": to_json(experiment.data) | {"path": f"songs of SHA-256 {fingerprint[:16]}"},
        "features": settings(experiment.features),
        "crops": to_json(experiment.crops) if experiment.model.kind == "conv_vae" else None,
        "lyrics": of_lyrics,
        "model": to_json(experiment.model),
        "train": to_json(experiment.train),
        "seeds": list(experiment.seeds),
        "code": code,
    }


def training_key(settings: Mapping[str, Any]) -> str:
    """A digest of `training_settings`: equal keys, equal models."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def save_checkpoint(directory: Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint into a folder that is empty or does not exist yet."""
    arrays, lyrics_meta = _arrays(checkpoint)
    meta = {
        "experiment": to_json(checkpoint.experiment),
        "vocabularies": {name: list(labels) for name, labels in checkpoint.vocabularies.items()},
        "arrays": {name: [list(a.shape), str(a.dtype)] for name, a in arrays.items()},
        "lyrics": lyrics_meta,
        "key": checkpoint.key,
    }
    directory.mkdir(parents=True, exist_ok=True)
    with ocp.CheckpointManager(directory.absolute(), options=_alone()) as manager:
        manager.save(
            checkpoint.experiment.train.epochs,
            args=ocp.args.Composite(
                state=ocp.args.StandardSave(checkpoint.state),
                arrays=ocp.args.StandardSave(arrays),
                meta=ocp.args.JsonSave(meta),
            ),
        )
        manager.wait_until_finished()


def load_checkpoint(directory: Path) -> Checkpoint:
    """Reads the latest checkpoint in a folder, whatever devices it was saved on.

    Raises:
        InputError: the folder holds no checkpoint, or one that this version cannot read.
    """
    with _opened(directory) as manager:
        step = manager.latest_step()
        try:
            return _restore(manager, step)
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise InputError(
                f"{directory}: step {step} cannot be read ({error}); expected a checkpoint "
                "written by this version"
            ) from error


def find_trained(folders: Iterable[Path], key: str) -> Path | None:
    """The first of the folders that holds a checkpoint of this training, if any does."""
    for metadata in (path for folder in folders for path in folder.glob("*/meta/metadata")):
        # None for one that is damaged or not ours: whoever names that folder is told.
        meta = read_json(metadata)
        if meta is not None and meta.get("key") == key:
            return metadata.parents[2]
    return None


def member_of(checkpoint: Checkpoint, beta: float) -> Checkpoint:
    """The part of a sweep with one beta, as a checkpoint of its own."""
    experiment = checkpoint.experiment
    chosen = np.array([member.beta == beta for member in experiment.members])
    state, history = jax.tree.map(
        lambda leaf: np.asarray(leaf)[chosen], (checkpoint.state, checkpoint.history)
    )
    train = dataclasses.replace(experiment.train, beta=(beta,))
    single = dataclasses.replace(experiment, train=train)
    # No training of that key makes this: the sweep's own checkpoint has it.
    return checkpoint._replace(experiment=single, state=state, history=history, key="")


def _alone() -> ocp.CheckpointManagerOptions:
    """One process of several writes or reads without the others; the folder is there."""
    if jax.process_count() == 1:
        return ocp.CheckpointManagerOptions(create=False)
    this = jax.process_index()
    return ocp.CheckpointManagerOptions(
        create=False,
        multiprocessing_options=ocp.options.MultiprocessingOptions(
            primary_host=this, active_processes={this}, barrier_sync_key_prefix=f"process_{this}"
        ),
    )


def _opened(directory: Path) -> ocp.CheckpointManager:
    if not directory.is_dir():
        raise InputError(f"{directory}: no such folder; expected a checkpoint folder")
    manager = ocp.CheckpointManager(directory.absolute(), options=_alone())
    if manager.latest_step() is None:
        manager.close()
        raise InputError(f"{directory}: holds no checkpoint; expected a checkpoint folder")
    return manager


def _arrays(checkpoint: Checkpoint) -> tuple[dict[str, np.ndarray], dict | None]:
    """All arrays but the state under flat names, and what JSON holds of the lyrics transform."""
    history = checkpoint.history
    named = {
        "scaler": checkpoint.scaler._asdict(),
        "train": history.train._asdict(),
        "heldout": history.heldout._asdict(),
        "units": {"active": history.active_units},
    }
    lyrics_meta = None
    if checkpoint.lyrics is not None:
        named["lyrics"], lyrics_meta = lyrics.to_parts(checkpoint.lyrics)
    flat = {
        f"{group}.{name}": np.asarray(array)
        for group, arrays in named.items()
        for name, array in arrays.items()
    }
    return flat, lyrics_meta


def _restore(manager: ocp.CheckpointManager, step: int) -> Checkpoint:
    meta = manager.restore(step, args=ocp.args.Composite(meta=ocp.args.JsonRestore())).meta
    experiment = from_json(Experiment, meta["experiment"])
    vocabularies = {name: tuple(labels) for name, labels in meta["vocabularies"].items()}
    n_labels = len(vocabularies.get(experiment.model.condition, ()))
    shapes = {
        name: jax.ShapeDtypeStruct(tuple(shape), dtype)
        for name, (shape, dtype) in meta["arrays"].items()
    }
    state = _abstract_state(experiment, shapes["scaler.mean"].shape[0], n_labels)
    restored = manager.restore(
        step,
        args=ocp.args.Composite(
            state=ocp.args.StandardRestore(_here(state)),
            arrays=ocp.args.StandardRestore(_here(shapes)),
        ),
    )
    groups: dict[str, dict[str, np.ndarray]] = {}
    for name, array in restored.arrays.items():
        group, part = name.split(".", 1)
        groups.setdefault(group, {})[part] = jax.device_get(array)
    return Checkpoint(
        experiment=experiment,
        state=restored.state,
        history=History(
            Losses(**groups["train"]), Losses(**groups["heldout"]), groups["units"]["active"]
        ),
        scaler=Scaler(**groups["scaler"]),
        vocabularies=vocabularies,
        lyrics=meta["lyrics"] and lyrics.from_parts(groups["lyrics"], meta["lyrics"]),
        key=meta["key"],
    )


def _abstract_state(experiment: Experiment, n_features: int, n_labels: int) -> TrainState:
    """Shapes of the state of all members."""
    model = make_model(experiment.model, experiment.crops, n_features)
    is_conv = experiment.model.kind == "conv_vae"
    event = (MEL_BANDS, experiment.crops.frames) if is_conv else (n_features,)
    condition = jnp.zeros((1, n_labels)) if experiment.model.condition != "none" else None
    examples = Examples(jnp.zeros((1, *event)), condition)
    seeds = jnp.array([member.seed for member in experiment.members], jnp.uint32)
    rates = jnp.array([member.learning_rate for member in experiment.members])
    return jax.eval_shape(
        jax.vmap(lambda seed, rate: init_state(model, jax.random.key(seed), examples, rate)),
        seeds,
        rates,
    )


def _here(shapes: Any) -> Any:
    """Shapes placed on this process's first device.

    Without a placement Orbax asks for the devices that wrote the checkpoint, which need not be
    here.
    """
    here = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    return jax.tree.map(lambda s: jax.ShapeDtypeStruct(s.shape, s.dtype, sharding=here), shapes)
