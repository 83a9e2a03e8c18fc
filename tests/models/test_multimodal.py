"""Multimodal autoencoders against slow, literal references of their formulas."""

from itertools import combinations

import jax
import numpy as np
import pytest

from musicvae_jax.models import MLPAutoencoder, Posterior, product_of_experts
from musicvae_jax.models.mopoe import MoPoE
from musicvae_jax.models.mvae import MVAE
from musicvae_jax.models.mvtcae import MVTCAE

RNG = np.random.default_rng(0)
N, LATENT = 6, 3
WIDTHS = (4, 2, 3)
X = RNG.normal(size=(N, sum(WIDTHS))).astype(np.float32)
NOISE = RNG.normal(size=(N, LATENT)).astype(np.float32)
# Every song has some block; the last one has only the second.
PRESENT = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0]], np.float32)
MASK = np.repeat(PRESENT, WIDTHS, axis=1)
MODELS = [MVAE, MoPoE, MVTCAE]


def built(kind, widths=WIDTHS, x=X):
    model = kind(widths=widths, hidden=(5,), latent=LATENT)
    return model, model.init(jax.random.key(0), x, NOISE)


class Literal:
    """One song of a model, in float64, block by block."""

    def __init__(self, model, params, song, likelihood="squared_error", x=X):
        self.song, self.likelihood, self.x = song, likelihood, x.astype(np.float64)
        mean, log_var = model.apply(params, x, method="experts")
        self.means = np.asarray(mean[song], np.float64)
        self.variances = np.exp(np.asarray(log_var[song], np.float64))
        self.model, self.params = model, params
        self.bounds = np.cumsum((0, *model.widths))

    def product(self, blocks, with_prior=False):
        precision = np.full(LATENT, float(with_prior))
        weighted = np.zeros(LATENT)
        for block in blocks:
            precision += 1 / self.variances[block]
            weighted += self.means[block] / self.variances[block]
        return weighted / precision, 1 / precision

    def error(self, gaussian, blocks):
        mean, variance = gaussian
        z = (mean + np.sqrt(variance) * NOISE[self.song]).astype(np.float32)
        decoded = np.asarray(self.model.apply(self.params, z, method="decode"))
        errors = (self.x[self.song] - decoded) ** 2
        if self.likelihood == "gaussian":
            errors = (errors + np.log(2 * np.pi)) / 2
        return sum(errors[self.bounds[b] : self.bounds[b + 1]].sum() for b in blocks)


def kl(first, second=(0.0, 1.0)):
    """KL of two diagonal Gaussians, each (mean, variance)."""
    (m, v), (n, w) = first, second
    return float(np.sum(0.5 * (np.log(w / v) + (v + (m - n) ** 2) / w - 1)))


def mvae(song, blocks, _):
    groups = [blocks] if len(blocks) == 1 else [blocks, *([block] for block in blocks)]
    total = 0.0
    for group in groups:
        posterior = song.product(group, with_prior=True)
        total += song.error(posterior, group) + kl(posterior)
    return total


def mopoe(song, blocks, _):
    subsets = [s for n in range(1, len(blocks) + 1) for s in combinations(blocks, n)]
    found = [song.error(song.product(s), blocks) + kl(song.product(s)) for s in subsets]
    return sum(found) / len(subsets)


def mvtcae(song, blocks, n_blocks):
    alpha, joint = 0.9, song.product(blocks)
    to_experts = sum(kl(joint, (song.means[b], song.variances[b])) for b in blocks)
    return (
        (n_blocks - alpha) / n_blocks * song.error(joint, blocks)
        + (1 - alpha) * kl(joint)
        + alpha / n_blocks * to_experts
    )


