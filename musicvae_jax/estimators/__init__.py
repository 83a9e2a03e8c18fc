"""scikit-learn's interface: autoencoders as transformers, and a clusterer of their latents.

They fit into a `Pipeline`, `GridSearchCV` and `cross_val_score`, and train with the code of the
experiments:

    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from musicvae_jax.estimators import VAE

    latents = make_pipeline(StandardScaler(), VAE(n_components=16)).fit_transform(X)
"""

from musicvae_jax.estimators.autoencoders import VAE, Autoencoder
from musicvae_jax.estimators.clusterer import VAEClusterer
from musicvae_jax.estimators.conditional import ConditionalVAE

__all__ = ["VAE", "Autoencoder", "ConditionalVAE", "VAEClusterer"]
