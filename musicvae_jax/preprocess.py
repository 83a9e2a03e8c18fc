"""The way from songs to what a model reads, fitted on training songs and saved with the model.

`fit_transform` is for training, `transform` for any songs afterwards; there is no other way.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax import lyrics
from musicvae_jax.config import BLOCKS, Block, Experiment, FeatureConfig
from musicvae_jax.config.naming import block_name
from musicvae_jax.errors import InputError
from musicvae_jax.features import (
    CropStore,
    Scaler,
    SongFeatures,
    block_weights,
    extract_features,
    fit_crop_scaler,
    fit_scaler,
    one_hot,
    open_crops,
    standardise,
    vocabulary,
)
from musicvae_jax.lyrics import LyricsTransform, LyricsVectors
from musicvae_jax.representations import Representation
from musicvae_jax.runtime.cache import joined_rows
from musicvae_jax.songs import LABELS, MEL_BANDS, Rejection, Songs, Split, split_songs

_SONGS_AT_ONCE = 8192
OnCount = Callable[[int], None]
OnNotice = Callable[[str], None]


class Preprocessor(NamedTuple):
    """All that was fitted on the training songs.

    Attributes:
        experiment: the resolved config.
        audio: standardisation of the audio features.
        lyrics: how lyrics become vectors, by the name that tables call these.
        scaler: standardisation of the model's input, or of the crops.
        vocabularies: by kind of label ("genre"), the training songs' labels, in the order of the
            columns of their one-hot encoding.
        fused_labels: the same for labels that are fused with latents, of all clustered songs.
    """

    experiment: Experiment
    audio: Scaler
    lyrics: Mapping[str, LyricsTransform]
    scaler: Scaler
    vocabularies: Mapping[str, tuple[str, ...]]
    fused_labels: Mapping[str, tuple[str, ...]]


class ModelInputs(NamedTuple):
    """What a model reads of songs, and what they are described by beside it.

    Attributes:
        table: the usable songs, see `SongFeatures.table`.
        rejected: the rows that could not be used.
        audio: standardised audio features, a representation called "raw".
        blocks: blocks of lyrics and labels, by name; vectors of unknown songs are zeros.
        x: the model's input, float32 `[songs, inputs]`; without columns for a model of crops.
        mask: 0 where a song lacks an input, else 1, `[songs, inputs]`; None if none does.
        condition: one-hot labels, `[songs, labels]`, or None.
        crops: mel spectrograms on disk, for a model of crops, else None.
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
        """Of an example: `[features]`, or `[bands, frames]` of a crop."""
        if self.crops is not None:
            return MEL_BANDS, self.experiment.crops.frames
        return (self.x.shape[1],)

    @property
    def readable(self) -> np.ndarray:
        """Songs that the model can read something of, bool `[songs]`."""
        known = [self.blocks[name].known for name in self.experiment.text_blocks]
        return _any_input(self.experiment, known, len(self.songs))

    @property
    def known(self) -> np.ndarray:
        """Songs that every block of lyrics says something about, bool `[songs]`."""
        of_blocks = [self.blocks[name].known for name in self.experiment.lyrics_blocks]
        return np.all([np.ones(len(self.songs), bool), *of_blocks], axis=0)


def audio_config(experiment: Experiment) -> FeatureConfig:
    """The settings of an experiment's audio blocks alone."""
    return replace(experiment.features, blocks=experiment.audio_blocks)


def split_inputs(experiment: Experiment, table: pd.DataFrame) -> Split:
    """Training and held-out songs, by artist."""
    data = experiment.data
    return split_songs(table["artist"], data.heldout_fraction, data.split_seed)


