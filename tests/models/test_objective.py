"""The terms of every model's objective, against losses computed by hand."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sweepmodels import CROP_MODEL

from musicvae_jax.models import ConvAutoencoder, MLPAutoencoder
from musicvae_jax.models.mopoe import MoPoE
from musicvae_jax.models.mvae import MVAE
from musicvae_jax.models.mvtcae import MVTCAE
from musicvae_jax.models.vade import VaDE

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(5, 7)).astype(np.float32)
CROPS = RNG.normal(size=(5, 128, 128)).astype(np.float32)
NOISE = {n: RNG.normal(size=(5, n)).astype(np.float32) for n in (2, 3)}
LABELS = np.eye(2, dtype=np.float32)[[0, 1, 0, 1, 0]]
VAE = MLPAutoencoder(features=7, hidden=(6,), latent=3)
AE = MLPAutoencoder(features=7, hidden=(6,), latent=3, deterministic=True)

BLOCKS = {"widths": (4, 3), "hidden": (6,), "latent": 3}
ALL = [
    (VAE, ROWS),
    (AE, ROWS),
    (VaDE(features=7, hidden=(6,), latent=3, components=4), ROWS),
    *((kind(**BLOCKS), ROWS) for kind in (MVAE, MoPoE, MVTCAE)),
    (CROP_MODEL, CROPS),
]


def built(model: nn.Module, x, condition=None):
    """A function of x, the mask and the likelihood, and what the model decodes and encodes."""
    noise = NOISE[model.latent]
    params = model.init(jax.random.key(0), x, noise, condition)

    def terms(x=x, mask=1.0, likelihood="squared_error"):
        return model.apply(params, x, noise, condition, mask, likelihood, method="terms")

    return terms, model.apply(params, x, noise, condition)


@pytest.mark.parametrize(
    ("model", "x", "condition"),
    [(VAE, ROWS, None), (VAE, ROWS, LABELS), (AE, ROWS, None), (CROP_MODEL, CROPS, None)],
)
@pytest.mark.slow
def test_reconstruction_is_the_sum_of_squares_over_an_example(model, x, condition):
    terms, output = built(model, x, condition)
    expected = [np.sum((x[i] - output.reconstruction[i]) ** 2) for i in range(5)]
    np.testing.assert_allclose(terms().reconstruction, expected, rtol=1e-5)


@pytest.mark.parametrize(("model", "x"), [(VAE, ROWS), (CROP_MODEL, CROPS)])
def test_the_gaussian_likelihood_has_its_constant(model, x):
    terms, output = built(model, x)
    n_numbers = x[0].size
    error = np.sum((x - output.reconstruction) ** 2, axis=tuple(range(1, x.ndim)))
    expected = 0.5 * error + 0.5 * n_numbers * np.log(2 * np.pi)
    np.testing.assert_allclose(terms(likelihood="gaussian").reconstruction, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("model", "x", "condition"), [(VAE, ROWS, None), (VAE, ROWS, LABELS), (CROP_MODEL, CROPS, None)]
)
def test_the_kl_of_a_vae_has_its_closed_form(model, x, condition):
    terms, output = built(model, x, condition)
    mean, log_var = map(np.float64, output.posterior)
    by_hand = 0.5 * (np.exp(log_var) + mean**2 - 1 - log_var)
    np.testing.assert_allclose(terms().kl_per_dimension, by_hand, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(terms().kl, by_hand.sum(axis=1), rtol=1e-4)


def test_an_autoencoder_has_no_kl():
    terms, _ = built(AE, ROWS)
    np.testing.assert_array_equal(terms().kl, np.zeros(5))
    np.testing.assert_array_equal(terms().kl_per_dimension, np.zeros((5, 3)))


@pytest.mark.parametrize("model", [VAE, AE])
@pytest.mark.parametrize("likelihood", ["squared_error", "gaussian"])
def test_masked_features_do_not_count(model, likelihood):
    terms, output = built(model, ROWS)
    mask = np.ones_like(ROWS)
    mask[2, 1:4] = mask[3, :] = 0
    found = terms(mask=mask, likelihood=likelihood).reconstruction
    errors = (ROWS - output.reconstruction) ** 2
    each = {"squared_error": errors, "gaussian": 0.5 * (errors + np.log(2 * np.pi))}[likelihood]
    expected = [each[0].sum(), each[1].sum(), each[2, [0, 4, 5, 6]].sum(), 0, each[4].sum()]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("model", [VAE, AE, ConvAutoencoder()])
def test_our_own_models_have_no_other_terms(model):
    assert model.other_terms == ()


def test_terms_are_of_each_example_by_itself():
    terms, _ = built(AE, ROWS)
    changed = ROWS.copy()
    changed[1:] += 1
    np.testing.assert_allclose(
        terms(x=changed).reconstruction[0], terms().reconstruction[0], rtol=1e-6
    )


@pytest.mark.parametrize(("model", "x"), ALL)
def test_terms_have_the_leading_axes_of_the_examples(model, x):
    noise = NOISE[model.latent]
    mask = np.ones_like(x)
    mask[2] = 0
    params = model.init(jax.random.key(0), x, noise)

    def terms(x, noise, mask):
        return model.apply(params, x, noise, None, mask, method="terms")

    expected = jax.tree.leaves(terms(x, noise, mask))
    assert expected[0].shape == (5,)
    one = [terms(*parts) for parts in zip(x, noise, mask, strict=True)]
    found = {
        "mapped": jax.vmap(terms)(x, noise, mask),
        "one by one": jax.tree.map(lambda *parts: jnp.stack(parts), *one),
        "more axes": jax.tree.map(lambda part: part[0], terms(x[None], noise[None], mask[None])),
    }
    for leaves in map(jax.tree.leaves, found.values()):
        for leaf, other in zip(leaves, expected, strict=True):
            assert leaf.shape == other.shape
            np.testing.assert_allclose(leaf, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("model", "x"), ALL)
def test_no_examples_have_no_terms(model, x):
    noise = NOISE[model.latent]
    params = model.init(jax.random.key(0), x, noise)
    terms = model.apply(params, x[:0], noise[:0], None, np.ones_like(x[:0]), method="terms")
    assert [len(leaf) for leaf in jax.tree.leaves(terms)] == [0] * len(jax.tree.leaves(terms))


def test_a_likelihood_that_does_not_exist_is_refused_with_those_that_do():
    terms, _ = built(VAE, ROWS)
    with pytest.raises(ValueError, match=r"^likelihood: got 'bernoulli', expected one of squared_"):
        terms(likelihood="bernoulli")
