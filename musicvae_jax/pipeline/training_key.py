"""A digest of everything a training depends on: equal keys mean equal models."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from musicvae_jax.config import BLOCKS, to_json
from musicvae_jax.config.naming import block_name
from musicvae_jax.features import settings
from musicvae_jax.lyrics import LyricsTransform
from musicvae_jax.preprocess import Preprocessor
from musicvae_jax.runtime.code import NUMERICAL_PACKAGES, code_version

# Includes modules imported by name only, such as those of models.
_MODULES = (
    "musicvae_jax.features",
    "musicvae_jax.models",
    "musicvae_jax.preprocess",
    "musicvae_jax.training",
    "musicvae_jax.training.streaming",
    "musicvae_jax.training.sweeps",
)
# Settings of reading audio, which show in the fingerprint of the songs if they matter.
_IN_FINGERPRINT = ("excerpt", "seconds", "decode_seconds")


def training_settings(preprocessor: Preprocessor, fingerprint: str) -> dict[str, Any]:
    """Everything a training depends on, nested under the names of the command line.

    The experiment's name, fusion, clustering, decoding and folders are not included.

    Args:
        preprocessor: fitted.
        fingerprint: of the songs.
    """
    experiment = preprocessor.experiment
    reads_crops = experiment.model.traits.reads == "crops"
    lyrics = None
    blocks = [block for block in experiment.text_blocks if BLOCKS[block].is_lyrics]
    if blocks:
        fitted = [preprocessor.texts[block_name(experiment, block)] for block in blocks]
        weights = [
            {"version": one.version, "weights": one.weights}
            for one in fitted
            if isinstance(one, LyricsTransform)
        ]
        lyrics = to_json(experiment.lyrics) | {"models": weights}
    return {
        "data": {
            name: value
            for name, value in to_json(experiment.data).items()
            if name not in _IN_FINGERPRINT
        }
        | {"path": f"songs with fingerprint {fingerprint[:16]}"},
        "features": settings(experiment.features),
        "crops": to_json(experiment.crops) if reads_crops else None,
        "lyrics": lyrics,
        "model": to_json(replace(experiment.model, decoded=False)),
        "train": to_json(experiment.train),
        "seeds": list(experiment.seeds),
        "code": code_version(_MODULES, NUMERICAL_PACKAGES),
    }


def training_key(settings: Mapping[str, Any]) -> str:
    """A digest of `training_settings`."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
