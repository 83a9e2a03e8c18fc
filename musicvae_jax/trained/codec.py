"""Converts fitted parts to arrays and JSON for a checkpoint, and back."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from musicvae_jax.clustering import KnownClusters
from musicvae_jax.config import Experiment, LyricsConfig, from_json, to_json
from musicvae_jax.features import Scaler, TagTransform
from musicvae_jax.lyrics import Centres, LyricsTransform, Tfidf
from musicvae_jax.preprocess import Preprocessor
from musicvae_jax.representations import Balance, Projection
from musicvae_jax.trained.fusion import FusedBlock, Fusion
from musicvae_jax.trained.known import KnownSongs
from musicvae_jax.training import History, Losses

_TUPLES = {
    one.__name__: one
    for one in (
        *(Preprocessor, Scaler, LyricsTransform, Tfidf, Centres, TagTransform),
        *(Projection, Balance, Fusion, FusedBlock, History, Losses),
        *(KnownSongs, KnownClusters),
    )
}
_CONFIGS = {one.__name__: one for one in (Experiment, LyricsConfig)}
Arrays = dict[str, np.ndarray]


def take_apart(value: Any, arrays: Arrays, name: str = "fitted") -> Any:
    """Converts a tree of named tuples, configs, mappings and arrays to JSON, without the arrays.

    An array of objects is one of text, with None where there is none.

    Args:
        value: the tree.
        arrays: receives the arrays of the tree, by name.
        name: name of the tree.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray) and value.dtype == object:
        arrays[name] = _text_bytes(value)
        return {"texts": name}
    if isinstance(value, np.ndarray | jax.Array):
        arrays[name] = np.asarray(value)
        return {"array": name}
    if dataclasses.is_dataclass(value):
        return {"config": type(value).__name__, "fields": to_json(value)}
    if isinstance(value, Mapping):
        items = {key: take_apart(one, arrays, f"{name}.{key}") for key, one in value.items()}
        return {"mapping": items}
    parts = [take_apart(one, arrays, f"{name}.{place}") for place, one in enumerate(value)]
    return {"tuple": type(value).__name__, "items": parts}


def put_together(content: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The inverse of `take_apart`.

    Raises:
        KeyError: an array or an entry is missing.
        TypeError: a tuple does not have this version's fields.
    """
    if not isinstance(content, dict):
        return content
    if "array" in content:
        return arrays[content["array"]]
    if "texts" in content:
        return np.array(json.loads(bytes(arrays[content["texts"]])), object)
    if "config" in content:
        return from_json(_CONFIGS[content["config"]], content["fields"])
    if "mapping" in content:
        return {key: put_together(one, arrays) for key, one in content["mapping"].items()}
    items = tuple(put_together(one, arrays) for one in content["items"])
    name = content["tuple"]
    return items if name == "tuple" else _TUPLES[name](*items)


def _text_bytes(texts: np.ndarray) -> np.ndarray:
    """As numbers, since a checkpoint has no arrays of text."""
    # In ASCII, so that a file name that is not UTF-8 can be stored too.
    return np.frombuffer(json.dumps(texts.tolist(), ensure_ascii=True).encode("ascii"), np.uint8)
