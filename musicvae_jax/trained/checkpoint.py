"""Checkpoints: everything needed to turn new songs into latents, saved and restored by Orbax."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

from musicvae_jax.errors import InputError
from musicvae_jax.runtime.files import read_json
from musicvae_jax.trained.codec import put_together, take_apart
from musicvae_jax.trained.model import Trained
from musicvae_jax.training import (
    Examples,
    TrainState,
    empty_example,
    init_state,
    make_model,
    seed_key,
)

# Raise it whenever the content of a checkpoint changes.
_FORMAT = 2


def save(trained: Trained, directory: Path) -> None:
    """Writes a checkpoint into a folder that is empty or does not exist yet."""
    arrays: dict[str, np.ndarray] = {}
    fitted = take_apart(tuple(trained._replace(state=None)), arrays)
    meta = {
        "format": _FORMAT,
        "fitted": fitted,
        "arrays": {name: [list(one.shape), str(one.dtype)] for name, one in arrays.items()},
        "shape": list(trained.shape),
        "key": trained.key,
    }
    parts = {
        "arrays": ocp.args.StandardSave({name: _stored(one) for name, one in arrays.items()}),
        "meta": ocp.args.JsonSave(meta),
    }
    if trained.state is not None:
        parts["state"] = ocp.args.StandardSave(trained.state)
    directory.mkdir(parents=True, exist_ok=True)
    with ocp.CheckpointManager(directory.absolute(), options=_alone()) as manager:
        step = trained.experiment.train.epochs
        manager.save(step, args=ocp.args.Composite(**parts))
        manager.wait_until_finished()


def load(directory: Path | str) -> Trained:
    """Reads the latest checkpoint in a folder, whichever devices it was saved on.

    Raises:
        InputError: the folder holds no checkpoint, or one that this version cannot read.
    """
    directory = Path(directory)
    with _opened(directory) as manager:
        step = manager.latest_step()
        try:
            return _restore(manager, step, directory)
        except (KeyError, TypeError, ValueError, OSError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"{directory}: step {step} cannot be read ({error}); expected a checkpoint "
                "written by this version"
            ) from error


def find_trained(folders: Iterable[Path], key: str) -> Path | None:
    """The first of the folders that holds a checkpoint of this training, if any does."""
    for metadata in (path for folder in folders for path in folder.glob("*/meta/metadata")):
        # None if it is damaged or not ours; `load` of that folder raises the error.
        meta = read_json(metadata)
        if meta is not None and meta.get("format") == _FORMAT and meta.get("key") == key:
            return metadata.parents[2]
    return None


def _alone() -> ocp.CheckpointManagerOptions:
    """Options for one process to read or write without the others, in an existing folder."""
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


def _restore(manager: ocp.CheckpointManager, step: int, directory: Path) -> Trained:
    meta = manager.restore(step, args=ocp.args.Composite(meta=ocp.args.JsonRestore())).meta
    if meta.get("format") != _FORMAT:
        raise InputError(
            f"{directory}: got a checkpoint of format {meta.get('format', 1)}, expected format "
            f"{_FORMAT}: another version wrote it, so train the model again"
        )
    shapes = {
        name: _stored_shape(shape, np.dtype(dtype))
        for name, (shape, dtype) in meta["arrays"].items()
    }
    parts = {"arrays": ocp.args.StandardRestore(_here(shapes))}
    restored = manager.restore(step, args=ocp.args.Composite(**parts)).arrays
    arrays = {
        name: _original(np.asarray(restored[name]), shape, np.dtype(dtype))
        for name, (shape, dtype) in meta["arrays"].items()
    }
    trained = Trained(*put_together(meta["fitted"], arrays))
    if not trained.experiment.model.traits.trained:
        return trained
    like = _abstract_state(trained, tuple(meta["shape"]))
    parts = {"state": ocp.args.StandardRestore(_here(like))}
    return trained._replace(state=manager.restore(step, args=ocp.args.Composite(**parts)).state)


def _abstract_state(trained: Trained, shape: tuple[int, ...]) -> TrainState:
    """The shapes of all members' state."""
    model = make_model(trained.experiment.model, shape)
    labels = trained.preprocessor.vocabularies.get(trained.experiment.model.condition)
    condition = None if labels is None else jnp.zeros((1, len(labels)))
    examples = Examples(empty_example(trained.experiment.model, shape), condition)
    members = trained.experiment.members
    seeds = jnp.array([member.seed for member in members], jnp.uint32)
    rates = jnp.array([member.learning_rate for member in members], jnp.float32)
    return jax.eval_shape(
        jax.vmap(lambda seed, rate: init_state(model, seed_key(seed), examples, rate)),
        seeds,
        rates,
    )


def _stored(array: np.ndarray) -> np.ndarray:
    """Stores float64 as pairs of integers, since JAX would restore it as float32."""
    if array.dtype == np.float64:
        return np.ascontiguousarray(array).reshape(-1).view(np.uint32)
    return array


def _stored_shape(shape: list[int], dtype: np.dtype) -> jax.ShapeDtypeStruct:
    if dtype == np.float64:
        return jax.ShapeDtypeStruct((2 * int(np.prod(shape)),), np.uint32)
    return jax.ShapeDtypeStruct(tuple(shape), dtype)


def _original(array: np.ndarray, shape: list[int], dtype: np.dtype) -> np.ndarray:
    if dtype == np.float64:
        return array.view(np.float64).reshape(shape)
    return array


def _here(shapes: Any) -> Any:
    """Shapes placed on this process's first device.

    Without a placement Orbax would ask for the devices that wrote the checkpoint, which may not
    exist here.
    """
    here = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    return jax.tree.map(lambda s: jax.ShapeDtypeStruct(s.shape, s.dtype, sharding=here), shapes)
