from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from musicvae_jax.models import ConvAutoencoder, sample_posterior
from musicvae_jax.models.conv import PatchDown, PatchUp, depth_to_space, space_to_depth

ARCHITECTURES = ("patch", "conv")
X = np.random.default_rng(0).normal(size=(3, 32, 16)).astype(np.float32)
NOISE = np.random.default_rng(1).normal(size=(3, 5)).astype(np.float32)
IMAGE = np.random.default_rng(2).normal(size=(2, 8, 12, 3)).astype(np.float32)
_DIMENSIONS = ("NHWC", "HWIO", "NHWC")


@cache
def build(architecture):
    model = ConvAutoencoder(bands=32, frames=16, latent=5, architecture=architecture)
    return model, jax.jit(model.init)(jax.random.key(0), X, NOISE)


@cache
def passes(architecture):
    """Everything that the tests look at, in one compilation per architecture."""
    model, params = build(architecture)

    @jax.jit
    def run(params):
        output = model.apply(params, X, NOISE)
        posterior = model.apply(params, X, method="encode")
        encode_one = partial(model.apply, params, method="encode")
        return {
            "output": output,
            "posterior": posterior,
            "decoded": model.apply(params, sample_posterior(posterior, NOISE), method="decode"),
            "stacked": encode_one(jnp.stack([X, X[::-1]])).mean,
            "one": encode_one(X[1]).mean,
            "by_pixel": jax.grad(lambda x: jnp.sum(encode_one(x).mean ** 2))(X[0]),
            "sampled": model.apply(params, NOISE, method="sample"),
            "decoded_noise": model.apply(params, NOISE, method="decode"),
        }

    return run(params)


def dense(params):
    (layer,) = params["params"].values()
    return layer["kernel"], layer["bias"]


@pytest.mark.parametrize("patch", [(4, 3), (8, 2), (1, 4)])
def test_a_patch_layer_is_a_strided_convolution(patch):
    layer = PatchDown(patch, 5)
    params = layer.init(jax.random.key(0), IMAGE)
    kernel, bias = dense(params)
    expected = jax.lax.conv_general_dilated(
        IMAGE, kernel.reshape(*patch, 3, 5), patch, "VALID", dimension_numbers=_DIMENSIONS
    )
    np.testing.assert_allclose(layer.apply(params, IMAGE), expected + bias, atol=1e-5)


@pytest.mark.parametrize("patch", [(4, 3), (1, 4)])
def test_a_patch_layer_upwards_is_a_transposed_convolution(patch):
    layer = PatchUp(patch, 5)
    params = layer.init(jax.random.key(0), IMAGE)
    kernel = dense(params)[0].reshape(3, *patch, 5).transpose(1, 2, 0, 3)
    expected = jax.lax.conv_transpose(
        IMAGE, kernel[::-1, ::-1], patch, "VALID", dimension_numbers=_DIMENSIONS
    )
    np.testing.assert_allclose(layer.apply(params, IMAGE), expected, atol=1e-5)


@pytest.mark.parametrize("patch", [(4, 3), (2, 2), (8, 12)])
def test_depth_to_space_undoes_space_to_depth(patch):
    deep = space_to_depth(IMAGE, patch)
    assert deep.shape == (2, 8 // patch[0], 12 // patch[1], 3 * patch[0] * patch[1])
    np.testing.assert_array_equal(deep[1, 0, 0], IMAGE[1, : patch[0], : patch[1]].ravel())
    np.testing.assert_array_equal(depth_to_space(deep, patch), IMAGE)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.slow
def test_forward_pass_is_encode_sample_decode(architecture):
    found = passes(architecture)
    output, posterior = found["output"], found["posterior"]
    np.testing.assert_allclose(output.reconstruction, found["decoded"], atol=1e-5)
    np.testing.assert_allclose(output.posterior.mean, posterior.mean, atol=1e-5)
    assert output.reconstruction.shape == X.shape
    assert posterior.mean.shape == posterior.log_var.shape == (3, 5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_any_leading_axes_and_each_crop_by_itself(architecture):
    found = passes(architecture)
    every = found["posterior"].mean
    np.testing.assert_allclose(found["stacked"], np.stack([every, every[::-1]]), atol=1e-5)
    np.testing.assert_allclose(found["one"], every[1], atol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_pixel_is_looked_at_and_drawn(architecture):
    found = passes(architecture)
    assert np.all(found["by_pixel"] != 0)
    assert np.all(np.ptp(found["decoded_noise"], axis=0) > 0)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_samples_are_decoded_prior_draws(architecture):
    found = passes(architecture)
    np.testing.assert_allclose(found["sampled"], found["decoded_noise"], atol=1e-6)


def test_jit_is_eager():
    model, params = build("patch")
    eager = model.apply(params, X, NOISE)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4), eager, passes("patch")["output"]
    )


def test_a_condition_is_refused():
    model, params = build("patch")
    with pytest.raises(ValueError, match="condition"):
        model.apply(params, X, np.ones((3, 2)), method="encode")


def test_a_mask_has_the_shape_of_the_mels_or_broadcasts_to_it():
    model, params = build("patch")

    def reconstruction(mask):
        return model.apply(params, X, NOISE, None, mask, method="terms").reconstruction

    first_half = np.zeros_like(X)
    first_half[:, :16] = 1
    whole, half, rest = map(reconstruction, (1.0, first_half, 1 - first_half))
    np.testing.assert_allclose(half + rest, whole, rtol=1e-5)
    of_bands = reconstruction(first_half[0, :, :1])
    np.testing.assert_allclose(of_bands, half, rtol=1e-6)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("name", "size"), [("bands", 20), ("bands", 0), ("frames", 24)])
def test_sizes_that_are_not_whole_steps_are_refused(architecture, name, size):
    sizes = {"bands": 32, "frames": 32, name: size}
    model = ConvAutoencoder(**sizes, latent=5, architecture=architecture)
    with pytest.raises(ValueError, match=rf"^{name}: got {size}, expected a multiple of \d+ with"):
        model.init(jax.random.key(0), np.zeros((3, 32, 32)), NOISE)


def test_patches_take_bands_that_strided_convolutions_do_not():
    x = np.zeros((3, 24, 16), np.float32)
    model = ConvAutoencoder(bands=24, frames=16, latent=5)
    output, _ = jax.jit(model.init_with_output)(jax.random.key(0), x, NOISE)
    assert output.reconstruction.shape == x.shape
    with pytest.raises(ValueError, match=r"^bands: got 24, expected a multiple of 16 with"):
        model.clone(architecture="conv").init(jax.random.key(0), x, NOISE)
