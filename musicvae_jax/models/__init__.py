"""Flax modules that encode, decode and sample, and define the terms of their objective.

They import nothing else of this package but the losses. Every module implements `Model`.
"""

from musicvae_jax.models.conv import ConvAutoencoder
from musicvae_jax.models.experts import product_of_experts
from musicvae_jax.models.mlp import MLP, MLPAutoencoder
from musicvae_jax.models.objective import LIKELIHOODS, MixtureModel, Model, Terms
from musicvae_jax.models.posterior import Output, Posterior, sample_posterior

__all__ = [
    "LIKELIHOODS",
    "MLP",
    "ConvAutoencoder",
    "MLPAutoencoder",
    "MixtureModel",
    "Model",
    "Output",
    "Posterior",
    "Terms",
    "product_of_experts",
    "sample_posterior",
]
