"""Dense layers whose weights' gradients are as fast on a CPU as their outputs."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp


def dense(width: int) -> nn.Dense:
    """A `flax.linen.Dense` layer, `[..., any] -> [..., width]`, that uses `matrix_product`.

    Example:
        >>> layer, x = dense(3), jnp.ones((2, 4))
        >>> layer.apply(layer.init(jax.random.key(0), x), x).shape
        (2, 3)
    """
    return nn.Dense(width, dot_general=_dot_general)


@jax.custom_vjp
def matrix_product(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """`x @ kernel`, with gradients for the compiler's fast matrix products on a CPU.

    Those read a left operand by rows only. The gradient of a kernel, x transposed times the
    gradient of the output, is left to a slower product unless x is transposed in memory first.
    Derivatives are those of reverse mode: `jax.jacrev`, not `jax.jacfwd` or `jax.jvp`.

    Args:
        x: `[..., n]`.
        kernel: `[n, width]`.

    Returns:
        `[..., width]`.

    Example:
        >>> x, kernel = jnp.array([[1.0, 2.0]]), jnp.array([[3.0], [4.0]])
        >>> matrix_product(x, kernel)
        Array([[11.]], dtype=float32)
        >>> jax.grad(lambda kernel: matrix_product(x, kernel).sum())(kernel)
        Array([[1.],
               [2.]], dtype=float32)
    """
    return jnp.matmul(x, kernel)


def _forward(x: jax.Array, kernel: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return jnp.matmul(x, kernel), (x, kernel)


def _backward(
    saved: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    return jax.lax.platform_dependent(*saved, gradient, cpu=_backward_on_cpu, default=_plain)


def _plain(x: jax.Array, kernel: jax.Array, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    return gradient @ kernel.T, _rows(x).T @ _rows(gradient)


def _backward_on_cpu(
    x: jax.Array, kernel: jax.Array, gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    # Without the barrier the compiler would undo the transposition.
    of_x, columns = jax.lax.optimization_barrier((gradient @ kernel.T, _rows(x).T))
    return of_x, columns @ _rows(gradient)


matrix_product.defvjp(_forward, _backward)


def _rows(x: jax.Array) -> jax.Array:
    return x.reshape(-1, x.shape[-1])


def _dot_general(
    x: jax.Array, kernel: jax.Array, dimension_numbers: Any, precision: Any = None
) -> jax.Array:
    """The product that `flax.linen.Dense` asks for: the last axis of x with the kernel's first."""
    assert dimension_numbers == (((x.ndim - 1,), (0,)), ((), ()))
    assert precision is None
    return matrix_product(x, kernel)
