"""Fits an experiment: features, preprocessing, training, and representations of all songs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import jax
import numpy as np
import pandas as pd
from jax.sharding import Mesh

from musicvae_jax.clustering import check_enough_songs
from musicvae_jax.config import Experiment, Member, RuntimeConfig
from musicvae_jax.config.naming import nouns_of
from musicvae_jax.errors import InputError, StoppedError
from musicvae_jax.features import (
    Share,
    SongFeatures,
    build_features,
    build_stores,
    extract_features,
    vocabulary,
)
from musicvae_jax.models import MixtureModel
from musicvae_jax.pipeline.training_key import training_key, training_settings
from musicvae_jax.preprocess import ModelInputs, audio_config, fit_transform, split_inputs
from musicvae_jax.representations import Representation, fit_pca
from musicvae_jax.runtime.devices import (
    any_process,
    first_process_first,
    is_first,
    make_mesh,
    wait_for_all,
)
from musicvae_jax.runtime.signals import defer_signals, stop_requested
from musicvae_jax.runtime.stopwatch import Stopwatch
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import LABELS, Songs, Split
from musicvae_jax.trained import (
    Trained,
    add_fusions,
    base_representations,
    find_trained,
    fit_fusions,
    load,
)
from musicvae_jax.training import (
    Data,
    DivergenceError,
    EpochReports,
    History,
    OnEpochs,
    OnHistory,
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


class Fitted(NamedTuple):
    """A fitted experiment and the songs it was fitted on.

    Attributes:
        trained: the model.
        features: audio features of all usable songs.
        inputs: the model's input for these songs.
        split: training and held-out songs, of those the model can read.
        scored: places of the songs that are clustered: all, or those with lyrics and tags.
        base: the model's representations of all songs before any fusion.
        own: the experiment's own representations of all songs.
        found: folder of the checkpoint with the model; None if it was trained in this run.
    """

    trained: Trained
    features: SongFeatures
    inputs: ModelInputs
    split: Split
    scored: np.ndarray
    base: tuple[Representation, ...]
    own: tuple[Representation, ...]
    found: Path | None


class Saving(NamedTuple):
    """Where a training is saved while it runs, and where to look for a finished one.

    Attributes:
        resume_dir: folder of the interrupted training.
        neighbours: checkpoint folders that may hold the same training.
    """

    resume_dir: Path
    neighbours: tuple[Path, ...]


def fit(
    experiment: Experiment,
    songs: Songs,
    runtime: RuntimeConfig,
    terminal: Terminal,
    saving: Saving | None = None,
    on_epochs: OnEpochs | None = None,
    watch: Stopwatch | None = None,
) -> Fitted:
    """Fits an experiment on the training songs.

    Args:
        experiment: resolved.
        songs: opened song files.
        runtime: devices, and how the training is saved.
        terminal: for progress and notices.
        saving: where to save; None saves nothing and always trains.
        on_epochs: called when all members have trained an epoch, with its number, from 0, and their
            losses and active units by name, `[members]` each; on the host, between compiled chunks.
            If the training was found or is resumed, the epochs trained before come first.
        watch: times the stages.

    Raises:
        InputError: the songs or settings cannot be used, or an interrupted training has other
            settings.
        DivergenceError: training reached NaN or infinity.
        StoppedError: a signal arrived; the training is saved, and the same call resumes it.
    """
    watch = watch or Stopwatch()
    with watch.stage("features"):
        features = read_features(experiment, songs, terminal, runtime.fresh)
        check_enough_songs(features.values, experiment.cluster)
        split = split_inputs(experiment, features.table)
        preprocessor, inputs, split = _preprocess(
            experiment, songs, features, split, terminal, runtime.fresh
        )
        scored = inputs.scored
        check_enough_songs(features.values[scored], experiment.cluster)
        _notice_gaps(experiment, features.table, scored, split, terminal)
    trained, found = Trained(preprocessor, inputs.shape), None
    with watch.stage("training"):
        if experiment.model.traits.trained:
            trained, found = _train_or_find(
                trained, inputs, split, songs.fingerprint, runtime, terminal, saving, on_epochs
            )
        elif experiment.model.traits.linear:
            whitened = experiment.model.traits.whitened
            projection = fit_pca(inputs.x, split.train, experiment.model.latent, whitened)
            trained = trained._replace(projection=projection)
        base = base_representations(trained, inputs, make_mesh(1, runtime.devices))
        fusions = fit_fusions(experiment, list(base.values()), inputs, split, scored)
        trained = trained._replace(fusions=fusions)
        own = add_fusions(trained, inputs, base)
    return Fitted(trained, features, inputs, split, scored, tuple(base.values()), own, found)


def read_features(
    experiment: Experiment, songs: Songs, terminal: Terminal, fresh: bool = False
) -> SongFeatures:
    """The songs' audio features, from the cache if possible and not `fresh`."""
    config = audio_config(experiment)
    with terminal.progress("reading mels", len(songs.table)) as advance:
        _build_together(partial(build_features, songs, config), advance, fresh)
        features = extract_features(songs, config, advance, terminal.notice)
    features = features._replace(from_cache=features.from_cache and not fresh)
    origin = "from the mel spectrograms" if songs.has_mels else "from their table"
    source = "from the cache" if features.from_cache else origin
    terminal.say(
        f"features: {len(features.table)} songs {source}; {len(features.rejected)} of "
        f"{len(songs.table)} rows rejected"
    )
    return features


