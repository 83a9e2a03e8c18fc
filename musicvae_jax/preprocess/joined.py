"""Audio features and vectors of lyrics and tags side by side, standardised."""

import numpy as np

from musicvae_jax.config import Experiment
from musicvae_jax.features import Scaler, block_weights, standardise
from musicvae_jax.preprocess.inputs import Preprocessor
from musicvae_jax.representations import TextVectors
from musicvae_jax.runtime.cache import joined_rows

_SONGS_AT_ONCE = 8192


def input_scaler(experiment: Experiment, audio: Scaler, widths: list[int]) -> Scaler:
    """The scaler of the audio features and lyrics vectors that the model reads, side by side.

    Audio and text get half of the variance each; within each, all blocks get equal shares.
    """
    if not widths:
        return audio
    # Lyrics vectors already have unit variance on average.
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
