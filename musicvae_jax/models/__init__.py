"""Flax modules that encode, decode and sample. No loss, no training; imports nothing of ours."""

from musicvae_jax.models.conv import ConvAutoencoder
from musicvae_jax.models.mlp import MLP, MLPAutoencoder
from musicvae_jax.models.posterior import Output, Posterior, sample_posterior

__all__ = ["MLP", "ConvAutoencoder", "MLPAutoencoder", "Output", "Posterior", "sample_posterior"]
