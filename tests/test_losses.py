import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import multivariate_normal

from musicvae_jax import losses

finite = st.floats(-5, 5, width=32)
vectors = arrays(np.float32, 4, elements=finite)


def test_kl_of_one_dimension_by_hand():
    # KL(N(m, s^2) || N(0, 1)) = (s^2 + m^2 - 1) / 2 - log s
    mean, deviation = 0.7, 1.9
    expected = (deviation**2 + mean**2 - 1) / 2 - np.log(deviation)
    found = losses.gaussian_kl(jnp.array([mean]), jnp.array([2 * np.log(deviation)]))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_kl_is_the_mean_log_ratio_of_samples():
    mean, log_var = jnp.array([0.5, -1.0]), jnp.array([-1.0, 0.8])
    noise = jax.random.normal(jax.random.key(1), (200_000, 2))
    z = mean + jnp.exp(0.5 * log_var) * noise
    log_q = -losses.gaussian_nll(z, jnp.broadcast_to(mean, z.shape), log_var)
    log_p = -losses.gaussian_nll(z, jnp.zeros_like(z))
    ratio = np.asarray(log_q - log_p)
    error = ratio.std() / np.sqrt(len(ratio))
    assert abs(ratio.mean() - losses.gaussian_kl(mean, log_var)) < 4 * error
    assert error < 0.01


@given(vectors, vectors)
def test_kl_is_never_negative(mean, log_var):
    assert losses.gaussian_kl(mean, log_var) >= 0


@given(vectors, vectors, st.permutations(range(4)))
def test_kl_does_not_depend_on_the_order_of_dimensions(mean, log_var, order):
    order = np.array(order)
    np.testing.assert_allclose(
        losses.gaussian_kl(mean[order], log_var[order]),
        losses.gaussian_kl(mean, log_var),
        rtol=1e-5,
    )


def test_kl_is_zero_at_the_prior_and_keeps_its_digits_beside_it():
    assert losses.gaussian_kl(jnp.zeros(3), jnp.zeros(3)) == 0
    # Close to 0 the variance part is v^2 / 4 (half of exp(v) - 1 - v).
    found = losses.gaussian_kl(jnp.zeros(1), jnp.array([1e-3]))
    np.testing.assert_allclose(found, 1e-6 / 4, rtol=1e-3)


def test_kl_gradient_vanishes_only_at_the_prior():
    gradient = jax.grad(lambda m, v: losses.gaussian_kl(m, v), argnums=(0, 1))
    at_prior = gradient(jnp.zeros(2), jnp.zeros(2))
    np.testing.assert_array_equal(at_prior, jnp.zeros((2, 2)))
    mean, log_var = jnp.array([0.3, -0.2]), jnp.array([0.5, -1.0])
    by_mean, by_log_var = gradient(mean, log_var)
    np.testing.assert_allclose(by_mean, mean, rtol=1e-6)
    np.testing.assert_allclose(by_log_var, 0.5 * (jnp.exp(log_var) - 1), rtol=1e-6)


def test_the_parts_of_the_kl_add_up_to_it():
    mean, log_var = np.random.default_rng(0).normal(size=(2, 5, 4)).astype(np.float32)
    parts = losses.gaussian_kl_per_dimension(mean, log_var)
    assert parts.shape == (5, 4)
    np.testing.assert_allclose(parts.sum(axis=-1), losses.gaussian_kl(mean, log_var), rtol=1e-6)
    one = losses.gaussian_kl(mean[..., :1], log_var[..., :1])
    np.testing.assert_allclose(parts[..., 0], one, rtol=1e-6)


@given(vectors, vectors, vectors, vectors)
def test_kl_between_two_gaussians_is_the_closed_form(mean, log_var, other_mean, other_log_var):
    m, v, n, w = (one.astype(np.float64) for one in (mean, log_var, other_mean, other_log_var))
    # Bishop, 2006, exercise 1.30.
    expected = (w - v) / 2 + (np.exp(v) + (m - n) ** 2) / (2 * np.exp(w)) - 0.5
    found = losses.gaussian_kl_between(mean, log_var, other_mean, other_log_var)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@given(vectors, vectors)
