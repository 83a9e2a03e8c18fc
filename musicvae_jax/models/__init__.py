"""Flax modules that encode, decode and sample, and own the terms of their objective.

Nothing of ours is imported but the losses. Every module fulfils `Model`.
"""

from musicvae_jax.models.conv import ConvAutoencoder
from musicvae_jax.models.mlp import MLP, MLPAutoencoder
from musicvae_jax.models.objective import LIKELIHOODS, Model, Terms
from musicvae_jax.models.posterior import Output, Posterior, sample_posterior

__all__ = [
    "LIKELIHOODS",
    "MLP",
    "ConvAutoencoder",
    "MLPAutoencoder",
    "Model",
    "Output",
    "Posterior",
    "Terms",
    "sample_posterior",
]