def fit_transform(
    experiment: Experiment,
    songs: Songs,
    features: SongFeatures,
    split: Split,
    on_rows: OnCount | None = None,
    on_texts: OnCount | None = None,
    on_notice: OnNotice | None = None,
) -> tuple[Preprocessor, ModelInputs, Split]:
    """Fits everything on the training songs, and returns what the model reads of all songs.

    Args:
        experiment: resolved.
        songs: opened song files.
        features: their audio features.
        split: training and held-out songs.
        on_rows: called with the number of mel spectrograms that were stored, for crops.
        on_texts: called with the number of texts after each group that is embedded.
        on_notice: called with a line the reader should see.

    Returns:
        The preprocessor, the inputs, and the split among songs that the model can read.

    Raises:
        InputError: no lyrics where lyrics are used, or a condition without two values.
    """
    table = _declared(features.table, experiment)
    vectors: dict[str, LyricsVectors] = {}
    transforms: dict[str, LyricsTransform] = {}
    # Blocks of one name are the same.
    blocks = {block_name(experiment, block): block for block in experiment.lyrics_blocks}
    for name, block in blocks.items():
        config = experiment.lyrics_of(block)
        transforms[name], vectors[name] = lyrics.fit_transform(
            block,
            table["lyrics"],
            _languages(table, config.centred),
            split.train,
            config,
            experiment.features.cache_dir,
            on_texts,
            on_notice,
        )
    known = [text.known for text in _texts(experiment, vectors)]
    split = _readable(split, _any_input(experiment, known, len(table)))
    training_songs = features.table.iloc[split.train]
    least = [BLOCKS[name].least_scale for name in features.config.blocks]
    audio = fit_scaler(features.values[split.train], features.widths, least)
    crops = None
    if experiment.model.traits.reads == "crops":
        crops = open_crops(songs, features.config, features.rows, on_rows, on_notice)
        scaler = fit_crop_scaler(crops, split.train)
    else:
        texts = _texts(experiment, vectors)
        widths = [text.values.shape[1] for text in texts]
        scaler = _input_scaler(experiment, audio, widths)
    preprocessor = Preprocessor(
        experiment=experiment,
        audio=audio,
        lyrics=transforms,
        scaler=scaler,
        vocabularies={name: vocabulary(training_songs[name]) for name in LABELS},
        fused_labels={},
    )
    if (label := experiment.model.condition) != "none":
        _check_condition(label, preprocessor.vocabularies[label])
        table = _without_new_labels(table, label, preprocessor.vocabularies[label], on_notice)
    inputs = _assemble(preprocessor, features, table, vectors, crops)
    fused_labels = {
        name: vocabulary(table[BLOCKS[name].column][inputs.known])
        for name in experiment.fuse
        if BLOCKS[name].is_label
    }
    preprocessor = preprocessor._replace(fused_labels=fused_labels)
    for name, known in fused_labels.items():
        # Songs that are not clustered may have labels without a column.
        table = _without_new_labels(table, BLOCKS[name].column, known, None)
    inputs = inputs._replace(blocks=dict(inputs.blocks) | _label_blocks(preprocessor, table))
    return preprocessor, inputs, split


def transform(
    preprocessor: Preprocessor,
    songs: Songs,
    on_rows: OnCount | None = None,
    on_notice: OnNotice | None = None,
) -> ModelInputs:
    """What the model reads of songs, new ones included.

    Args:
        preprocessor: fitted on training songs.
        songs: opened song files; their features are extracted as the training songs' were.
        on_rows: called with the number of mel spectrograms that were read.
        on_notice: called with a line the reader should see.

    Raises:
        InputError: no usable song, a label that no training song has, or a lyrics model that
            cannot be had.
    """
    experiment = preprocessor.experiment
    features = extract_features(songs, audio_config(experiment), on_rows, on_notice)
    table = _declared(features.table, experiment)
    vectors = {
        name: lyrics.transform(
            fitted,
            table["lyrics"],
            _languages(table, fitted.config.centred),
            experiment.features.cache_dir,
            on_notice=on_notice,
        )
        for name, fitted in preprocessor.lyrics.items()
    }
    crops = None
    if experiment.model.traits.reads == "crops":
        crops = open_crops(songs, features.config, features.rows, on_rows, on_notice)
    inputs = _assemble(preprocessor, features, table, vectors, crops)
    return inputs._replace(blocks=dict(inputs.blocks) | _label_blocks(preprocessor, table))


def _declared(table: pd.DataFrame, experiment: Experiment) -> pd.DataFrame:
    """The songs with no other columns than the experiment declares to be computed from.

    What models and representations are made of is read from this table, so that a label without a
    mark in the tables cannot have been used: reading it is a `KeyError`.
    """
    columns = [name for name in experiment.columns_seen if name in table]
    return table[["music_id", *columns]]


def _languages(table: pd.DataFrame, centred: bool) -> pd.Series:
    return table["language"] if centred else pd.Series([None] * len(table), dtype=object)


def _assemble(
    preprocessor: Preprocessor,
    features: SongFeatures,
    table: pd.DataFrame,
    vectors: Mapping[str, LyricsVectors],
    crops: CropStore | None,
) -> ModelInputs:
    experiment, songs = preprocessor.experiment, table["music_id"].to_numpy(object)
    audio = _standardised_audio(preprocessor, features.values)
    if crops is not None:
        x, mask = features.values[:, :0], None
    elif experiment.text_blocks:
        texts = _texts(experiment, vectors)
        x, mask = _joined_input(preprocessor, features.values, texts)
    else:
        x, mask = audio, None
    condition = None
    if (label := experiment.model.condition) != "none":
        condition = one_hot(table[label], preprocessor.vocabularies[label], label)
    everything = np.ones(len(songs), bool)
    return ModelInputs(
        table=features.table,
        rejected=features.rejected,
        audio=Representation("raw", songs, audio[None], everything, ("melspectrogram",)),
        blocks={
            block: _lyrics_block(experiment, block, songs, vectors)
            for block in experiment.lyrics_blocks
        },
        x=x,
        mask=mask,
        condition=condition,
        crops=crops,
        scaler=preprocessor.scaler,
        experiment=experiment,
    )


def _texts(experiment: Experiment, vectors: Mapping[str, LyricsVectors]) -> list[LyricsVectors]:
    """Of the blocks of lyrics that the model reads."""
    return [vectors[block_name(experiment, block)] for block in experiment.text_blocks]


