"""From songs to what a model is given: features, lyrics, condition and split."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import jax
import numpy as np
import pandas as pd

from musicvae_jax import lyrics
from musicvae_jax.clustering import check_enough_songs
from musicvae_jax.config import DataConfig, Experiment, LyricsConfig
from musicvae_jax.errors import InputError
from musicvae_jax.features import (
    LEAST_SCALE_DB,
    CropStore,
    Scaler,
    Share,
    SongFeatures,
    build_features,
    build_stores,
    extract_features,
    fit_crop_scaler,
    fit_scaler,
    one_hot,
    open_crops,
    vocabulary,
)
from musicvae_jax.fusion import input_scaler, model_input
from musicvae_jax.lyrics import LyricsTransform, LyricsVectors
from musicvae_jax.runtime.devices import first_process_first, wait_for_all
from musicvae_jax.runtime.files import remove_abandoned
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import DEMO_PATH, LABELS, Songs, Split, find_songs, load_songs, split_songs
from musicvae_jax.songs.demo import DEMO_VERSION, N_DEMO_SONGS, demo_version, write_demo


class Inputs(NamedTuple):
    """What an experiment works with; "all songs" are the usable ones of the file.

    Attributes:
        audio: standardised audio features of all songs, `[songs, features]`.
        lyrics: vectors of the songs that have lyrics, or None if the experiment uses none.
        crops: mel spectrograms on disk, or None if the model does not need them.
        x: the model's input, `[songs, inputs]`; empty for a model of crops.
        weight: 0 where a song lacks an input, `[songs, inputs]`, or None if none does.
        condition: `[songs, labels]`, or None.
        split: training and held-out songs, among those that the model can encode.
        scored: indices of the songs that are clustered: all, or those with lyrics.
        scaler: standardisation of x, or of the crops.
        lyrics_transform: how x's lyrics were made, or None.
        vocabularies: labels of the training songs, by kind.
    """

    audio: np.ndarray
    lyrics: LyricsVectors | None
    crops: CropStore | None
    x: np.ndarray
    weight: np.ndarray | None
    condition: np.ndarray | None
    split: Split
    scored: np.ndarray
    scaler: Scaler
    lyrics_transform: LyricsTransform | None
    vocabularies: dict[str, tuple[str, ...]]

    @property
    def scored_audio(self) -> np.ndarray:
        """Standardised audio features of the scored songs; no copy where those are all."""
        return self.audio if len(self.scored) == len(self.audio) else self.audio[self.scored]


def resolve(experiment: Experiment, terminal: Terminal) -> Experiment:
    """The experiment with its song file found and, if it uses lyrics, its lyrics runtime settled.

    Makes the demo set if that is what is wanted.
    """
    experiment = replace(experiment, data=resolve_data(experiment.data, terminal))
    if not experiment.uses_lyrics:
        return experiment
    return replace(experiment, lyrics=resolve_lyrics(experiment.lyrics, terminal))


def resolve_data(data: DataConfig, terminal: Terminal) -> DataConfig:
    """The same with the song file found; says which."""
    path, description = find_songs(data.path)
    terminal.say(description)
    if data.path is None and path == DEMO_PATH:
        with first_process_first("demo songs"):
            _make_demo(terminal)
    return replace(data, path=path)


def resolve_lyrics(config: LyricsConfig, terminal: Terminal) -> LyricsConfig:
    """The same with the runtime settled; says which, and if it is a fallback."""
    settled, description = lyrics.resolve_runtime(config)
    terminal.say(description)
    return settled


def _make_demo(terminal: Terminal) -> None:
    found = demo_version(DEMO_PATH)
    if found == DEMO_VERSION:
        return
    if found is None and DEMO_PATH.exists():
        raise InputError(
            f"{DEMO_PATH}: is there and is not a demo set; move it, or name it with --data.path"
        )
    try:
        DEMO_PATH.parent.mkdir(exist_ok=True)
        remove_abandoned(DEMO_PATH.parent)
        with terminal.progress("making demo songs", N_DEMO_SONGS) as advance:
            write_demo(DEMO_PATH, on_song=advance)
    except OSError as error:
        raise InputError(
            f"{DEMO_PATH}: the demo set cannot be written ({error}); name songs with --data.path"
        ) from error


def read_songs(experiment: Experiment, terminal: Terminal) -> tuple[Songs, SongFeatures]:
    """The songs' metadata and audio features."""
    songs = load_songs(experiment.data.path)
    with terminal.progress("reading mels", len(songs.table)) as advance:
        _build_together(build_features, songs, experiment, advance)
        features = extract_features(songs, experiment.features, advance, terminal.notice)
    source = "from the cache" if features.from_cache else "from the mel spectrograms"
    terminal.say(
        f"features: {len(features.table)} songs {source}; {len(features.rejected)} of "
        f"{len(songs.table)} rows rejected"
    )
    return songs, features


