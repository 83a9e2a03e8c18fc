"""Audio features and vectors of lyrics and tags side by side, standardised."""

import numpy as np

from musicvae_jax.config import Experiment
from musicvae_jax.features import Scaler, block_weights, singular_weights, standardise
from musicvae_jax.preprocess.inputs import Preprocessor
from musicvae_jax.representations import TextVectors
from musicvae_jax.runtime.cache import joined_rows

_SONGS_AT_ONCE = 8192


def input_scaler(
    experiment: Experiment,
    audio: Scaler,
    values: np.ndarray,
    texts: list[TextVectors],
    train: np.ndarray,
) -> Scaler:
    """The scaler of the audio features and lyrics vectors that the model reads, side by side.

    They are weighed against each other as `FeatureConfig.balance` says.

    Args:
        experiment: resolved.
        audio: standardisation of the audio features.
        values: audio features of all songs, `[songs, features]`.
        texts: the vectors of each lyrics block that the model reads.
        train: places of the training songs.

    Raises:
        InputError: a block to be weighed by its singular value is the same for all training songs.
    """
    if not texts:
        return audio
    # Lyrics vectors already have mean 0, and unit variance on average.
    widths = [text.values.shape[1] for text in texts]
    scalers = [Scaler(np.zeros(width, np.float32), np.ones(width, np.float32)) for width in widths]
    if len(texts) < len(experiment.features.blocks):
        scalers.insert(0, audio)
    if experiment.features.balance == "mfa":
        known = [text.values[train[text.known[train]]] for text in texts]
        if len(scalers) > len(texts):
            known.insert(0, standardise(values[train], audio))
        weights = singular_weights(known, experiment.modalities).astype(np.float32)
    else:
        weights = _variance_weights([len(one.mean) for one in scalers], len(texts))
    return Scaler(
        np.concatenate([one.mean for one in scalers]),
        np.concatenate([one.scale / w for one, w in zip(scalers, weights, strict=True)]),
    )


def _variance_weights(widths: list[int], n_texts: int) -> np.ndarray:
    """Audio, if there is any, and text get half of the variance each; texts get equal shares."""
    weights = block_weights(widths[-n_texts:])
    if len(widths) > n_texts:
        to_audio, to_text = block_weights([widths[0], sum(widths[1:])])
        weights = np.array([to_audio, *(to_text * weights)])
    return weights.astype(np.float32)


def standardised_audio(preprocessor: Preprocessor, values: np.ndarray) -> np.ndarray:
    blocks = (standardise(values[rows], preprocessor.audio) for rows in _slices(len(values)))
    return joined_rows(blocks, values.shape, preprocessor.experiment.features.cache_dir)


def joined_input(
    preprocessor: Preprocessor, audio: np.ndarray, texts: list[TextVectors]
) -> tuple[np.ndarray, np.ndarray | None]:
    """x and mask of a model that reads lyrics or tags, in memory or memory-mapped."""
    scaler, folder = preprocessor.scaler, preprocessor.experiment.features.cache_dir
    n_text = sum(text.values.shape[1] for text in texts)
    # The scaler has no audio features if the model reads none.
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
