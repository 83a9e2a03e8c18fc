"""Trains an experiment's model, or finds it trained, and encodes every song."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jax.sharding import Mesh

from musicvae_jax.bridge import encode, encode_crops, interpolate, member_params, reconstruct
from musicvae_jax.checkpoints import Checkpoint, find_trained, load_checkpoint, training_key
from musicvae_jax.config import Experiment, RuntimeConfig
from musicvae_jax.errors import StoppedError
from musicvae_jax.features import fixed_crops
from musicvae_jax.models import ConvAutoencoder, MLPAutoencoder
from musicvae_jax.pipeline.inputs import Inputs
from musicvae_jax.runtime.devices import any_process, is_first, make_mesh
from musicvae_jax.runtime.signals import defer_signals, stop_requested
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.training import (
    DivergenceError,
    Examples,
    History,
    TrainState,
    check_finite,
    make_model,
)
from musicvae_jax.training.resume import (
    KeepConfig,
    Keeping,
    discard_unfinished,
    keep_in,
    open_unfinished,
)
from musicvae_jax.training.streaming import CropSource, RowSource, train_streamed_members
from musicvae_jax.training.sweeps import train_members

_N_EXAMPLES = 4
_N_INTERPOLATED = 7


def learn(
    experiment: Experiment,
    inputs: Inputs,
    settings: Mapping[str, Any],
    runtime: RuntimeConfig,
    terminal: Terminal,
) -> Checkpoint:
    """The trained members of the sweep.

    Another experiment's checkpoint of the same training (say, the audio model under a fusion with
    lyrics) is used as it is: training again would give the same numbers.

    Args:
        experiment: resolved, of a kind that is trained.
        inputs: made for it.
        settings: see `checkpoints.training_settings`.
        runtime: devices, and how the training is kept while it is not finished.
        terminal: for progress and notices.

    Raises:
        InputError: there is an unfinished training with other settings, or too few devices.
        DivergenceError: training reached NaN or infinity.
        StoppedError: a signal came; the same call goes on.
    """
    key = training_key(settings)
    found = find_trained(_neighbours(experiment), key)
    if found is not None:
        terminal.say(f"model: as trained in {found} (same settings, data and seeds)")
        return load_checkpoint(found)._replace(experiment=experiment)
    mesh = make_mesh(len(experiment.members), runtime.devices)
    source = _source(experiment, inputs)
    is_streamed = _is_streamed(source, runtime, terminal)
    # What is kept of a training that streams is kept otherwise, and neither goes on with the other.
    where = {"data_budget_mb": "streamed" if is_streamed else "on the devices"}
    open_unfinished(experiment.unfinished_dir, {**settings, **where}, runtime.restart)
    keeping = partial(
        keep_in,
        experiment.unfinished_dir,
        KeepConfig(runtime.checkpoint_every, runtime.checkpoints_kept),
        stop_requested,
        terminal.notice,
    )
    n_epochs = len(experiment.members) * experiment.train.epochs
    model = make_model(experiment.model, experiment.crops, inputs.x.shape[1])
    fit = _fit_streamed if is_streamed else _fit_on_devices
    with terminal.progress("training", n_epochs) as advance, defer_signals():
        state, history = fit(experiment, model, source, advance, mesh, keeping)
    if any_process(stop_requested()):
        # It came when the last step was being saved.
        raise StoppedError("stopped; the training is kept, and the same command goes on with it")
    try:
        check_finite(history, experiment.members)
    except DivergenceError:
        # It would diverge again, and keep other settings from the same folder.
        if is_first():
            discard_unfinished(experiment.unfinished_dir, settings)
        raise
    return Checkpoint(
        experiment=experiment,
        state=state,
        history=history,
        scaler=inputs.scaler,
        vocabularies=inputs.vocabularies,
        lyrics=inputs.lyrics_transform if experiment.model.inputs != "audio" else None,
        key=key,
    )


def _neighbours(experiment: Experiment) -> list[Path]:
    """Folders where runs that went to the same place as this one leave checkpoints."""
    if experiment.output_dir is None:
        return sorted(experiment.checkpoint_dir.parent.glob("*"))
    return sorted(experiment.output_dir.parent.glob(f"*/{experiment.checkpoint_dir.name}"))


def encode_all(checkpoint: Checkpoint, inputs: Inputs, runtime: RuntimeConfig) -> np.ndarray:
    """Posterior means of all songs under every member, float32 `[members, songs, latent]`."""
    experiment, params = checkpoint.experiment, checkpoint.state.params
    model = make_model(experiment.model, experiment.crops, inputs.x.shape[1])
    mesh = make_mesh(1, runtime.devices)
    if experiment.model.kind != "conv_vae":
        return encode(model, params, inputs.x, inputs.condition, mesh)
    songs = np.arange(len(inputs.x))
    return np.stack(
        [
            encode_crops(
                model,
                member_params(params, i),
                inputs.crops,
                songs,
                experiment.crops,
                inputs.scaler,
                mesh,
            )
            for i in range(len(experiment.members))
        ]
    )


def _source(experiment: Experiment, inputs: Inputs) -> CropSource | RowSource:
    if experiment.model.kind == "conv_vae":
        return CropSource(inputs.crops, *inputs.split, inputs.scaler, experiment.crops)
    return RowSource(Examples(inputs.x, inputs.condition, inputs.weight), *inputs.split)


def _is_streamed(
    source: CropSource | RowSource, runtime: RuntimeConfig, terminal: Terminal
) -> bool:
    if isinstance(source, CropSource):
        return True
    n_mb = source.n_bytes / 10**6
    if n_mb <= runtime.data_budget_mb:
        return False
    terminal.say(
        f"features: {n_mb:,.1f} MB, streamed to the devices, since data_budget_mb is "
        f"{runtime.data_budget_mb:,}"
    )
    return True


def _fit_on_devices(
    experiment: Experiment,
    model: MLPAutoencoder,
    source: RowSource,
    on_epochs: Callable[[int], None],
    mesh: Mesh,
    keeping: Keeping,
) -> tuple[TrainState, History]:
    data = source.data()
    return train_members(
        model, experiment.train, experiment.members, data, on_epochs, mesh, keeping
    )


def _fit_streamed(
    experiment: Experiment,
    model: MLPAutoencoder | ConvAutoencoder,
    source: CropSource | RowSource,
    on_epochs: Callable[[int], None],
    mesh: Mesh,
    keeping: Keeping,
) -> tuple[TrainState, History]:
    return train_streamed_members(
        model, experiment.train, source, experiment.members, on_epochs, mesh, keeping
    )


def mel_examples(
    checkpoint: Checkpoint, inputs: Inputs, songs: pd.DataFrame
) -> dict[str, np.ndarray]:
    """What the pictures of a model of crops show, under its first member; mels in decibels.

    Returns:
        titles `[n]`, original and reconstruction `[n, 128, frames]` of the middle crops of held-out
        songs; interpolation `[steps, 128, frames]` from the first of them to the last, and
        interpolation_titles `[2]`.
    """
    heldout = inputs.split.heldout
    places = np.linspace(0, len(heldout) - 1, min(_N_EXAMPLES, len(heldout)))
    chosen = heldout[places.round().astype(int)]
    crops = fixed_crops(inputs.crops, chosen, checkpoint.experiment.crops.frames, 3)[:, 1]
    model = make_model(checkpoint.experiment.model, checkpoint.experiment.crops, 0)
    params = member_params(checkpoint.state.params, 0)
    titles = songs["title"].fillna(songs["music_id"]).iloc[chosen].to_numpy(str)
    return {
        "titles": titles,
        "original": crops,
        "reconstruction": reconstruct(model, params, crops, inputs.scaler),
        "interpolation": interpolate(
            model, params, crops[0], crops[-1], _N_INTERPOLATED, inputs.scaler
        ),
        "interpolation_titles": titles[[0, -1]],
    }
