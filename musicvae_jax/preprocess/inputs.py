"""What preprocessing makes: the fitted preprocessor, and the inputs of a model."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.config import Block, Experiment
from musicvae_jax.features import CropStore, Scaler, TagTransform
from musicvae_jax.lyrics import LyricsTransform
from musicvae_jax.representations import Representation
from musicvae_jax.songs import MEL_BANDS, Rejection


class Preprocessor(NamedTuple):
    """Everything fitted on the training songs.

    Attributes:
        experiment: the resolved config.
        audio: standardisation of the audio features.
        texts: the fitted transform of each block of lyrics or tags, by its name in tables.
        scaler: standardisation of the model's input, or of the crops.
        vocabularies: for each kind of label ("genre"), the training songs' labels, in the order of
            their one-hot columns.
        fused_labels: the same for labels that are fused with latents, from all clustered songs.
        feature_names: names of the audio features, if they came as a table; else empty.
    """

    experiment: Experiment
    audio: Scaler
    texts: Mapping[str, LyricsTransform | TagTransform]
    scaler: Scaler
    vocabularies: Mapping[str, tuple[str, ...]]
    fused_labels: Mapping[Block, tuple[str, ...]]
    feature_names: tuple[str, ...] = ()


class ModelInputs(NamedTuple):
    """The input of a model, and other descriptions of the same songs.

    Attributes:
        table: the usable songs, see `SongFeatures.table`.
        rejected: the rows that could not be used.
        audio: standardised audio features, a representation called "raw".
        blocks: blocks of lyrics, tags and labels, by name; zeros for songs without them.
        x: the model's input, float32 `[songs, inputs]`; no columns for a model of crops.
        mask: 0 if a song lacks an input, else 1, `[songs, inputs]`; None if no song does.
        condition: one-hot labels, `[songs, labels]`, or None.
        crops: mel spectrograms on disk for a model of crops, else None.
        scaler: standardisation of x, or of the crops.
        experiment: the resolved config.
    """

    table: pd.DataFrame
    rejected: list[Rejection]
    audio: Representation
    blocks: Mapping[Block, Representation]
    x: np.ndarray
    mask: np.ndarray | None
    condition: np.ndarray | None
    crops: CropStore | None
    scaler: Scaler
    experiment: Experiment

    @property
    def songs(self) -> np.ndarray:
        """music_id of each song."""
        return self.audio.songs

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an example: `[features]`, or `[bands, frames]` for a crop.

        For a model of blocks, the width of each of `Experiment.modalities`.
        """
        if self.crops is not None:
            return MEL_BANDS, self.experiment.crops.frames
        if self.experiment.model.traits.reads == "blocks":
            texts = [self.blocks[name].points.shape[2] for name in self.experiment.text_blocks]
            audio = self.x.shape[1] - sum(texts)
            return (audio, *texts) if audio else tuple(texts)
        return (self.x.shape[1],)

    def only(self, given: Collection[str]) -> "ModelInputs":
        """The same songs with some of `Experiment.modalities` only, the others missing."""
        kept = [name in given for name in self.experiment.modalities]
        mask = np.repeat(np.array(kept, np.float32), self.shape)[None]
        mask = np.broadcast_to(mask, self.x.shape) if self.mask is None else mask * self.mask
        return self._replace(x=self.x * mask, mask=mask)

    @property
    def readable(self) -> np.ndarray:
        """Songs that have some of the model's input, bool `[songs]`."""
        known = [self.blocks[name].known for name in self.experiment.text_blocks]
        return any_input(self.experiment, known, len(self.songs))

    @property
    def known(self) -> np.ndarray:
        """Songs known to every block of lyrics or tags, bool `[songs]`."""
        of_blocks = [self.blocks[name].known for name in self.experiment.all_text_blocks]
        return np.all([np.ones(len(self.songs), bool), *of_blocks], axis=0)

    @property
    def scored(self) -> np.ndarray:
        """Places of the songs to cluster and score, see `ClusterConfig.songs`."""
        is_scored = self.readable if self.experiment.cluster.songs == "all" else self.known
        return np.flatnonzero(is_scored)


def any_input(experiment: Experiment, known: list[np.ndarray], n_songs: int) -> np.ndarray:
    """Songs with an input: all where the model reads audio, else those with some text."""
    if len(known) < len(experiment.features.blocks):
        return np.ones(n_songs, bool)
    return np.any(known, axis=0)