def test_kl_between_a_gaussian_and_itself_or_the_prior(mean, log_var):
    assert not losses.gaussian_kl_between(mean, log_var, mean, log_var).any()
    zero = np.zeros_like(mean)
    found = losses.gaussian_kl_between(mean, log_var, zero, zero).sum()
    np.testing.assert_allclose(found, losses.gaussian_kl(mean, log_var), rtol=1e-6)


def test_free_bits_are_the_formula_of_the_paper_with_its_gradient():
    posterior = np.random.default_rng(1).normal(size=(2, 6, 4)).astype(np.float32)
    # Dimensions with little divergence and with much.
    posterior *= np.array([0.05, 0.3, 1.0, 2.0], np.float32)

    def paper(posterior, free_bits):
        return jnp.maximum(free_bits, losses.gaussian_kl_per_dimension(*posterior).mean(0)).sum()

    def ours(posterior, free_bits):
        parts = losses.gaussian_kl_per_dimension(*posterior)
        return losses.free_bits_kl(parts, parts.mean(axis=0), free_bits).mean()

    for free_bits, n_free in ((0.0, 0), (0.2, 2), (100.0, 4)):
        of_batch = losses.gaussian_kl_per_dimension(*posterior).mean(axis=0)
        assert np.sum(of_batch < free_bits) == n_free
        expected = jax.value_and_grad(paper)(jnp.asarray(posterior), free_bits)
        found = jax.value_and_grad(ours)(jnp.asarray(posterior), free_bits)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_free_bits_are_of_the_batch_not_of_each_example():
    parts = jnp.array([[0.0], [4.0]])
    np.testing.assert_array_equal(losses.free_bits_kl(parts, jnp.array([2.0]), 1.0), [0.0, 4.0])
    np.testing.assert_array_equal(losses.free_bits_kl(parts, jnp.array([2.0]), 3.0), [3.0, 3.0])


def test_the_weight_of_the_kl_by_hand():
    found = losses.kl_weight(jnp.arange(8), 8)
    np.testing.assert_allclose(found, [0, 0.25, 0.5, 0.75, 1, 1, 1, 1])
    found = losses.kl_weight(jnp.arange(8), 8, n_cycles=2)
    np.testing.assert_allclose(found, [0, 0.5, 1, 1] * 2)
    found = losses.kl_weight(jnp.arange(4), 4, ramp=1.0)
    np.testing.assert_allclose(found, [0, 0.25, 0.5, 0.75])


@given(st.integers(1, 12), st.integers(1, 300))
def test_every_cycle_begins_at_no_weight(n_cycles, epochs_per_cycle):
    n_epochs = n_cycles * epochs_per_cycle
    # Of the same shape in every example, so that it is compiled once.
    starts = jnp.arange(12) % n_cycles * epochs_per_cycle
    assert not losses.kl_weight(starts, n_epochs, n_cycles).any()
    weights = losses.kl_weight(jnp.arange(3600) % n_epochs + 0.5, n_epochs, n_cycles)
    assert weights.min() > 0
    assert weights.max() <= 1


def test_nll_agrees_with_scipy():
    x, mean, log_var = np.array([0.3, -2.0]), np.array([1.0, 0.5]), np.array([0.2, -0.7])
    expected = -multivariate_normal(mean, np.diag(np.exp(log_var))).logpdf(x)
    np.testing.assert_allclose(losses.gaussian_nll(x, mean, log_var), expected, rtol=1e-6)


def test_squared_error_is_the_nll_at_variance_one_half_without_its_constant():
    x, mean = np.array([0.3, -2.0, 1.0]), np.array([1.0, 0.5, 0.0])
    nll = losses.gaussian_nll(x, mean, jnp.log(0.5))
    np.testing.assert_allclose(
        losses.squared_error(x, mean) + 1.5 * jnp.log(jnp.pi), nll, rtol=1e-6
    )


