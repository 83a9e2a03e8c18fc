"""Fits preprocessing on training songs and applies it to any."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from musicvae_jax import lyrics
from musicvae_jax.config import BLOCKS, Block, Experiment, FeatureConfig
from musicvae_jax.config.naming import block_name, nouns_of
from musicvae_jax.errors import InputError
from musicvae_jax.features import (
    CropStore,
    SongFeatures,
    TagTransform,
    apply_tags,
    extract_features,
    fit_crop_scaler,
    fit_scaler,
    fit_tags,
    one_hot,
    open_crops,
    vocabulary,
)
from musicvae_jax.lyrics import LyricsTransform
from musicvae_jax.preprocess.inputs import ModelInputs, Preprocessor, any_input
from musicvae_jax.preprocess.joined import input_scaler, joined_input, standardised_audio
from musicvae_jax.representations import Representation, TextVectors
from musicvae_jax.songs import LABELS, Songs, Split, split_songs

OnCount = Callable[[int], None]
OnNotice = Callable[[str], None]


def audio_config(experiment: Experiment) -> FeatureConfig:
    """The feature settings of an experiment with its audio blocks only."""
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
    """Fits the preprocessing on the training songs and applies it to all songs.

    Args:
        experiment: resolved.
        songs: opened song files.
        features: their audio features.
        split: training and held-out songs.
        on_rows: called with the number of mel spectrograms stored, for a model of crops.
        on_texts: called with the number of texts after each group that is embedded.
        on_notice: called with each line the user should see.

    Returns:
        The preprocessor, the inputs, and the split of the songs that the model can read.

    Raises:
        InputError: the experiment uses lyrics or tags and there are none, or the condition or a
            fused label has fewer than two values.
    """
    table = _declared(features.table, experiment)
    vectors: dict[str, TextVectors] = {}
    transforms: dict[str, LyricsTransform | TagTransform] = {}
    # Blocks with the same name are the same.
    blocks = {block_name(experiment, block): block for block in experiment.all_text_blocks}
    for text, block in blocks.items():
        transforms[text], vectors[text] = _fit_text(
            experiment, block, table, split.train, on_texts, on_notice
        )
    known_texts = [one.known for one in _texts(experiment, vectors)]
    nouns = nouns_of(experiment.text_blocks)
    split = _readable(split, any_input(experiment, known_texts, len(table)), nouns)
    training_songs = features.table.iloc[split.train]
    least = [BLOCKS[name].least_scale for name in features.config.blocks]
    audio = fit_scaler(features.values[split.train], features.widths, least)
    crops = None
    if experiment.model.traits.reads == "crops":
        crops = open_crops(songs, features.config, features.rows, on_rows, on_notice)
        scaler = fit_crop_scaler(crops, split.train)
    else:
        texts = _texts(experiment, vectors)
        scaler = input_scaler(experiment, audio, features.values, texts, split.train)
    preprocessor = Preprocessor(
        experiment=experiment,
        audio=audio,
        texts=transforms,
        scaler=scaler,
        vocabularies={name: vocabulary(training_songs[name]) for name in LABELS},
        fused_labels={},
        feature_names=features.names,
    )
    if (label := experiment.model.condition) != "none":
        known = preprocessor.vocabularies[label]
        _check_label(f"model.condition {label}", known, "training")
        table = _without_new_labels(table, label, known, on_notice)
    inputs = _assemble(preprocessor, features, table, vectors, crops)
    fused_labels: dict[Block, tuple[str, ...]] = {
        name: vocabulary(table[BLOCKS[name].column].iloc[inputs.scored])
        for name in experiment.fuse
        if BLOCKS[name].is_label
    }
    preprocessor = preprocessor._replace(fused_labels=fused_labels)
    for name, known in fused_labels.items():
        _check_label(f"fuse {name}", known, "clustered")
        # Songs outside the clustering may have labels without a column.
        table = _without_new_labels(table, BLOCKS[name].column, known, None)
    labels = _label_blocks(preprocessor, table, fused_labels)
    return preprocessor, inputs._replace(blocks=dict(inputs.blocks) | labels), split


def transform(
    preprocessor: Preprocessor,
    songs: Songs,
    blocks: Collection[Block] | None = None,
    on_rows: OnCount | None = None,
    on_notice: OnNotice | None = None,
) -> ModelInputs:
    """The model's input for songs, including new ones.

    Args:
        preprocessor: fitted on training songs.
        songs: opened song files; their features are extracted like the training songs'.
        blocks: the blocks of lyrics, tags and labels that are needed besides the model's input; by
            default all.
        on_rows: called with the number of mel spectrograms read.
        on_notice: called with each line the user should see.

    Raises:
        InputError: no song is usable, a label occurs in no training song, the lyrics model is not
            available, or a table of features lacks some of the training songs' columns.
    """
    experiment = preprocessor.experiment
    songs = _with_columns(songs, preprocessor.feature_names)
    features = extract_features(songs, audio_config(experiment), on_rows, on_notice)
    table = _declared(features.table, experiment)
    wanted = {*BLOCKS} if blocks is None else {*blocks, *experiment.text_blocks}
    texts = [block for block in experiment.all_text_blocks if block in wanted]
    vectors = {
        name: _apply_text(preprocessor, name, block, table, on_notice)
        for name, block in {block_name(experiment, block): block for block in texts}.items()
    }
    crops = None
    if experiment.model.traits.reads == "crops":
        crops = open_crops(songs, features.config, features.rows, on_rows, on_notice)
    inputs = _assemble(preprocessor, features, table, vectors, crops)
    labels = [name for name in preprocessor.fused_labels if name in wanted]
    return inputs._replace(blocks=dict(inputs.blocks) | _label_blocks(preprocessor, table, labels))


def _with_columns(songs: Songs, names: tuple[str, ...]) -> Songs:
    """Songs from a table with the columns of the training songs, in their order."""
    if songs.features is None or not names:
        return songs
    return songs._replace(features=songs.features.columns(names))


def _fit_text(
    experiment: Experiment,
    block: Block,
    table: pd.DataFrame,
    train: np.ndarray,
    on_texts: OnCount | None,
    on_notice: OnNotice | None,
) -> tuple[LyricsTransform | TagTransform, TextVectors]:
    traits = BLOCKS[block]
    if traits.is_tags:
        fitted = fit_tags(table[traits.column], train)
        return fitted, apply_tags(fitted, table[traits.column])
    config = experiment.lyrics_of(block)
    return lyrics.fit_transform(
        block,
        table[traits.column],
        _languages(table, config.centred),
        train,
        config,
        experiment.features.cache_dir,
        on_texts,
        on_notice,
    )


def _apply_text(
    preprocessor: Preprocessor,
    name: str,
    block: Block,
    table: pd.DataFrame,
    on_notice: OnNotice | None,
) -> TextVectors:
    traits, fitted = BLOCKS[block], preprocessor.texts[name]
    if isinstance(fitted, TagTransform):
        return apply_tags(fitted, table[traits.column])
    return lyrics.transform(
        fitted,
        table[traits.column],
        _languages(table, fitted.config.centred),
        preprocessor.experiment.features.cache_dir,
        on_notice=on_notice,
    )


def _declared(table: pd.DataFrame, experiment: Experiment) -> pd.DataFrame:
    """The songs with only the columns that the experiment declares.

    Models and representations are computed from this table. Reading an undeclared label is a
    `KeyError`, so no label can be used without a mark in the tables.
    """
    columns = [name for name in experiment.columns_seen if name in table]
    return table[["music_id", *columns]]


def _languages(table: pd.DataFrame, centred: bool) -> pd.Series:
    return table["language"] if centred else pd.Series([None] * len(table), dtype=object)


def _assemble(
    preprocessor: Preprocessor,
    features: SongFeatures,
    table: pd.DataFrame,
    vectors: Mapping[str, TextVectors],
    crops: CropStore | None,
) -> ModelInputs:
    experiment, songs = preprocessor.experiment, table["music_id"].to_numpy(object)
    audio = standardised_audio(preprocessor, features.values)
    if crops is not None:
        x, mask = features.values[:, :0], None
    elif experiment.text_blocks:
        texts = _texts(experiment, vectors)
        x, mask = joined_input(preprocessor, features.values, texts)
    else:
        x, mask = audio, None
    condition = None
    if (label := experiment.model.condition) != "none":
        condition = one_hot(table[label], preprocessor.vocabularies[label], label)
    everything = np.ones(len(songs), bool)
    return ModelInputs(
        table=features.table,
        rejected=features.rejected,
        audio=Representation("raw", songs, audio[None], everything, experiment.audio_columns),
        blocks={
            block: _text_block(experiment, block, songs, vectors)
            for block in experiment.all_text_blocks
            if block_name(experiment, block) in vectors
        },
        x=x,
        mask=mask,
        condition=condition,
        crops=crops,
        scaler=preprocessor.scaler,
        experiment=experiment,
    )


def _texts(experiment: Experiment, vectors: Mapping[str, TextVectors]) -> list[TextVectors]:
    """The vectors of the blocks of lyrics or tags that the model reads."""
    return [vectors[block_name(experiment, block)] for block in experiment.text_blocks]


def _text_block(
    experiment: Experiment, block: Block, songs: np.ndarray, vectors: Mapping[str, TextVectors]
) -> Representation:
    name = block_name(experiment, block)
    columns, found = experiment.columns_of(block), vectors[name]
    return Representation(name, songs, found.values[None], found.known, columns)


def _label_blocks(
    preprocessor: Preprocessor, table: pd.DataFrame, names: Iterable[Block]
) -> dict[Block, Representation]:
    songs, found = table["music_id"].to_numpy(object), {}
    for name in names:
        column = BLOCKS[name].column
        points = one_hot(table[column], preprocessor.fused_labels[name], column)
        found[name] = Representation(
            name, songs, points[None], np.ones(len(songs), bool), (column,)
        )
    return found


def _readable(split: Split, readable: np.ndarray, nouns: str) -> Split:
    """The split without songs that the model cannot read."""
    sides = Split(*(side[readable[side]] for side in split))
    for name, side in sides._asdict().items():
        if len(side) == 0:
            raise InputError(
                f"{nouns}: got {readable.sum()} songs with {nouns}, none of them on the {name} "
                "side of the split; expected some on both sides (try another --data.split-seed)"
            )
    return sides


def _check_label(setting: str, known: tuple[str, ...], of_songs: str) -> None:
    if len(known) < 2:
        raise InputError(
            f"{setting}: got {len(known)} distinct value(s) ({', '.join(known) or 'all null'}) in "
            f"the {of_songs} songs, expected at least 2"
        )


def _without_new_labels(
    table: pd.DataFrame, label: str, known: tuple[str, ...], on_notice: OnNotice | None
) -> pd.DataFrame:
    """The table with null for labels outside the vocabulary."""
    is_new = table[label].notna() & ~table[label].isin(known)
    if is_new.any() and on_notice:
        on_notice(
            f"{label}: {is_new.sum()} held-out song(s) have a {label} that no training song has "
            f"({', '.join(vocabulary(table[label][is_new]))}); the model does not see it"
        )
    return table.assign(**{label: table[label].mask(is_new, None)})
