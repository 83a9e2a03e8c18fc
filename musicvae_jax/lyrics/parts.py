"""A fitted transform as arrays and JSON, for a checkpoint."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from musicvae_jax.config import LyricsConfig, from_json, to_json
from musicvae_jax.lyrics.centring import Centres
from musicvae_jax.lyrics.tfidf import Tfidf
from musicvae_jax.lyrics.vectors import LyricsTransform


def to_parts(transform: LyricsTransform) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays by name, and the rest as what JSON can hold; `from_parts` puts them together."""
    arrays = {"mean": transform.mean, "scale": transform.scale}
    if transform.tfidf is not None:
        arrays |= {f"tfidf_{name}": part for name, part in transform.tfidf._asdict().items()}
    if transform.centres is not None:
        arrays["centres"] = transform.centres.means
    meta = {
        "config": to_json(transform.config),
        "version": transform.version,
        "weights": transform.weights,
        "languages": None if transform.centres is None else list(transform.centres.languages),
    }
    return arrays, meta


def from_parts(arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> LyricsTransform:
    """The transform that `to_parts` took apart.

    Raises:
        KeyError: an array or an entry is missing.
    """
    config = from_json(LyricsConfig, meta["config"])
    parts = {name: np.asarray(array) for name, array in arrays.items()}
    tfidf = None
    if config.runtime == "tfidf":
        tfidf = Tfidf(*(parts[f"tfidf_{name}"] for name in Tfidf._fields))
    centres = None
    if meta["languages"] is not None:
        centres = Centres(tuple(meta["languages"]), parts["centres"])
    return LyricsTransform(
        config, meta["version"], meta["weights"], tfidf, centres, parts["mean"], parts["scale"]
    )
