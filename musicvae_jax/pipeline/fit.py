"""Fits an experiment: features, preprocessor, training, and its representations of all songs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import pandas as pd

from musicvae_jax.clustering import check_enough_songs
from musicvae_jax.config import Experiment, RuntimeConfig
from musicvae_jax.errors import InputError, StoppedError
from musicvae_jax.features import (
    Share,
    SongFeatures,
    build_features,
    build_stores,
    extract_features,
    vocabulary,
)
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
    base_representations,
    find_trained,
    finish,
    fit_fusions,
    load,
)
from musicvae_jax.training import (
    DivergenceError,
    EpochReports,
    History,
    OnEpochs,
    check_finite,
)
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
from musicvae_jax.training.sweeps import train_members


class Fitted(NamedTuple):
    """A fitted experiment and the songs it was fitted on.

    Attributes:
        trained: the model.
        features: audio features of all usable songs.
        inputs: what the model reads of them.
        split: training and held-out songs, among those that the model can read.
        scored: places of the songs that are clustered: all, or those with lyrics.
        base: the model's representations of all songs before any fusion.
        own: the experiment's own representations of all songs.
        found: folder of the checkpoint that the model was found in; None where it was trained now.
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
    """Where a training is saved while it runs, and where it may be found trained.

    Attributes:
        resume_dir: of the interrupted training.
        neighbours: folders of checkpoints.
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
        saving: None saves nothing and always trains.
        on_epochs: called after each epoch of all members with its number, from 0, and the losses
            and active units of each member by name, `[members]`; on the host, between compiled
            chunks.
        watch: takes the time of the stages.

    Raises:
        InputError: the songs or the settings cannot be used, or an interrupted training has other
            settings.
        DivergenceError: training reached NaN or infinity.
        StoppedError: a signal came; what was trained is saved, and the same call resumes it.
    """
    watch = watch or Stopwatch()
    with watch.stage("features"):
        features = read_features(experiment, songs, terminal)
        check_enough_songs(features.values, experiment.cluster)
        split = split_inputs(experiment, features.table)
        preprocessor, inputs, split = _preprocess(experiment, songs, features, split, terminal)
        scored = np.flatnonzero(inputs.known)
        check_enough_songs(features.values[scored], experiment.cluster)
        _notice_gaps(features.table, scored, split, terminal)
    trained, found = Trained(preprocessor, inputs.shape), None
    with watch.stage("training"):
        if experiment.model.traits.trained:
            trained, found = _train_or_find(
                trained, inputs, split, songs.fingerprint, runtime, terminal, saving, on_epochs
            )
        elif experiment.model.traits.linear:
            projection = fit_pca(inputs.x, split.train, experiment.model.latent)
            trained = trained._replace(projection=projection)
        base = base_representations(trained, inputs, make_mesh(1, runtime.devices))
        fusions = fit_fusions(experiment, list(base.values()), inputs, split, scored)
        trained = trained._replace(fusions=fusions)
        own = finish(trained, inputs, base)
    return Fitted(trained, features, inputs, split, scored, tuple(base.values()), own, found)


def read_features(experiment: Experiment, songs: Songs, terminal: Terminal) -> SongFeatures:
    """The songs' audio features, from the cache where they are there."""
    config = audio_config(experiment)
    with terminal.progress("reading mels", len(songs.table)) as advance:
        _build_together(partial(build_features, songs, config), advance)
        features = extract_features(songs, config, advance, terminal.notice)
    source = "from the cache" if features.from_cache else "from the mel spectrograms"
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
) -> tuple:
    n_texts = int(features.table["lyrics"].notna().sum()) if experiment.uses_lyrics else 0
    reads_crops = experiment.model.traits.reads == "crops"
    with (
        terminal.progress("storing mels", len(songs.table) if reads_crops else 0) as on_rows,
        terminal.progress("embedding lyrics", n_texts) as on_texts,
    ):
        if reads_crops:
            _build_together(partial(build_stores, songs, audio_config(experiment)), on_rows)
        with _in_turns(experiment.uses_lyrics):
            return fit_transform(
                experiment, songs, features, split, on_rows, on_texts, terminal.notice
            )


@contextmanager
def _in_turns(is_needed: bool) -> Iterator[None]:
    """The first process alone, then the others, who find what it has cached."""
    if not is_needed:
        yield
        return
    with first_process_first("lyrics"):
        yield


