"""Unsupervised clustering of multilingual songs with variational autoencoders, in JAX and Flax.

Importing the package imports nothing heavy; take what you need from its modules, for example
`from musicvae_jax.losses import gaussian_kl` or `from musicvae_jax.models import MLPAutoencoder`.
"""

__version__ = "0.1.0"