@pytest.mark.parametrize(("beta", "expected"), [(0.0, 3.0), (1.0, 5.0), (4.0, 11.0)])
def test_negative_elbo_by_hand(beta, expected):
    assert losses.negative_elbo(jnp.array(3.0), jnp.array(2.0), beta) == expected


@pytest.mark.parametrize("loss", [losses.squared_error, losses.gaussian_nll, losses.gaussian_kl])
def test_losses_are_per_example_and_the_same_under_jit(loss):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5, 3, 4)).astype(np.float32)
    eager = loss(a, b)
    assert eager.shape == (5, 3)
    np.testing.assert_allclose(jax.jit(loss)(a, b), eager, rtol=1e-6)
    np.testing.assert_allclose(loss(a[2, 1], b[2, 1]), eager[2, 1], rtol=1e-6)


def test_weights_leave_features_out():
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    weight = np.array([1, 1, 0, 0], np.float32)
    for loss in (losses.squared_error, losses.gaussian_nll):
        np.testing.assert_allclose(
            loss(x, np.zeros_like(x), weight=weight), loss(x[:, :2], np.zeros((5, 2))), rtol=1e-6
        )


PAIRS = [
    (losses.squared_error, "x", "reconstruction"),
    (losses.gaussian_nll, "x", "mean"),
    (losses.gaussian_kl, "mean", "log_var"),
    (losses.gaussian_kl_per_dimension, "mean", "log_var"),
    (losses.negative_elbo, "reconstruction_nats", "kl_nats"),
]


@pytest.mark.parametrize(("loss", "first", "second"), PAIRS)
def test_arrays_that_would_be_broadcast_are_refused_with_the_axis(loss, first, second):
    for axis, shape in enumerate([(1, 3, 4), (2, 1, 4), (2, 3, 1)]):
        expected = (2, 3, 4)[axis]
        with pytest.raises(ValueError, match=r"expected") as caught:
            loss(np.zeros((2, 3, 4)), np.zeros(shape))
        assert str(caught.value) == (
            f"{second}: got 1 on axis {axis} (shape {shape}), expected {expected} as in {first} "
            "(shape (2, 3, 4))"
        )


@pytest.mark.parametrize(("loss", "first", "second"), PAIRS)
def test_arrays_with_more_or_fewer_axes_are_refused_with_their_number(loss, first, second):
    with pytest.raises(ValueError, match=r"expected") as caught:
        loss(np.zeros((8, 512)), np.zeros(512))
    assert str(caught.value) == (
        f"{second}: got 1-D (shape (512,)), expected 2-D as in {first} (shape (8, 512))"
    )


@pytest.mark.parametrize(
    ("place", "name"), [(1, "log_var"), (2, "other_mean"), (3, "other_log_var")]
)
def test_gaussians_of_other_shapes_have_no_kl_between_them(place, name):
    parts = [np.zeros((5, 4))] * 4
    parts[place] = np.zeros((5, 1))
    with pytest.raises(ValueError, match=rf"^{name}: got 1 on axis 1 .*expected 4 as in mean"):
        losses.gaussian_kl_between(*parts)
    parts[place] = np.zeros(4)
    with pytest.raises(ValueError, match=rf"^{name}: got 1-D .*expected 2-D as in mean"):
        losses.gaussian_kl_between(*parts)


@pytest.mark.parametrize("loss", [losses.squared_error, losses.gaussian_nll])
def test_weights_that_would_widen_the_examples_are_refused(loss):
    x = np.zeros((4, 3))
    for weight in (1.0, np.ones(3), np.ones((4, 1)), np.ones((4, 3))):
        assert loss(x, x, weight=weight).shape == (4,)
    for weight in (np.ones(4), np.ones((5, 1)), np.ones((2, 4, 3))):
        with pytest.raises(ValueError, match=r"^weight: got shape \(.*\), expected one that "):
            loss(x, x, weight=weight)


def test_a_log_variance_that_would_widen_the_examples_is_refused():
    x = np.zeros((4, 3))
    assert losses.gaussian_nll(x, x, np.zeros(3)).shape == (4,)
    with pytest.raises(ValueError, match=r"^log_var: got shape \(4,\), expected one that "):
        losses.gaussian_nll(x, x, np.zeros(4))


