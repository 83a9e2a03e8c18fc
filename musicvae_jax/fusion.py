"""Audio and lyrics together: as one input of a model, or side by side after it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from musicvae_jax.features import Scaler, block_weights, standardise
from musicvae_jax.lyrics import LyricsVectors
from musicvae_jax.runtime.cache import joined_rows

_SONGS_AT_ONCE = 8192
Inputs = Literal["audio", "lyrics", "audio+lyrics"]


def input_scaler(audio: Scaler, n_lyrics: int, inputs: Inputs) -> Scaler:
    """The scaler of a model's input; audio and lyrics together get half of the variance each.

    Args:
        audio: of the audio features, which have unit variance on average after it.
        n_lyrics: dimensions of the lyrics vectors, which have it as they come.
        inputs: what the model encodes.
    """
    lyrics = Scaler(np.zeros(n_lyrics, np.float32), np.ones(n_lyrics, np.float32))
    if inputs != "audio+lyrics":
        return audio if inputs == "audio" else lyrics
    to_audio, to_lyrics = block_weights([len(audio.mean), n_lyrics]).astype(np.float32)
    return Scaler(
        np.concatenate([audio.mean, lyrics.mean]),
        np.concatenate([audio.scale / to_audio, lyrics.scale / to_lyrics]),
    )


def model_input(
    audio: np.ndarray, lyrics: LyricsVectors | None, inputs: Inputs, scaler: Scaler, folder: Path
) -> tuple[np.ndarray, np.ndarray | None]:
    """The standardised input of a model, and what in it is missing.

    Args:
        audio: unscaled audio features, `[songs, features]`, in memory or memory-mapped.
        lyrics: of the same songs; None will do for a model of audio alone.
        inputs: what the model encodes.
        scaler: from `input_scaler`.
        folder: of the files that hold what is too large for memory, see `cache.joined_rows`.

    Returns:
        x, float32 `[songs, inputs]`, and the weight of each cell: 0, like x, where a song lacks
        lyrics, else 1; None where nothing is missing.

    Raises:
        InputError: the folder cannot be written.
    """
    n_songs, n_inputs = len(audio), len(scaler.mean)
    rows = [slice(i, i + _SONGS_AT_ONCE) for i in range(0, n_songs, _SONGS_AT_ONCE)]
    if inputs == "audio":
        blocks = (standardise(audio[block], scaler) for block in rows)
        return joined_rows(blocks, (n_songs, n_inputs), folder), None
    n_audio = 0 if inputs == "lyrics" else audio.shape[1]

    def weight(block: slice) -> np.ndarray:
        found = np.ones((len(lyrics.known[block]), n_inputs), np.float32)
        found[~lyrics.known[block], n_audio:] = 0.0
        return found

    def x(block: slice) -> np.ndarray:
        both = np.concatenate([audio[block, :n_audio], lyrics.values[block]], axis=1)
        return standardise(both, scaler) * weight(block)

    joined = joined_rows(map(x, rows), (n_songs, n_inputs), folder)
    if lyrics.known.all():
        return joined, None
    return joined, joined_rows(map(weight, rows), (n_songs, n_inputs), folder)


def concatenate(blocks: Sequence[np.ndarray]) -> np.ndarray:
    """Representations side by side, each centred and scaled to the same total variance.

    Without that, distances, and with them clusters, are those of the block with the larger
    numbers.

    Args:
        blocks: each `[songs, dimensions]` of the same songs.

    Returns:
        float32 `[songs, sum of dimensions]`, of total variance 1 per block; a block that is the
        same for all songs becomes 0.
    """
    scaled = []
    for block in blocks:
        centred = block - block.mean(axis=0, dtype=np.float64)
        deviation = np.sqrt(np.mean(np.sum(centred**2, axis=1)))
        scaled.append(centred / (deviation if deviation > 0 else 1.0))
    return np.concatenate(scaled, axis=1).astype(np.float32)