def _preprocess(
    experiment: Experiment,
    songs: Songs,
    features: SongFeatures,
    split: Split,
    terminal: Terminal,
    fresh: bool,
) -> tuple[Any, ...]:
    n_texts = int(features.table["lyrics"].notna().sum()) if experiment.uses_lyrics else 0
    reads_crops = experiment.model.traits.reads == "crops"
    with (
        terminal.progress("storing mels", len(songs.table) if reads_crops else 0) as on_rows,
        terminal.progress("embedding lyrics", n_texts) as on_texts,
    ):
        if reads_crops:
            _build_together(partial(build_stores, songs, audio_config(experiment)), on_rows, fresh)
        with _in_turns(experiment.uses_lyrics):
            return fit_transform(
                experiment, songs, features, split, on_rows, on_texts, terminal.notice
            )


@contextmanager
def _in_turns(is_needed: bool) -> Iterator[None]:
    """Runs the block in the first process, then in the others, which find its cache."""
    if not is_needed:
        yield
        return
    with first_process_first("lyrics"):
        yield


def _build_together(build: Callable[..., int], advance: Callable[[int], None], fresh: bool) -> None:
    """Each of several processes makes its share of the parts; afterwards all find all parts."""
    share = Share(jax.process_index(), jax.process_count())
    if share.count == 1 and not fresh:
        return
    # Each of several processes will try failed parts again, so that all end with the same error.
    with suppress(InputError) if share.count > 1 else nullcontext():
        build(share, advance, fresh=fresh)
    wait_for_all("parts")


def _train_or_find(
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
        terminal.say(f"model: loaded from {found} (same settings, data and seeds)")
        there = load(found)
        if on_epochs is not None and there.history is not None:
            n_members, n_epochs = there.history.active_units.shape
            EpochReports(blank.model, n_members, n_epochs, on_epochs)(0, 0, there.history)
        return blank._replace(state=there.state, history=there.history, key=key), found
    members, train = blank.experiment.members, blank.experiment.train
    mesh = make_mesh(len(members), runtime.devices)
    source = make_source(inputs, *split)
    resident = _resident(source, runtime, terminal)
    if not blank.experiment.model.traits.has_normal_prior:
        _check_pretraining(blank, source, resident is None)
    open_saver: OpenSaver = save_nothing
    if saving is not None:
        # Streamed trainings are saved in another format; neither kind can resume the other.
        where = {"data_budget_mb": "streamed" if resident is None else "on the devices"}
        restart = runtime.restart or runtime.fresh
        open_interrupted(saving.resume_dir, {**settings, **where}, restart)
        config = SaveConfig(runtime.checkpoint_every, runtime.checkpoints_kept)
        open_saver = partial(save_in, saving.resume_dir, config, stop_requested, terminal.notice)
    try:
        with defer_signals(), _reports(blank, terminal, on_epochs) as on_history:
            rest = (on_history, mesh, open_saver)
            if resident is None:
                state, history = train_streamed_members(blank.model, train, source, members, *rest)
            else:
                data = resident.data()
                start = _start_params(blank, data, terminal, mesh, may_stop=saving is not None)
                state, history = train_members(
                    *(blank.model, train, members, data, *rest), start_params=start
                )
        if saving is not None and any_process(stop_requested()):
            # The signal arrived while the last step was being saved.
            raise StoppedError("stopped; the training is saved, and the same command resumes it")
        check_finite(history, members)
    except DivergenceError:
        # It would only diverge again, and block other settings in the same folder.
        if saving is not None and is_first():
            discard_interrupted(saving.resume_dir, settings)
        raise
    return blank._replace(state=state, history=history, key=key), None


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


def _notice_gaps(
    experiment: Experiment,
    table: pd.DataFrame,
    scored: np.ndarray,
    split: Split,
    terminal: Terminal,
) -> None:
    """Prints notices about songs and scores that will be missing."""
    if len(scored) < len(table):
        terminal.notice(
            f"{nouns_of(experiment.all_text_blocks)}: missing in {len(table) - len(scored)} of "
            f"{len(table)} songs; models and baselines are clustered and scored on the other "
            f"{len(scored)}"
        )
    artists = table["artist"].iloc[scored]
    n_unknown = int(artists.isna().sum())
    if n_unknown == len(artists):
        terminal.notice(
            "no artists: held-out songs, intervals and verdicts are taken by song, as if each had "
            "an artist of its own; scores against artists are left empty"
        )
    elif 2 * n_unknown > len(artists):
        terminal.notice(
            f"artist: null in {n_unknown} of {len(artists)} songs; in the split, intervals and "
            "verdicts, each of them has an artist of its own"
        )
    for name in LABELS:
        found = vocabulary(table[name].iloc[scored])
        if len(found) < 2 and (found or name != "artist"):
            terminal.notice(
                f"{name}: got {len(found)} distinct value(s) ({', '.join(found) or 'all null'}), "
                "expected at least 2; scores against it are left empty"
            )
    both = set(table["artist"].iloc[split.train]) & set(table["artist"].iloc[split.heldout])
    if both - {None}:
        terminal.notice("all songs are by one artist, so held-out songs are not by new artists")