def test_thresholds_and_weights_of_the_kl_that_would_widen_the_examples_are_refused():
    kl_nats = jnp.ones((5, 3))
    assert losses.free_bits_kl(kl_nats, jnp.ones(3), jnp.ones(3)).shape == (5,)
    with pytest.raises(
        ValueError, match=r"^free_bits: got shape \(7, 1, 1\), expected one .*kl_nats"
    ):
        losses.free_bits_kl(kl_nats, jnp.ones(3), jnp.ones((7, 1, 1)))
    assert losses.negative_elbo(jnp.ones(3), jnp.ones(3), jnp.ones(3)).shape == (3,)
    with pytest.raises(
        ValueError, match=r"^beta: got shape \(4, 1\), expected one .* kl_nats, \(3,\)"
    ):
        losses.negative_elbo(jnp.ones(3), jnp.ones(3), jnp.ones((4, 1)))


def test_free_bits_of_a_batch_with_another_number_of_dimensions_are_refused():
    for shape in ((3,), (), (5, 4)):
        with pytest.raises(ValueError, match=r"^batch_kl_nats: got shape .*expected \[latent\]"):
            losses.free_bits_kl(jnp.zeros((5, 4)), jnp.zeros(shape), 1.0)


def test_shapes_are_checked_under_jit_too():
    with pytest.raises(ValueError, match=r"^reconstruction: got 1 on axis 0"):
        jax.jit(losses.squared_error)(np.zeros((8, 512)), np.zeros((1, 512)))


@pytest.mark.parametrize("module", [jnp, np])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "bool"])
@pytest.mark.parametrize(
    "loss",
    [
        losses.squared_error,
        losses.gaussian_nll,
        losses.gaussian_kl,
        losses.gaussian_kl_per_dimension,
    ],
)
def test_integers_count_as_the_floats_they_are(loss, dtype, module):
    """Their differences and squares do not fit into their own type."""
    one, other = (np.array(row, dtype) for row in ([[0, 100, 20]], [[5, 0, 3]]))
    found = loss(module.asarray(one), module.asarray(other))
    np.testing.assert_array_equal(found, loss(one.astype(np.float32), other.astype(np.float32)))


def test_the_kl_between_integers_is_that_of_floats():
    parts = [np.array([value], np.int8) for value in (100, -3, -100, 0)]
    expected = losses.gaussian_kl_between(*(part.astype(np.float32) for part in parts))
    np.testing.assert_array_equal(losses.gaussian_kl_between(*parts), expected)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16, jnp.float32])
def test_floats_keep_their_precision(dtype):
    x = jnp.ones((2, 3), dtype)
    assert losses.squared_error(x, x).dtype == losses.gaussian_kl(x, x).dtype == dtype
    assert losses.gaussian_nll(x, x, 0).dtype == dtype


def value_and_gradients(loss, *arguments):
    return jax.value_and_grad(loss, argnums=range(len(arguments)))(*arguments)


def test_a_density_at_its_mean_is_finite_however_small_the_variance():
    found, gradients = value_and_gradients(
        lambda x, mean, log_var: losses.gaussian_nll(x, mean, log_var),
        *(jnp.array([value]) for value in (3.0, 3.0, -200.0)),
    )
    assert found == pytest.approx(np.log(2 * np.pi) / 2 - 100)
    np.testing.assert_array_equal(gradients, [[0.0], [0.0], [0.5]])


def test_a_density_has_its_curvature_at_its_mean():
    curvature = jax.hessian(lambda x: losses.gaussian_nll(x, jnp.zeros(1), -2.0))(jnp.zeros(1))
    np.testing.assert_allclose(curvature, [[np.exp(2)]], rtol=1e-6)


def test_equal_gaussians_have_no_kl_between_them_however_narrow_they_are():
    narrow = [jnp.array([value]) for value in (2.0, -200.0, 2.0, -200.0)]
    found, gradients = value_and_gradients(
        lambda *parts: losses.gaussian_kl_between(*parts).sum(), *narrow
    )
    assert found == 0
    assert not np.any(gradients)
