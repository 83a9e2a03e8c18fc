"""scikit-learn's own checks of an estimator, all of them; none is expected to fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from musicvae_jax.estimators import VAE, Autoencoder, ConditionalVAE, VAEClusterer

# Small, but trained enough that clusters of blobs are found.
_SMALL = {
    "n_components": 2,
    "hidden_layer_sizes": (8,),
    "max_iter": 20,
    "learning_rate": 1e-2,
    "random_state": 0,
}


@pytest.mark.slow
@parametrize_with_checks(
    [
        VAE(**_SMALL),
        Autoencoder(**_SMALL),
        ConditionalVAE(**_SMALL),
        VAEClusterer(n_clusters=3, **_SMALL),
    ]
)
def test_estimator_keeps_to_sklearns_rules(estimator, check):
    check(estimator)