def _lyrics_block(
    experiment: Experiment, block: Block, songs: np.ndarray, vectors: Mapping[str, LyricsVectors]
) -> Representation:
    name = block_name(experiment, block)
    columns, found = experiment.columns_of(block), vectors[name]
    return Representation(name, songs, found.values[None], found.known, columns)


def _label_blocks(preprocessor: Preprocessor, table: pd.DataFrame) -> dict[Block, Representation]:
    songs, found = table["music_id"].to_numpy(object), {}
    for name, known in preprocessor.fused_labels.items():
        column = BLOCKS[name].column
        points = one_hot(table[column], known, column)
        found[name] = Representation(
            name, songs, points[None], np.ones(len(songs), bool), (column,)
        )
    return found


def _input_scaler(experiment: Experiment, audio: Scaler, widths: list[int]) -> Scaler:
    """Of the audio features and the vectors of lyrics that the model reads, side by side.

    Audio and text get half of the variance each, and so do the blocks of each among themselves.
    """
    if not widths:
        return audio
    # Vectors have unit variance on average as they come.
    text = Scaler(
        np.zeros(sum(widths), np.float32),
        np.repeat(1.0 / block_weights(widths), widths).astype(np.float32),
    )
    if len(experiment.text_blocks) == len(experiment.features.blocks):
        return text
    to_audio, to_text = block_weights([len(audio.mean), sum(widths)]).astype(np.float32)
    return Scaler(
        np.concatenate([audio.mean, text.mean]),
        np.concatenate([audio.scale / to_audio, text.scale / to_text]),
    )


def _standardised_audio(preprocessor: Preprocessor, values: np.ndarray) -> np.ndarray:
    blocks = (standardise(values[rows], preprocessor.audio) for rows in _slices(len(values)))
    return joined_rows(blocks, values.shape, preprocessor.experiment.features.cache_dir)


def _joined_input(
    preprocessor: Preprocessor, audio: np.ndarray, texts: list[LyricsVectors]
) -> tuple[np.ndarray, np.ndarray | None]:
    """x and mask of a model that reads lyrics, in memory or memory-mapped."""
    scaler, folder = preprocessor.scaler, preprocessor.experiment.features.cache_dir
    n_text = sum(text.values.shape[1] for text in texts)
    # Without audio in the model there is none of it in the scaler.
    n_audio = len(scaler.mean) - n_text
    shape = (len(audio), len(scaler.mean))

    def mask(rows: slice) -> np.ndarray:
        known = [np.repeat(text.known[rows, None], text.values.shape[1], axis=1) for text in texts]
        return np.concatenate([np.ones((len(known[0]), n_audio)), *known], axis=1).astype(
            np.float32
        )

    def x(rows: slice) -> np.ndarray:
        parts = [audio[rows, :n_audio], *(text.values[rows] for text in texts)]
        return standardise(np.concatenate(parts, axis=1), scaler) * mask(rows)

    joined = joined_rows(map(x, _slices(len(audio))), shape, folder)
    if all(text.known.all() for text in texts):
        return joined, None
    return joined, joined_rows(map(mask, _slices(len(audio))), shape, folder)


def _slices(n_songs: int) -> list[slice]:
    return [slice(i, i + _SONGS_AT_ONCE) for i in range(0, n_songs, _SONGS_AT_ONCE)]


def _any_input(experiment: Experiment, known: list[np.ndarray], n_songs: int) -> np.ndarray:
    """Songs with an input: all where the model reads audio, else those with known lyrics."""
    if len(known) < len(experiment.features.blocks):
        return np.ones(n_songs, bool)
    return np.any(known, axis=0)


def _readable(split: Split, readable: np.ndarray) -> Split:
    """The split among songs that the model can read."""
    sides = Split(*(side[readable[side]] for side in split))
    for name, side in sides._asdict().items():
        if len(side) == 0:
            raise InputError(
                f"lyrics: got {readable.sum()} songs with lyrics, none of them on the {name} side "
                "of the split; expected some on both (another --data.split-seed may do)"
            )
    return sides


def _check_condition(label: str, known: tuple[str, ...]) -> None:
    if len(known) < 2:
        raise InputError(
            f"model.condition {label}: got {len(known)} distinct value(s) "
            f"({', '.join(known) or 'all null'}) in the training songs, expected at least 2"
        )


def _without_new_labels(
    table: pd.DataFrame, label: str, known: tuple[str, ...], on_notice: OnNotice | None
) -> pd.DataFrame:
    """The table with labels that no training song has as null."""
    is_new = table[label].notna() & ~table[label].isin(known)
    if is_new.any() and on_notice:
        on_notice(
            f"{label}: {is_new.sum()} held-out song(s) have a {label} that no training song has "
            f"({', '.join(vocabulary(table[label][is_new]))}); the model is not given it"
        )
    return table.assign(**{label: table[label].mask(is_new, None)})