@pytest.mark.parametrize("likelihood", ["squared_error", "gaussian"])
@pytest.mark.parametrize(("kind", "literal"), list(zip(MODELS, (mvae, mopoe, mvtcae), strict=True)))
def test_objectives_are_those_of_the_papers(kind, literal, likelihood):
    model, params = built(kind)
    terms = model.apply(params, X, NOISE, None, MASK, likelihood, method="terms")
    for song in range(N):
        blocks = np.flatnonzero(PRESENT[song]).tolist()
        expected = literal(Literal(model, params, song, likelihood), blocks, len(WIDTHS))
        found = float(terms.reconstruction[song] + terms.kl[song])
        assert found == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(terms.kl_per_dimension.sum(axis=1), terms.kl, rtol=1e-5)


@pytest.mark.parametrize("kind", MODELS)
def test_the_posterior_of_any_subset_is_the_product_of_its_experts(kind):
    model, params = built(kind)
    found = model.apply(params, X, None, MASK, method="encode")
    for song in range(N):
        blocks = np.flatnonzero(PRESENT[song]).tolist()
        mean, variance = Literal(model, params, song).product(blocks, kind.with_prior)
        np.testing.assert_allclose(found.mean[song], mean, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(np.exp(found.log_var[song]), variance, rtol=1e-4)


@pytest.mark.parametrize("kind", MODELS)
def test_what_is_missing_changes_nothing(kind):
    model, params = built(kind)
    other = np.where(MASK > 0, X, 1e3 * RNG.normal(size=X.shape)).astype(np.float32)
    for method, arguments in (("encode", (None, MASK)), ("terms", (NOISE, None, MASK))):
        first, second = (model.apply(params, x, *arguments, method=method) for x in (X, other))
        for one, two in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("kind", MODELS)
def test_with_one_block_the_posterior_is_the_experts_or_that_times_the_prior(kind):
    model, params = built(kind, (9,))
    (mean, log_var), found = (
        model.apply(params, X, method="experts"),
        model.apply(params, X, method="encode"),
    )
    precision = np.exp(-log_var[:, 0]) + float(kind.with_prior)
    np.testing.assert_allclose(found.log_var, -np.log(precision), rtol=1e-5, atol=1e-6)
    expected = mean[:, 0] * np.exp(-log_var[:, 0]) / precision
    np.testing.assert_allclose(found.mean, expected, rtol=1e-5, atol=1e-6)


def test_with_one_block_mopoe_is_the_vae():
    model, params = built(MoPoE, (9,))
    parts = params["params"]
    same = {"params": {"encoder": parts["encoders_0"], "decoder": parts["decoders_0"]}}
    found = model.apply(params, X, NOISE, method="terms")
    vae = MLPAutoencoder(features=9, hidden=(5,), latent=LATENT)
    expected = vae.apply(same, X, NOISE, method="terms")
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", MODELS)
def test_a_song_without_any_block_is_the_prior_and_teaches_nothing(kind):
    model, params = built(kind)
    nothing = np.zeros_like(X)
    posterior = model.apply(params, X, None, nothing, method="encode")
    assert not np.any(posterior.mean)
    assert not np.any(posterior.log_var)
    terms = model.apply(params, X, NOISE, None, nothing, method="terms")
    assert not np.any(terms.reconstruction)
    assert not np.any(terms.kl)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.slow
def test_gradients_are_finite_where_blocks_are_missing(kind):
    model, params = built(kind)

    def loss(params):
        terms = model.apply(params, X, NOISE, None, MASK, method="terms")
        return (terms.reconstruction + terms.kl).mean()

    gradient = jax.tree.leaves(jax.jit(jax.grad(loss))(params))
    assert all(np.isfinite(leaf).all() for leaf in gradient)
    assert all(np.any(leaf) for leaf in gradient)


def test_a_condition_is_refused():
    model, params = built(MVAE)
    with pytest.raises(ValueError, match="condition: got an array, expected None"):
        model.apply(params, X, np.ones((N, 2)), method="encode")


def test_a_sharp_expert_decides_the_product():
    experts = Posterior(np.array([[1.0], [5.0]]), np.log([[1e-6], [1.0]]))
    found = product_of_experts(experts, np.ones(2))
    np.testing.assert_allclose(found.mean, [1.0], atol=1e-4)
