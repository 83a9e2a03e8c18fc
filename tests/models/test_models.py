import jax
import jax.numpy as jnp
import numpy as np
import pytest

from musicvae_jax.models import MLPAutoencoder, Posterior, sample_posterior

X = np.random.default_rng(0).normal(size=(6, 10)).astype(np.float32)
NOISE = np.random.default_rng(1).normal(size=(6, 3)).astype(np.float32)
LABELS = np.eye(2, dtype=np.float32)[[0, 1, 0, 1, 0, 1]]


def build(condition=None, **settings):
    model = MLPAutoencoder(features=10, hidden=(8, 6), latent=3, **settings)
    return model, model.init(jax.random.key(0), X, NOISE, condition)


def layer_widths(params, part):
    layers = params["params"][part].values()
    return [layer["kernel"].shape for layer in layers]


def test_the_decoder_mirrors_the_encoder():
    _, params = build()
    assert layer_widths(params, "encoder") == [(10, 8), (8, 6), (6, 6)]
    assert layer_widths(params, "decoder") == [(3, 6), (6, 8), (8, 10)]


def test_a_deterministic_encoder_has_no_variance_head():
    _, params = build(deterministic=True)
    assert layer_widths(params, "encoder")[-1] == (6, 3)


def test_a_condition_widens_encoder_and_decoder():
    _, params = build(LABELS)
    assert layer_widths(params, "encoder")[0] == (12, 8)
    assert layer_widths(params, "decoder")[0] == (5, 6)


@pytest.mark.parametrize("condition", [None, LABELS])
def test_forward_pass_is_encode_sample_decode(condition):
    model, params = build(condition)
    output = model.apply(params, X, NOISE, condition)
    posterior = model.apply(params, X, condition, method="encode")
    z = sample_posterior(posterior, NOISE)
    decoded = model.apply(params, z, condition, method="decode")
    np.testing.assert_allclose(output.reconstruction, decoded, rtol=1e-6)
    np.testing.assert_array_equal(output.posterior.mean, posterior.mean)
    assert output.reconstruction.shape == X.shape
    assert posterior.mean.shape == posterior.log_var.shape == (6, 3)


@pytest.mark.parametrize("deterministic", [False, True])
def test_jit_is_eager(deterministic):
    model, params = build(deterministic=deterministic)
    eager = model.apply(params, X, NOISE)
    compiled = jax.jit(model.apply)(params, X, NOISE)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), eager, compiled)


def test_noise_moves_a_vae_and_not_an_autoencoder():
    for deterministic, moves in ((False, True), (True, False)):
        model, params = build(deterministic=deterministic)
        still, moved = (model.apply(params, X, n).reconstruction for n in (0 * NOISE, NOISE))
        assert bool(jnp.any(still != moved)) == moves


def test_each_song_is_encoded_by_itself():
    model, params = build()
    every = model.apply(params, X, method="encode").mean
    alone = model.apply(params, X[4], method="encode").mean
    np.testing.assert_allclose(every[4], alone, atol=1e-6)


def test_posterior_samples_have_its_mean_and_deviation():
    posterior = Posterior(jnp.array([1.0, -2.0]), jnp.array([0.0, 2 * np.log(0.5)]))
    noise = jax.random.normal(jax.random.key(3), (100_000, 2))
    z = np.asarray(sample_posterior(posterior, noise))
    np.testing.assert_allclose(z.mean(axis=0), [1.0, -2.0], atol=0.02)
    np.testing.assert_allclose(z.std(axis=0), [1.0, 0.5], atol=0.02)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (5, 1), (1, 3)])
def test_noise_that_latents_would_share_is_refused(shape):
    posterior = Posterior(jnp.zeros((5, 3)), jnp.zeros((5, 3)))
    with pytest.raises(ValueError, match=r"^noise: got shape \(.*, expected .*\(5, 3\)"):
        sample_posterior(posterior, np.zeros(shape))
    assert sample_posterior(posterior, np.zeros((2, 5, 3))).shape == (2, 5, 3)


def test_samples_are_decoded_prior_draws():
    model, params = build(LABELS)
    samples = model.apply(params, NOISE, LABELS, method="sample")
    np.testing.assert_array_equal(samples, model.apply(params, NOISE, LABELS, method="decode"))
    assert samples.shape == X.shape


def test_an_autoencoder_has_no_prior_to_sample():
    model, params = build(deterministic=True)
    with pytest.raises(ValueError, match="no prior"):
        model.apply(params, NOISE, method="sample")
