"""Checkpoints: everything that turns new songs into latents, saved and restored by Orbax."""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import orbax.checkpoint as ocp

from musicvae_jax.config import Experiment, from_json, to_json
from musicvae_jax.errors import InputError
from musicvae_jax.features import Scaler
from musicvae_jax.training import Examples, TrainState, init_state, make_model


class Checkpoint(NamedTuple):
    """A trained experiment.

    Attributes:
        experiment: the resolved config it was trained with.
        state: parameters and optimiser state, with a leading axis of seeds in the order of
            `experiment.seeds`.
        scaler: standardisation fitted on the training songs.
        vocabularies: by kind of label ("genre"), the training songs' labels, in the order of the
            columns of their one-hot encoding.
    """

    experiment: Experiment
    state: TrainState
    scaler: Scaler
    vocabularies: dict[str, tuple[str, ...]]


def save_checkpoint(directory: Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint into a folder that is empty or does not exist yet."""
    meta = {
        "experiment": to_json(checkpoint.experiment),
        "vocabularies": {name: list(labels) for name, labels in checkpoint.vocabularies.items()},
        "n_features": len(checkpoint.scaler.mean),
    }
    with ocp.CheckpointManager(directory.absolute()) as manager:
        manager.save(
            checkpoint.experiment.train.epochs,
            args=ocp.args.Composite(
                state=ocp.args.StandardSave(checkpoint.state),
                scaler=ocp.args.StandardSave(checkpoint.scaler),
                meta=ocp.args.JsonSave(meta),
            ),
        )
        manager.wait_until_finished()


def load_checkpoint(directory: Path) -> Checkpoint:
    """Reads the latest checkpoint in a folder, whatever devices it was saved on.

    Raises:
        InputError: the folder holds no checkpoint, or one that this version cannot read.
    """
    if not directory.is_dir():
        raise InputError(f"{directory}: no such folder; expected a checkpoint folder")
    options = ocp.CheckpointManagerOptions(read_only=True)
    with ocp.CheckpointManager(directory.absolute(), options=options) as manager:
        step = manager.latest_step()
        if step is None:
            raise InputError(f"{directory}: holds no checkpoint; expected a checkpoint folder")
        try:
            return _restore(manager, step)
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise InputError(
                f"{directory}: step {step} cannot be read ({error}); expected a checkpoint "
                "written by this version"
            ) from error


def _restore(manager: ocp.CheckpointManager, step: int) -> Checkpoint:
    meta = manager.restore(step, args=ocp.args.Composite(meta=ocp.args.JsonRestore())).meta
    experiment = from_json(Experiment, meta["experiment"])
    vocabularies = {name: tuple(labels) for name, labels in meta["vocabularies"].items()}
    n_labels = len(vocabularies.get(experiment.model.condition, ()))
    shapes = _abstract(experiment, meta["n_features"], n_labels)
    restored = manager.restore(
        step,
        args=ocp.args.Composite(
            state=ocp.args.StandardRestore(shapes[0]),
            scaler=ocp.args.StandardRestore(shapes[1]),
        ),
    )
    scaler = Scaler(*(jax.device_get(part) for part in restored.scaler))
    return Checkpoint(experiment, restored.state, scaler, vocabularies)


def _abstract(experiment: Experiment, n_features: int, n_labels: int) -> tuple[TrainState, Scaler]:
    """Shapes of what was saved, placed on this process's first device.

    Without a placement Orbax asks for the devices that wrote the checkpoint, which need not be
    here.
    """
    model = make_model(experiment.model, n_features)
    condition = jnp.zeros((1, n_labels)) if experiment.model.condition != "none" else None
    examples = Examples(jnp.zeros((1, n_features)), condition)
    seeds = jnp.array(experiment.seeds, jnp.uint32)
    state = jax.eval_shape(
        jax.vmap(lambda seed: init_state(model, experiment.train, jax.random.key(seed), examples)),
        seeds,
    )
    vector = jax.ShapeDtypeStruct((n_features,), jnp.float32)
    here = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])

    def place(leaf: Any) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=here)

    return jax.tree.map(place, (state, Scaler(vector, vector)))
