"""The health of a VAE's posteriors, from their means and log-variances."""

import numpy as np

# As in training, whose alarm counts the same units.
ACTIVE_VARIANCE = 0.01


def kl_per_dimension(mean: np.ndarray, log_var: np.ndarray) -> np.ndarray:
    """Divergence of posteriors from the prior N(0, 1), averaged over songs.

    Args:
        mean: posterior means, `[songs, latent]`, at least one song.
        log_var: posterior natural-log variances, same shape.

    Returns:
        Nats per song, `[latent]`, at least 0. A dimension at 0 says nothing about any song. A high
        value is neither good nor bad: it is how much the decoder learns about the song.

    References:
        Kingma and Welling, Auto-Encoding Variational Bayes, 2014, appendix B.
    """
    mean, log_var = np.asarray(mean, np.float64), np.asarray(log_var, np.float64)
    return _gaussian_kl(mean, log_var).mean(axis=0)


def active_units(mean: np.ndarray, threshold: float = ACTIVE_VARIANCE) -> np.ndarray:
    """Whether a dimension's posterior mean varies between songs by more than the threshold.

    Args:
        mean: posterior means, `[songs, latent]`, at least one song.
        threshold: variance over songs, at least 0, in units of the prior's variance.

    Returns:
        bool `[latent]`; few true ones mean a collapsed posterior.

    References:
        Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, 2016, section 5.2.
    """
    return np.asarray(mean, np.float64).var(axis=0) > threshold


def aggregate_kl(mean: np.ndarray, log_var: np.ndarray) -> np.ndarray:
    """How far the posteriors of all songs together are from the prior N(0, 1), per dimension.

    The mixture of all posteriors is taken for the Gaussian with its mean and variance. Of all
    distributions with these moments it is the nearest to the prior, so this is a lower bound, and
    it is blind to shape and to correlations between dimensions. The information that a dimension
    carries about which song it belongs to is at most `kl_per_dimension` less this.

    Args:
        mean: posterior means, `[songs, latent]`, at least one song.
        log_var: posterior natural-log variances, same shape.

    Returns:
        Nats, `[latent]`, at least 0, lower is better: samples from the prior then look like
        latents of songs.

    References:
        Hoffman and Johnson, ELBO Surgery: Yet Another Way to Carve Up the Variational Evidence
        Lower Bound, 2016.
    """
    mean, log_var = np.asarray(mean, np.float64), np.asarray(log_var, np.float64)
    variance = mean.var(axis=0) + np.exp(log_var).mean(axis=0)
    return _gaussian_kl(mean.mean(axis=0), np.log(variance))


def decoded_share(
    x: np.ndarray, reconstruction: np.ndarray, weight: np.ndarray | float = 1.0
) -> float:
    """Share of the variance of x that is decoded from the latents: R^2 over all features.

    Args:
        x: data, `[songs, features]`.
        reconstruction: same shape.
        weight: at least 0, broadcastable to x; 0 for a feature that is missing, whose value
            then does not matter as long as it is finite.

    Returns:
        At most 1, higher is better; 0 for the features' means, which a collapsed posterior
        decodes, and below for worse. NaN where x does not vary.

    References:
        Wright, Correlation and Causation, 1921: the coefficient of determination.
    """
    x, reconstruction = np.asarray(x, np.float64), np.asarray(reconstruction, np.float64)
    weight = np.broadcast_to(np.asarray(weight, np.float64), x.shape)
    total = weight.sum(axis=0)
    centre = np.sum(weight * x, axis=0) / np.where(total > 0, total, 1.0)
    variance = np.sum(weight * (x - centre) ** 2)
    # Values that are all the same leave a little after their mean is taken off.
    if variance <= 1e-20 * np.sum(weight * x**2):
        return np.nan
    return float(1 - np.sum(weight * (x - reconstruction) ** 2) / variance)


def _gaussian_kl(mean: np.ndarray, log_var: np.ndarray) -> np.ndarray:
    # expm1 keeps the digits near the prior; what is left can still round below 0.
    return 0.5 * (np.maximum(np.expm1(log_var) - log_var, 0.0) + mean**2)
