"""Trained models: encode, decode, sample, save, load."""

from musicvae_jax.trained.checkpoint import find_trained, load, save
from musicvae_jax.trained.decoding import decode
from musicvae_jax.trained.fusion import Fusion, apply_fusion, fit_fusions
from musicvae_jax.trained.known import KnownSongs
from musicvae_jax.trained.model import Trained
from musicvae_jax.trained.own import (
    add_fusions,
    base_representations,
    blocks_of,
    encoded_names,
    members_by_name,
    one_representation,
    own_names,
    own_representations,
)

__all__ = [
    "Fusion",
    "KnownSongs",
    "Trained",
    "add_fusions",
    "apply_fusion",
    "base_representations",
    "blocks_of",
    "decode",
    "encoded_names",
    "find_trained",
    "fit_fusions",
    "load",
    "members_by_name",
    "one_representation",
    "own_names",
    "own_representations",
    "save",
]