def _build_together(build: Callable[..., int], advance: Callable[[int], None]) -> None:
    """Of several processes, each makes its share of the parts; afterwards every one finds all."""
    share = Share(jax.process_index(), jax.process_count())
    if share.count == 1:
        return
    # Whatever cannot be made is tried again by every process, so that all end with the same error.
    with suppress(InputError):
        build(share, advance)
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
    """The trained members of the sweep, and the folder where they were found, if they were.

    Another experiment's checkpoint of the same training (say, the audio model under a fusion with
    lyrics) is used as it is: training again would give the same numbers.
    """
    settings = training_settings(blank.preprocessor, fingerprint)
    key = training_key(settings)
    found = None
    if saving is not None and not runtime.fresh:
        found = find_trained(saving.neighbours, key)
    if found is not None:
        terminal.say(f"model: as trained in {found} (same settings, data and seeds)")
        there = load(found)
        return blank._replace(state=there.state, history=there.history, key=key), found
    members, train = blank.experiment.members, blank.experiment.train
    mesh = make_mesh(len(members), runtime.devices)
    source = make_source(inputs, *split)
    is_streamed = _is_streamed(source, runtime, terminal)
    open_saver: OpenSaver = save_nothing
    if saving is not None:
        # A training that streams is saved in another form, and neither resumes the other.
        where = {"data_budget_mb": "streamed" if is_streamed else "on the devices"}
        open_interrupted(saving.resume_dir, {**settings, **where}, runtime.restart)
        config = SaveConfig(runtime.checkpoint_every, runtime.checkpoints_kept)
        open_saver = partial(save_in, saving.resume_dir, config, stop_requested, terminal.notice)
    with defer_signals(), _reports(blank, terminal, on_epochs) as on_history:
        rest = (on_history, mesh, open_saver)
        if is_streamed:
            state, history = train_streamed_members(blank.model, train, source, members, *rest)
        else:
            state, history = train_members(blank.model, train, members, source.data(), *rest)
    if any_process(stop_requested()):
        # It came when the last step was being saved.
        raise StoppedError("stopped; the training is saved, and the same command resumes it")
    try:
        check_finite(history, blank.experiment.members)
    except DivergenceError:
        # It would diverge again, and block other settings in the same folder.
        if saving is not None and is_first():
            discard_interrupted(saving.resume_dir, settings)
        raise
    return blank._replace(state=state, history=history, key=key), None


def _is_streamed(
    source: CropSource | RowSource, runtime: RuntimeConfig, terminal: Terminal
) -> bool:
    if source.always_streams:
        return True
    n_mb = source.n_bytes / 10**6
    if n_mb <= runtime.data_budget_mb:
        return False
    terminal.say(
        f"features: {n_mb:,.1f} MB, streamed to the devices, since data_budget_mb is "
        f"{runtime.data_budget_mb:,}"
    )
    return True


@contextmanager
def _reports(
    blank: Trained, terminal: Terminal, on_epochs: OnEpochs | None
) -> Iterator[Callable[[int, int, History], None]]:
    """The progress bar, in epochs of all members, and the caller's own callback."""
    n_members, n_epochs = len(blank.experiment.members), blank.experiment.train.epochs
    report = None
    if on_epochs is not None:
        report = EpochReports(blank.model, n_members, n_epochs, on_epochs)
    with terminal.progress("training", n_members * n_epochs) as advance:

        def on_history(first_member: int, first_epoch: int, history: History) -> None:
            advance(history.active_units.size)
            if report is not None:
                report(first_member, first_epoch, history)

        yield on_history


def _notice_gaps(table: pd.DataFrame, scored: np.ndarray, split: Split, terminal: Terminal) -> None:
    """Says what the scores will lack."""
    if len(scored) < len(table):
        terminal.notice(
            f"lyrics: {len(table) - len(scored)} of {len(table)} songs have none; the other "
            f"{len(scored)} are clustered and scored, in the baselines too"
        )
    for name in LABELS:
        found = vocabulary(table[name].iloc[scored])
        if len(found) < 2:
            terminal.notice(
                f"{name}: got {len(found)} distinct value(s) ({', '.join(found) or 'all null'}), "
                "expected at least 2; its scores are left empty"
            )
    both = set(table["artist"].iloc[split.train]) & set(table["artist"].iloc[split.heldout])
    if both - {None}:
        terminal.notice("all songs are by one artist, so held-out songs are by a known artist")
