import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import integrate, stats
from sklearn.metrics import r2_score

from musicvae_jax.evaluation import active_units, aggregate_kl, decoded_share, kl_per_dimension
from musicvae_jax.losses import gaussian_kl

posteriors = arrays(np.float64, (2, 6, 3), elements=st.floats(-4, 4))


def test_divergence_agrees_with_integration():
    mean, deviation = 0.7, 0.4

    def integrand(z):
        q = stats.norm(mean, deviation)
        return q.pdf(z) * (q.logpdf(z) - stats.norm.logpdf(z))

    expected = integrate.quad(integrand, -5, 5)[0]
    found = kl_per_dimension(np.array([[mean]]), np.array([[2 * np.log(deviation)]]))
    assert found == pytest.approx([expected])


@given(posteriors)
def test_dimensions_add_up_to_the_loss(posterior):
    mean, log_var = posterior.astype(np.float32)
    expected = np.asarray(gaussian_kl(mean, log_var)).mean()
    assert kl_per_dimension(mean, log_var).sum() == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_the_prior_is_at_no_divergence():
    nothing = np.zeros((5, 3))
    assert kl_per_dimension(nothing, nothing).tolist() == [0, 0, 0]
    assert aggregate_kl(nothing, nothing) == pytest.approx([0, 0, 0], abs=1e-15)


def test_a_dimension_is_active_where_means_differ_between_songs():
    mean = np.array([[0.0, 5.0, -1.0, 0.09], [0.0, 5.0, 1.0, -0.09]])
    # Variances 0, 0, 1 and .0081, below the threshold.
    assert active_units(mean).tolist() == [False, False, True, False]
    assert active_units(mean, threshold=0.0).tolist() == [False, False, True, True]


def test_the_aggregate_by_hand():
    # Means -1 and 1, variances .5: together mean 0 and variance 1.5.
    found = aggregate_kl(np.array([[-1.0], [1.0]]), np.log([[0.5], [0.5]]))
    assert found == pytest.approx([0.5 * (1.5 - 1 - np.log(1.5))])


def test_latents_that_fill_the_prior_are_at_little_divergence():
    """Posteriors far from the prior, and their mixture the prior itself."""
    mean = np.sqrt(0.9) * np.random.default_rng(0).normal(size=(20_000, 1))
    log_var = np.full_like(mean, np.log(0.1))
    assert aggregate_kl(mean, log_var) == pytest.approx([0], abs=1e-3)
    # Mutual information of Gaussians: half the logarithm of total over remaining variance.
    assert kl_per_dimension(mean, log_var) == pytest.approx([0.5 * np.log(10)], rel=0.02)


@given(posteriors)
def test_together_posteriors_are_no_farther_from_the_prior_than_on_average(posterior):
    mean, log_var = posterior
    together, apart = aggregate_kl(mean, log_var), kl_per_dimension(mean, log_var)
    assert (together >= 0).all()
    assert (together <= apart + 1e-9).all()


def test_the_share_agrees_with_scikit_learn():
    random = np.random.default_rng(1)
    x = random.normal(size=(40, 5)) * [1, 2, 3, 4, 5] + 7
    reconstruction = x + random.normal(size=(40, 5))
    expected = r2_score(x, reconstruction, multioutput="variance_weighted")
    assert decoded_share(x, reconstruction) == pytest.approx(expected)


def test_all_none_and_less_than_none_is_decoded():
    x = np.array([[0.0, 3.0], [2.0, 5.0]])
    assert decoded_share(x, x) == 1
    assert decoded_share(x, np.full((2, 2), [1.0, 4.0])) == 0
    assert decoded_share(x, x[::-1]) == -3


def test_missing_cells_are_of_no_consequence():
    random = np.random.default_rng(2)
    x, reconstruction = random.normal(size=(2, 30, 4))
    weight = np.ones((30, 4))
    weight[10:, 2] = weight[:, 3] = 0
    changed = np.where(weight > 0, x, 99.0)
    found = decoded_share(changed, reconstruction, weight)
    assert found == pytest.approx(decoded_share(x, reconstruction, weight))
    residual = (x - reconstruction) ** 2
    centred = (x - np.array([*x[:, :2].mean(0), x[:10, 2].mean(), 0])) ** 2
    assert found == pytest.approx(1 - (weight * residual).sum() / (weight * centred).sum())


def test_what_does_not_vary_has_no_share():
    assert np.isnan(decoded_share(np.full((3, 2), 0.1), np.zeros((3, 2))))
