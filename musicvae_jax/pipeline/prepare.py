"""The songs' features and what a model reads of them, from the caches if possible."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial

import jax
import numpy as np
import pandas as pd

from musicvae_jax.config import Experiment
from musicvae_jax.config.naming import nouns_of
from musicvae_jax.errors import InputError
from musicvae_jax.features import (
    Share,
    SongFeatures,
    build_features,
    build_stores,
    extract_features,
    vocabulary,
)
from musicvae_jax.preprocess import ModelInputs, Preprocessor, audio_config, fit_transform
from musicvae_jax.runtime.devices import first_process_first, wait_for_all
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import LABELS, Songs, Split


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


def make_inputs(
    experiment: Experiment,
    songs: Songs,
    features: SongFeatures,
    split: Split,
    terminal: Terminal,
    fresh: bool,
) -> tuple[Preprocessor, ModelInputs, Split]:
    """Fits the preprocessing and applies it; see `fit_transform`."""
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


def notice_gaps(
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
