"""Dense layers with their own gradients, against those of Flax."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from musicvae_jax.models import dense as module
from musicvae_jax.models.dense import dense, matrix_product

RNG = np.random.default_rng(0)
KERNEL = RNG.normal(size=(5, 3)).astype(np.float32)
SHAPES = [(5,), (4, 5), (2, 3, 4, 5)]


def weighted(product, gradient):
    """A scalar of x and kernel with a known gradient of the product."""
    return lambda x, kernel: jnp.sum(gradient * product(x, kernel))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("backward", [module._plain, module._backward_on_cpu])
def test_gradients_are_those_of_a_matrix_product(shape, backward):
    x = RNG.normal(size=shape).astype(np.float32)
    gradient = RNG.normal(size=(*shape[:-1], 3)).astype(np.float32)
    expected = jax.grad(weighted(jnp.matmul, gradient), (0, 1))(x, KERNEL)
    for found, wanted in zip(backward(x, KERNEL, gradient), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
    chosen = jax.grad(weighted(matrix_product, gradient), (0, 1))(x, KERNEL)
    for found, wanted in zip(chosen, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def test_members_of_a_sweep_side_by_side():
    x, kernels = (RNG.normal(size=size).astype(np.float32) for size in ((4, 5), (6, 5, 3)))
    grad = jax.grad(lambda kernel, product: jnp.sum(product(x, kernel) ** 2))
    found = jax.vmap(lambda kernel: grad(kernel, matrix_product))(kernels)
    expected = [grad(kernel, jnp.matmul) for kernel in kernels]
    np.testing.assert_allclose(found, np.stack(expected), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_layer_has_the_parameters_and_outputs_of_flax(shape):
    x, key = RNG.normal(size=shape).astype(np.float32), jax.random.key(1)
    ours, theirs = dense(3), nn.Dense(3)
    params = ours.init(key, x)
    assert jax.tree.all(jax.tree.map(np.array_equal, params, theirs.init(key, x)))
    assert np.array_equal(ours.apply(params, x), theirs.apply(params, x))


@pytest.mark.usefixtures("default_optimisations")
def test_no_gradient_of_x_is_computed_where_none_is_needed():
    def loss(kernel, x):
        return jnp.sum(matrix_product(x, kernel) ** 2)

    x = jnp.ones((4, 5))
    both, of_kernel = (
        jax.jit(jax.grad(loss, which)).lower(KERNEL, x).compile().as_text() for which in ((0, 1), 0)
    )
    product = "f32[4,5]{1,0} dot("
    assert product in both
    assert product not in of_kernel