def prepare_inputs(
    experiment: Experiment, songs: Songs, features: SongFeatures, terminal: Terminal
) -> Inputs:
    """Splits, standardises and encodes the condition; says what the scores will lack.

    Raises:
        InputError: too few songs to hold one out or to cluster, no lyrics where lyrics are used,
            or a condition without two values.
    """
    table = features.table
    declared = declared_columns(table, experiment)
    check_enough_songs(features.values, experiment.cluster)
    split = split_songs(
        table["artist"], experiment.data.heldout_fraction, experiment.data.split_seed
    )
    vectors = transform = None
    if experiment.uses_lyrics:
        transform, vectors = read_lyrics(experiment, declared, split, terminal)
        if experiment.model.inputs == "lyrics":
            split = _only_known(split, vectors.known)
    scored = np.arange(len(table)) if vectors is None else np.flatnonzero(vectors.known)
    check_enough_songs(features.values[scored], experiment.cluster)
    training_songs = table.iloc[split.train]
    vocabularies = {name: vocabulary(training_songs[name]) for name in LABELS}
    audio_scaler = fit_scaler(features.values[split.train], features.widths, LEAST_SCALE_DB)
    cache_dir = experiment.features.cache_dir
    audio, _ = model_input(features.values, None, "audio", audio_scaler, cache_dir)
    crops = None
    if experiment.model.kind == "conv_vae":
        crops = _open_crops(experiment, songs, features, terminal)
        x, weight, scaler = features.values[:, :0], None, fit_crop_scaler(crops, split.train)
    else:
        n_lyrics = 0 if vectors is None else vectors.values.shape[1]
        scaler = input_scaler(audio_scaler, n_lyrics, experiment.model.inputs)
        x, weight = audio, None
        if experiment.model.inputs != "audio":
            x, weight = model_input(
                features.values, vectors, experiment.model.inputs, scaler, cache_dir
            )
    condition = None
    if experiment.model.condition != "none":
        condition = _condition(experiment.model.condition, declared, vocabularies, terminal)
    _notice_gaps(table.iloc[scored], table, split, terminal)
    return Inputs(
        audio=audio,
        lyrics=vectors,
        crops=crops,
        x=x,
        weight=weight,
        condition=condition,
        split=split,
        scored=scored,
        scaler=scaler,
        lyrics_transform=transform,
        vocabularies=vocabularies,
    )


def declared_columns(table: pd.DataFrame, experiment: Experiment) -> pd.DataFrame:
    """The songs with no other columns than the experiment declares to be computed from.

    What models and representations are made of is read from this table, so that a label which
    has no mark in the tables cannot have been used: to read it is a `KeyError`.
    """
    text = ["lyrics"] if experiment.uses_lyrics else []
    return table[["music_id", *text, *experiment.labels_seen]]


def read_lyrics(
    experiment: Experiment, table: pd.DataFrame, split: Split, terminal: Terminal
) -> tuple[LyricsTransform, LyricsVectors]:
    """Lyrics vectors of all songs, fitted on the training songs that have lyrics."""
    n_texts = int(table["lyrics"].notna().sum())
    nobody_knows = pd.Series([None] * len(table), dtype=object)
    with (
        terminal.progress("embedding lyrics", n_texts) as advance,
        first_process_first("lyrics"),
    ):
        transform, vectors = lyrics.fit_transform(
            table["lyrics"],
            table["language"] if experiment.lyrics.centred else nobody_knows,
            split.train,
            experiment.lyrics,
            experiment.features.cache_dir,
            on_texts=advance,
            on_notice=terminal.notice,
        )
    return transform, vectors


def _only_known(split: Split, known: np.ndarray) -> Split:
    """The split among songs that have lyrics."""
    sides = Split(*(side[known[side]] for side in split))
    for name, side in sides._asdict().items():
        if len(side) == 0:
            raise InputError(
                f"lyrics: got {known.sum()} songs with lyrics, none of them on the {name} side "
                "of the split; expected some on both (another --data.split-seed may do)"
            )
    return sides


def _open_crops(
    experiment: Experiment, songs: Songs, features: SongFeatures, terminal: Terminal
) -> CropStore:
    with terminal.progress("storing mels", len(songs.table)) as advance:
        _build_together(build_stores, songs, experiment, advance)
        return open_crops(songs, experiment.features, features.rows, advance, terminal.notice)


def _build_together(
    build: Callable[..., int], songs: Songs, experiment: Experiment, advance: Callable[[int], None]
) -> None:
    """Of several processes, each makes its share of the parts; afterwards every one finds all."""
    share = Share(jax.process_index(), jax.process_count())
    if share.count == 1:
        return
    # Whatever cannot be made is tried again by every process, so that all end with the same error.
    with suppress(InputError):
        build(songs, experiment.features, share, advance)
    wait_for_all("parts")


def _notice_gaps(
    scored: pd.DataFrame, table: pd.DataFrame, split: Split, terminal: Terminal
) -> None:
    if len(scored) < len(table):
        terminal.notice(
            f"lyrics: {len(table) - len(scored)} of {len(table)} songs have none; the other "
            f"{len(scored)} are clustered and scored, in the baselines too"
        )
    for name in LABELS:
        found = vocabulary(scored[name])
        if len(found) < 2:
            terminal.notice(
                f"{name}: got {len(found)} distinct value(s) ({', '.join(found) or 'all null'}), "
                "expected at least 2; its scores are left empty"
            )
    both = set(table["artist"].iloc[split.train]) & set(table["artist"].iloc[split.heldout])
    if both - {None}:
        terminal.notice("all songs are by one artist, so held-out songs are by a known artist")


def _condition(
    field: str,
    table: pd.DataFrame,
    vocabularies: dict[str, tuple[str, ...]],
    terminal: Terminal,
) -> np.ndarray:
    """The one-hot condition of every song; a label that no training song has counts as null."""
    known = vocabularies[field]
    if len(known) < 2:
        raise InputError(
            f"model.condition {field}: got {len(known)} distinct value(s) "
            f"({', '.join(known) or 'all null'}) in the training songs, expected at least 2"
        )
    is_new = table[field].notna() & ~table[field].isin(known)
    if is_new.any():
        terminal.notice(
            f"{field}: {is_new.sum()} held-out song(s) have a {field} that no training song has "
            f"({', '.join(vocabulary(table[field][is_new]))}); the model is not told it"
        )
    return one_hot(table[field].mask(is_new, None), known, field)
