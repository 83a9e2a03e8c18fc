"""Fits an experiment: features, preprocessing, training, and representations of all songs."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from musicvae_jax.clustering import check_enough_songs
from musicvae_jax.config import Experiment, RuntimeConfig
from musicvae_jax.features import SongFeatures
from musicvae_jax.pipeline.prepare import make_inputs, notice_gaps, read_features
from musicvae_jax.pipeline.train_or_find import Saving, train_or_find
from musicvae_jax.preprocess import ModelInputs, split_inputs
from musicvae_jax.representations import Representation, fit_pca
from musicvae_jax.runtime.devices import make_mesh
from musicvae_jax.runtime.stopwatch import Stopwatch
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import Songs, Split
from musicvae_jax.trained import Trained, add_fusions, base_representations, fit_fusions
from musicvae_jax.training import OnEpochs


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
        preprocessor, inputs, split = make_inputs(
            experiment, songs, features, split, terminal, runtime.fresh
        )
        scored = inputs.scored
        check_enough_songs(features.values[scored], experiment.cluster)
        notice_gaps(experiment, features.table, scored, split, terminal)
    trained, found = Trained(preprocessor, inputs.shape), None
    with watch.stage("training"):
        if experiment.model.traits.trained:
            trained, found = train_or_find(
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
