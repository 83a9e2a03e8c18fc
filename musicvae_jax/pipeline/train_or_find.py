"""Trains the members of an experiment, or finds the checkpoint of the same training."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

from jax.sharding import Mesh

from musicvae_jax.config import Member, RuntimeConfig
from musicvae_jax.errors import InputError, StoppedError
from musicvae_jax.models import MixtureModel
from musicvae_jax.pipeline.training_key import training_key, training_settings
from musicvae_jax.preprocess import ModelInputs
from musicvae_jax.runtime.devices import any_process, is_first, make_mesh
from musicvae_jax.runtime.signals import defer_signals, stop_requested
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import Split
from musicvae_jax.trained import Trained, find_trained, load
from musicvae_jax.training import (
    Data,
    DivergenceError,
    EpochReports,
    History,
    OnEpochs,
    OnHistory,
    TrainState,
    check_finite,
)
from musicvae_jax.training.pretraining import check_components, pretrain_members
from musicvae_jax.training.resume import (
    OpenSaver,
    SaveConfig,
    discard_interrupted,
    open_interrupted,
    save_in,
    save_nothing,
)
from musicvae_jax.training.streaming import (
    CropSource,
    RowSource,
    make_source,
    train_streamed_members,
)
from musicvae_jax.training.sweeps import StartParams, train_members


class Saving(NamedTuple):
    """Where a training is saved while it runs, and where to look for a finished one.

    Attributes:
        resume_dir: folder of the interrupted training.
        neighbours: checkpoint folders that may hold the same training.
    """

    resume_dir: Path
    neighbours: tuple[Path, ...]


def train_or_find(
    blank: Trained,
    inputs: ModelInputs,
    split: Split,
    fingerprint: str,
    runtime: RuntimeConfig,
    terminal: Terminal,
    saving: Saving | None,
    on_epochs: OnEpochs | None,
) -> tuple[Trained, Path | None]:
    """The trained members of the sweep, and the folder of their checkpoint if it was found.

    Uses another experiment's checkpoint of the same training (for example, the audio model of a
    fusion with lyrics), since training again would give the same numbers.
    """
    settings = training_settings(blank.preprocessor, fingerprint)
    key = training_key(settings)
    found = None
    if saving is not None and not runtime.fresh:
        found = find_trained(saving.neighbours, key)
    if found is not None:
        return _loaded(blank, found, key, terminal, on_epochs), found
    state, history = _train(blank, inputs, split, settings, runtime, terminal, saving, on_epochs)
    return blank._replace(state=state, history=history, key=key), None


def _loaded(
    blank: Trained, found: Path, key: str, terminal: Terminal, on_epochs: OnEpochs | None
) -> Trained:
    terminal.say(f"model: loaded from {found} (same settings, data and seeds)")
    there = load(found)
    if on_epochs is not None and there.history is not None:
        n_members, n_epochs = there.history.active_units.shape
        EpochReports(blank.model, n_members, n_epochs, on_epochs)(0, 0, there.history)
    return blank._replace(state=there.state, history=there.history, key=key)


def _train(
    blank: Trained,
    inputs: ModelInputs,
    split: Split,
    settings: dict[str, Any],
    runtime: RuntimeConfig,
    terminal: Terminal,
    saving: Saving | None,
    on_epochs: OnEpochs | None,
) -> tuple[TrainState, History]:
    """States and histories of the members, from where an interrupted training stopped."""
    members, train = blank.experiment.members, blank.experiment.train
    mesh = make_mesh(len(members), runtime.devices)
    source = make_source(inputs, *split)
    resident = _resident(source, runtime, terminal)
    if not blank.experiment.model.traits.has_normal_prior:
        _check_pretraining(blank, source, resident is None)
    open_saver: OpenSaver = save_nothing
    if saving is not None:
        open_saver = _open_saver(saving, settings, resident is None, runtime, terminal)
    try:
        with defer_signals(), _reports(blank, terminal, on_epochs) as on_history:
            rest = (on_history, mesh, open_saver)
            if resident is None:
                found = train_streamed_members(blank.model, train, source, members, *rest)
            else:
                data = resident.data()
                start = _start_params(blank, data, terminal, mesh, may_stop=saving is not None)
                found = train_members(
                    *(blank.model, train, members, data, *rest), start_params=start
                )
        if saving is not None and any_process(stop_requested()):
            # The signal arrived while the last step was being saved.
            raise StoppedError("stopped; the training is saved, and the same command resumes it")
        check_finite(found[1], members)
    except DivergenceError:
        # It would only diverge again, and block other settings in the same folder.
        if saving is not None and is_first():
            discard_interrupted(saving.resume_dir, settings)
        raise
    return found


def _open_saver(
    saving: Saving,
    settings: dict[str, Any],
    is_streamed: bool,
    runtime: RuntimeConfig,
    terminal: Terminal,
) -> OpenSaver:
    """Opens the folder of the interrupted training, or makes it."""
    # Streamed trainings are saved in another format; neither kind can resume the other.
    where = {"data_budget_mb": "streamed" if is_streamed else "on the devices"}
    open_interrupted(saving.resume_dir, {**settings, **where}, runtime.restart or runtime.fresh)
    config = SaveConfig(runtime.checkpoint_every, runtime.checkpoints_kept)
    return partial(save_in, saving.resume_dir, config, stop_requested, terminal.notice)


def _check_pretraining(blank: Trained, source: CropSource | RowSource, is_streamed: bool) -> None:
    """Raises `InputError` if the mixture that is the prior could not be fitted to the songs."""
    # No model of crops has such a prior.
    assert isinstance(source, RowSource)
    if is_streamed:
        raise InputError(
            f"model.kind: got {blank.experiment.model.kind!r} and features that are streamed, "
            f"expected a data_budget_mb above {source.n_bytes / 10**6:,.1f}, since its mixture is "
            "fitted to all songs"
        )
    check_components(_mixture_model(blank), source.n_examples)


def _mixture_model(blank: Trained) -> MixtureModel:
    """The module of a kind without a normal prior."""
    # A checker cannot follow the table of kinds.
    return cast(MixtureModel, blank.model)


def _start_params(
    blank: Trained, data: Data, terminal: Terminal, mesh: Mesh, may_stop: bool
) -> StartParams | None:
    """Pretrains members of a model whose prior is a mixture; None for the other models."""
    model, train = blank.experiment.model, blank.experiment.train
    if model.traits.has_normal_prior:
        return None

    def pretrain(members: Sequence[Member]) -> Any:
        n_epochs = len(members) * train.pretrain_epochs
        with terminal.progress("pretraining", n_epochs, "epochs") as advance:
            return pretrain_members(
                *(_mixture_model(blank), train, members, data),
                lambda _member, _epoch, history, _restored: advance(history.active_units.size),
                mesh,
                should_stop=lambda: may_stop and stop_requested(),
            )

    return pretrain


def _resident(
    source: CropSource | RowSource, runtime: RuntimeConfig, terminal: Terminal
) -> RowSource | None:
    """The source if the devices hold all of its examples; None if they are streamed."""
    if isinstance(source, CropSource):
        return None
    n_mb = source.n_bytes / 10**6
    if n_mb <= runtime.data_budget_mb:
        return source
    terminal.say(
        f"features: {n_mb:,.1f} MB, streamed to the devices because data_budget_mb is "
        f"{runtime.data_budget_mb:,}"
    )
    return None


@contextmanager
def _reports(blank: Trained, terminal: Terminal, on_epochs: OnEpochs | None) -> Iterator[OnHistory]:
    """Updates the progress bar, in epochs of all members, and calls the caller's callback."""
    n_members, n_epochs = len(blank.experiment.members), blank.experiment.train.epochs
    report = None
    if on_epochs is not None:
        report = EpochReports(blank.model, n_members, n_epochs, on_epochs)
    with terminal.task("training", n_members * n_epochs, "epochs") as task:

        def on_history(
            first_member: int, first_epoch: int, history: History, is_restored: bool
        ) -> None:
            count = task.skip if is_restored else task.advance
            count(history.active_units.size)
            if report is not None:
                report(first_member, first_epoch, history)

        yield on_history
