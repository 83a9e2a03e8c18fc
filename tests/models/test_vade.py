"""Variational deep embedding against a slow, literal reference of its formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from musicvae_jax.models import MLPAutoencoder
from musicvae_jax.models.vade import VaDE

RNG = np.random.default_rng(0)
N, FEATURES, LATENT, COMPONENTS = 7, 6, 3, 4
SIZES = {"features": FEATURES, "hidden": (5,), "latent": LATENT}
X = RNG.normal(size=(N, FEATURES)).astype(np.float32)
NOISE = RNG.normal(size=(N, LATENT)).astype(np.float32)
WEIGHTS = np.array([0.1, 0.4, 0.2, 0.3], np.float32)
MEANS = RNG.normal(size=(COMPONENTS, LATENT)).astype(np.float32)
VARIANCES = RNG.uniform(0.3, 2, (COMPONENTS, LATENT)).astype(np.float32)


def built(weights=WEIGHTS, means=MEANS, variances=VARIANCES):
    """A module and its parameters with a given mixture."""
    model = VaDE(**SIZES, components=len(weights))
    fresh = model.init(jax.random.key(0), X, NOISE)
    return model, model.with_mixture(fresh, *map(jnp.asarray, (weights, means, variances)))


def literal_responsibilities(z):
    densities = [
        weight * np.prod(norm.pdf(z, mean, np.sqrt(variance)))
        for weight, mean, variance in zip(WEIGHTS, MEANS, VARIANCES, strict=True)
    ]
    return np.array(densities) / sum(densities)


def literal_terms(model, params, song):
    """Reconstruction, KL to the Gaussians, KL of the responsibilities, of one song in float64."""
    posterior = model.apply(params, X, method="encode")
    mean, log_var = (np.asarray(part[song], np.float64) for part in posterior)
    z = mean + np.exp(0.5 * log_var) * NOISE[song]
    decoded = np.asarray(model.apply(params, z.astype(np.float32), method="decode"), np.float64)
    reconstruction = np.sum((X[song] - decoded) ** 2)
    gaussians = assignment = 0.0
    for component, share in enumerate(literal_responsibilities(z)):
        for d in range(LATENT):
            m, v = MEANS[component, d], float(VARIANCES[component, d])
            kl = 0.5 * (np.log(v) - log_var[d] + (np.exp(log_var[d]) + (mean[d] - m) ** 2) / v - 1)
            gaussians += share * kl
        assignment += share * np.log(share / WEIGHTS[component])
    return reconstruction, gaussians, assignment


@pytest.mark.slow
def test_the_objective_is_that_of_the_paper():
    model, params = built()
    terms = model.apply(params, X, NOISE, method="terms")
    assert set(terms.others) == set(VaDE.other_terms)
    found = np.stack([terms.reconstruction, terms.kl, terms.others["assignment"]], axis=1)
    expected = [literal_terms(model, params, song) for song in range(N)]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(terms.kl_per_dimension.sum(axis=1), terms.kl, rtol=1e-5)


def test_responsibilities_are_those_of_the_posterior_mean():
    model, params = built()
    found = model.apply(params, X, method="responsibilities")
    means = np.asarray(model.apply(params, X, method="encode").mean, np.float64)
    expected = [literal_responsibilities(mean) for mean in means]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_one_standard_normal_component_is_a_vae():
    model, params = built(np.ones(1), np.zeros((1, LATENT)), np.ones((1, LATENT)))
    found = model.apply(params, X, NOISE, method="terms")
    own = {name: params["params"][name] for name in ("encoder", "decoder")}
    expected = MLPAutoencoder(**SIZES).apply({"params": own}, X, NOISE, method="terms")
    for part, other in zip(found[:3], expected[:3], strict=True):
        np.testing.assert_allclose(part, other, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.others["assignment"], 0.0, atol=1e-6)


def test_pretraining_minimises_the_squared_error_of_the_posterior_mean():
    model, params = built()
    first = model.pretraining()
    terms = first.apply(params, X, NOISE, method="terms")
    decoded = model.apply(params, model.apply(params, X, method="encode").mean, method="decode")
    np.testing.assert_allclose(terms.reconstruction, np.sum((X - decoded) ** 2, 1), rtol=1e-5)
    for part in (terms.kl, terms.kl_per_dimension, terms.others["assignment"]):
        assert not np.any(part)
    # Another mixture is another prior, which pretraining does not know.
    other = model.with_mixture(params, WEIGHTS[::-1], MEANS + 1, VARIANCES)
    gradient = jax.grad(lambda p: first.apply(p, X, NOISE, method="terms").reconstruction.sum())
    for name in ("logits", "means", "log_vars"):
        assert not np.any(gradient(other)["params"][name])


def test_with_mixture_changes_the_prior_and_nothing_else():
    model, params = built()
    fresh = model.init(jax.random.key(0), X, NOISE)["params"]
    changed = params["params"]
    assert changed.keys() == fresh.keys()
    for name in ("encoder", "decoder"):
        jax.tree.map(np.testing.assert_array_equal, changed[name], fresh[name])
    np.testing.assert_allclose(jax.nn.softmax(changed["logits"]), WEIGHTS, rtol=1e-5)
    np.testing.assert_array_equal(changed["means"], MEANS)
    np.testing.assert_allclose(np.exp(changed["log_vars"]), VARIANCES, rtol=1e-5)


class Undecoded(VaDE):
    """Its samples are latents."""

    def decode(self, z, condition=None):
        return z


@pytest.mark.parametrize("weights", [WEIGHTS, np.array([1.0], np.float32)])
@pytest.mark.slow
def test_samples_are_of_the_mixture(weights):
    n = len(weights)
    means = 100.0 * np.arange(n)[:, None] + np.zeros((n, LATENT))
    _, params = built(weights, means, VARIANCES[:n])
    model = Undecoded(**SIZES, components=n)
    noise = jax.random.normal(jax.random.key(1), (40_000, LATENT))
    z = np.asarray(model.apply(params, noise, method="sample"), np.float64)
    component = np.abs(z[:, None] - means).sum(axis=-1).argmin(axis=1)
    np.testing.assert_allclose(np.bincount(component, minlength=n) / len(z), weights, atol=0.01)
    for place in range(n):
        own = z[component == place]
        np.testing.assert_allclose(own.mean(axis=0), means[place], atol=0.1)
        np.testing.assert_allclose(own.var(axis=0), VARIANCES[place], rtol=0.1)
        # The number that chooses the component says nothing else.
        np.testing.assert_allclose(np.corrcoef(own.T), np.eye(LATENT), atol=0.05)
