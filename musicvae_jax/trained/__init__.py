"""Trained models: encode, decode, sample, save, load."""

from musicvae_jax.trained.checkpoint import find_trained, load, save
from musicvae_jax.trained.fusion import Fusion, apply_fusion, fit_fusions
from musicvae_jax.trained.model import Trained, decode
from musicvae_jax.trained.own import base_representations, finish, own_representations

__all__ = [
    "Fusion",
    "Trained",
    "apply_fusion",
    "base_representations",
    "decode",
    "find_trained",
    "finish",
    "fit_fusions",
    "load",
    "own_representations",
    "save",
]
