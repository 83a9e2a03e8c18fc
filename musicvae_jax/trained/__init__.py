"""Trained models: encode, decode, sample, save, load."""

from musicvae_jax.trained.checkpoint import find_trained, load, save
from musicvae_jax.trained.decoding import decode
from musicvae_jax.trained.fusion import Fusion, apply_fusion, fit_fusions
from musicvae_jax.trained.model import Trained
from musicvae_jax.trained.own import add_fusions, base_representations, own_representations

__all__ = [
    "Fusion",
    "Trained",
    "add_fusions",
    "apply_fusion",
    "base_representations",
    "decode",
    "find_trained",
    "fit_fusions",
    "load",
    "own_representations",
    "save",
]
