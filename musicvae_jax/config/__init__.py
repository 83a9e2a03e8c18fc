"""Every setting of every stage, with its default and allowed values. Standard library only.

Configs are frozen. Constructing one with an invalid value raises an `InputError` that names the
field as on the command line, what arrived and what is allowed.
"""

from musicvae_jax.config.blocks import BLOCKS, Block, BlockTraits, Label, load_function
from musicvae_jax.config.clusters import ClusterConfig
from musicvae_jax.config.experiment import Experiment
from musicvae_jax.config.learning import Member, ModelConfig, TrainConfig
from musicvae_jax.config.map import MapConfig
from musicvae_jax.config.runtime import RuntimeConfig
from musicvae_jax.config.serial import from_json, to_json
from musicvae_jax.config.songs import (
    FACTOR_PREFIX,
    CropConfig,
    DataConfig,
    FeatureConfig,
    LyricsConfig,
    LyricsRuntime,
)
from musicvae_jax.config.traits import (
    CLUSTERERS,
    K_RULES,
    MODELS,
    TRACKERS,
    Clusterer,
    KRule,
    ModelKind,
    TrackerName,
)

__all__ = [
    "BLOCKS",
    "CLUSTERERS",
    "FACTOR_PREFIX",
    "K_RULES",
    "MODELS",
    "TRACKERS",
    "Block",
    "BlockTraits",
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
    "MapConfig",
    "Member",
    "ModelConfig",
    "ModelKind",
    "RuntimeConfig",
    "TrackerName",
    "TrainConfig",
    "from_json",
    "load_function",
    "to_json",
]
