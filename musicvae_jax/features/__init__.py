"""Songs as arrays: audio features, one-hot labels, tags, standardisation. No JAX."""

from musicvae_jax.features.crops import (
    CropStore,
    fit_crop_scaler,
    fixed_crops,
    open_crops,
    random_crops,
)
from musicvae_jax.features.decibels import mel_db
from musicvae_jax.features.extract import (
    SongFeatures,
    build_features,
    extract_features,
    settings,
)
from musicvae_jax.features.labels import one_hot, vocabulary
from musicvae_jax.features.melstore import build_stores
from musicvae_jax.features.mfcc import N_MFCC, mfcc_statistics
from musicvae_jax.features.parts import Share
from musicvae_jax.features.rhythm import (
    HOP_SECONDS,
    N_RHYTHM,
    modulation_centres,
    rhythm_spectrum,
)
from musicvae_jax.features.scaling import (
    LEAST_SCALE_DB,
    Scaler,
    block_weights,
    fit_scaler,
    singular_weights,
    standardise,
    unstandardise,
)
from musicvae_jax.features.statistics import N_STATISTICS, mel_statistics
from musicvae_jax.features.table import TABLE
from musicvae_jax.features.tags import TagTransform, apply_tags, fit_tags, multi_hot
from musicvae_jax.features.thumbnails import Thumbnails, mel_thumbnail, read_thumbnails

__all__ = [
    "HOP_SECONDS",
    "LEAST_SCALE_DB",
    "N_MFCC",
    "N_RHYTHM",
    "N_STATISTICS",
    "TABLE",
    "CropStore",
    "Scaler",
    "Share",
    "SongFeatures",
    "TagTransform",
    "Thumbnails",
    "apply_tags",
    "block_weights",
    "build_features",
    "build_stores",
    "extract_features",
    "fit_crop_scaler",
    "fit_scaler",
    "fit_tags",
    "fixed_crops",
    "mel_db",
    "mel_statistics",
    "mel_thumbnail",
    "mfcc_statistics",
    "modulation_centres",
    "multi_hot",
    "one_hot",
    "open_crops",
    "random_crops",
    "read_thumbnails",
    "rhythm_spectrum",
    "settings",
    "singular_weights",
    "standardise",
    "unstandardise",
    "vocabulary",
]
