"""Every knob of every stage, its default and its allowed values. Standard library only.

Configs are frozen. An invalid value fails on construction with an `InputError` that names the
field as it is written on the command line, what arrived and what is allowed.
"""

from musicvae_jax.config.clusters import ClusterConfig, Clusterer, KRule
from musicvae_jax.config.experiment import Experiment
from musicvae_jax.config.learning import Member, ModelConfig, TrainConfig
from musicvae_jax.config.runtime import RuntimeConfig
from musicvae_jax.config.serial import from_json, to_json
from musicvae_jax.config.songs import (
    AudioBlock,
    CropConfig,
    DataConfig,
    FeatureConfig,
    Label,
    LyricsConfig,
    LyricsRuntime,
)

__all__ = [
    "AudioBlock",
    "ClusterConfig",
    "Clusterer",
    "CropConfig",
    "DataConfig",
    "Experiment",
    "FeatureConfig",
    "KRule",
    "Label",
    "LyricsConfig",
    "LyricsRuntime",
    "Member",
    "ModelConfig",
    "RuntimeConfig",
    "TrainConfig",
    "from_json",
    "to_json",
]
