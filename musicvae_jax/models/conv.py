"""Autoencoders of mel spectrogram crops, with dense layers on patches or with convolutions."""

import math
from typing import Any, ClassVar, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from musicvae_jax.models.dense import dense
from musicvae_jax.models.objective import (
    Terms,
    gaussian_terms,
    reconstruction_nats,
    refuse_condition,
)
from musicvae_jax.models.posterior import Output, Posterior, sample_posterior

Architecture = Literal["patch", "conv"]
Size = tuple[int, int]
_CONV_WIDTHS = (16, 32, 64, 128)
# What bands and frames must be multiples of, for whole patches or four halvings.
_STEPS: dict[str, Size] = {"patch": (8, 16), "conv": (16, 16)}


def space_to_depth(x: jax.Array, patch: Size) -> jax.Array:
    """Non-overlapping patches as channels.

    Args:
        x: `[..., height, width, channels]`.
        patch: height and width of a patch, which divide those of x.

    Returns:
        `[..., height / h, width / w, h * w * channels]`, each patch in row-major order.

    Example:
        >>> space_to_depth(jnp.arange(8).reshape(2, 4, 1), (2, 2))
        Array([[[0, 1, 4, 5],
                [2, 3, 6, 7]]], dtype=int32)
    """
    (h, w), (height, width, channels) = patch, x.shape[-3:]
    x = x.reshape(*x.shape[:-3], height // h, h, width // w, w, channels)
    x = jnp.swapaxes(x, -4, -3)
    return x.reshape(*x.shape[:-5], height // h, width // w, h * w * channels)


def depth_to_space(x: jax.Array, patch: Size) -> jax.Array:
    """The inverse of `space_to_depth`.

    Example:
        >>> x = jnp.arange(8).reshape(2, 4, 1)
        >>> bool(jnp.all(depth_to_space(space_to_depth(x, (2, 2)), (2, 2)) == x))
        True
    """
    (h, w), (height, width, depth) = patch, x.shape[-3:]
    x = x.reshape(*x.shape[:-3], height, width, h, w, depth // (h * w))
    x = jnp.swapaxes(x, -4, -3)
    return x.reshape(*x.shape[:-5], height * h, width * w, depth // (h * w))


class PatchDown(nn.Module):
    """A convolution whose stride equals its kernel size, as one matrix product."""

    patch: Size
    features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return dense(self.features)(space_to_depth(x, self.patch))


class PatchUp(nn.Module):
    """A transposed convolution whose stride equals its kernel size, as one matrix product."""

    patch: Size
    features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        depth = self.patch[0] * self.patch[1] * self.features
        return depth_to_space(dense(depth)(x), self.patch)


class Encoder(nn.Module):
    """Crops `[..., bands, frames]` to `[..., out]`."""

    architecture: Architecture
    out: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        bands, x = x.shape[-2], x[..., None]
        if self.architecture == "conv":
            for width in _CONV_WIDTHS:
                x = _activate(nn.Conv(width, (3, 3), strides=(2, 2))(x))
        else:
            for patch, width in _patches(bands):
                x = _activate(PatchDown(patch, width)(x))
        return dense(self.out)(x.reshape(*x.shape[:-3], -1))


class Decoder(nn.Module):
    """Latents `[..., latent]` to crops `[..., bands, frames]`: the encoder's layers in reverse."""

    architecture: Architecture
    bands: int
    frames: int

    @nn.compact
    def __call__(self, z: jax.Array) -> jax.Array:
        if self.architecture == "conv":
            patches = [((2, 2), width) for width in _CONV_WIDTHS]
        else:
            patches = list(_patches(self.bands))
        height = self.bands // math.prod(h for (h, _), _ in patches)
        width = self.frames // math.prod(w for (_, w), _ in patches)
        depth = patches[-1][1]
        x = dense(height * width * depth)(z).reshape(*z.shape[:-1], height, width, depth)
        x = _activate(x)
        widths = [1, *(width for _, width in patches[:-1])]
        for (patch, _), features in reversed(list(zip(patches, widths, strict=True))):
            if self.architecture == "conv":
                # Not ConvTranspose, which is slow on a CPU and leaves checkerboard artefacts.
                wide = nn.Conv(patch[0] * patch[1] * features, (3, 3))(x)
                x = depth_to_space(wide, patch)
            else:
                x = PatchUp(patch, features)(x)
            x = x if features == 1 else _activate(x)
        return x[..., 0]


class ConvAutoencoder(nn.Module):
    """VAE of mel spectrogram crops `[..., bands, frames]`.

    It has the methods of `MLPAutoencoder`; x may have any number of leading axes. For measurements
    behind the default architecture see benchmarks/README.md.

    Attributes:
        bands: number of mel bands, a multiple of 16, or of 8 with patches.
        frames: length of a crop, a multiple of 16.
        latent: size of z.
        architecture: patch: dense layers on patches of 8 bands x 4 frames, then of all bands x 16
            frames; conv: ordinary strided 3 x 3 convolutions, for accelerators.

    Example:
        >>> model = ConvAutoencoder(bands=16, frames=32, latent=4)
        >>> x, noise = jnp.zeros((3, 16, 32)), jnp.zeros((3, 4))
        >>> params = model.init(jax.random.key(0), x, noise)
        >>> model.apply(params, x, method="encode").mean.shape
        (3, 4)
        >>> model.apply(params, noise, method="decode").shape
        (3, 16, 32)
    """

    bands: int = 128
    frames: int = 128
    latent: int = 64
    architecture: Architecture = "patch"
    other_terms: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def for_shape(cls, shape: tuple[int, int], **settings: Any) -> "ConvAutoencoder":
        """The module for examples of shape `[bands, frames]`."""
        return cls(*shape, **settings)

    def setup(self) -> None:
        for name, step in zip(("bands", "frames"), _STEPS[self.architecture], strict=True):
            size = getattr(self, name)
            if size < 1 or size % step:
                raise ValueError(
                    f"{name}: got {size}, expected a multiple of {step} with architecture "
                    f"{self.architecture!r}"
                )
        self.encoder = Encoder(self.architecture, 2 * self.latent)
        self.decoder = Decoder(self.architecture, self.bands, self.frames)

    def encode(
        self,
        x: jax.Array,
        condition: jax.Array | None = None,
        mask: jax.Array | float | None = None,  # noqa: ARG002 - crops have nothing missing
    ) -> Posterior:
        """The posterior of x; deterministic.

        Args:
            x: crops, `[..., bands, frames]`.
            condition: must be None; this module is never conditional.
            mask: not used.
        """
        refuse_condition(condition, "a convolutional autoencoder")
        return Posterior(*jnp.split(self.encoder(x), 2, axis=-1))

    def decode(self, z: jax.Array, condition: jax.Array | None = None) -> jax.Array:
        """The mean of x, `[..., bands, frames]`, given latents `[..., latent]`."""
        refuse_condition(condition, "a convolutional autoencoder")
        return self.decoder(z)

    def sample(self, noise: jax.Array, condition: jax.Array | None = None) -> jax.Array:
        """Decodes standard normal noise `[..., latent]` to crops `[..., bands, frames]`."""
        return self.decode(noise, condition)

    def __call__(
        self, x: jax.Array, noise: jax.Array, condition: jax.Array | None = None
    ) -> Output:
        """Encodes x, draws z with standard normal noise `[..., latent]`, and decodes it."""
        posterior = self.encode(x, condition)
        return Output(self.decode(sample_posterior(posterior, noise), condition), posterior)

    def terms(
        self,
        x: jax.Array,
        noise: jax.Array,
        condition: jax.Array | None = None,
        mask: jax.Array | float = 1.0,
        likelihood: str = "squared_error",
    ) -> Terms:
        """See `Model.terms`."""
        output = self(x, noise, condition)
        reconstruction = reconstruction_nats(x, output.reconstruction, mask, likelihood, n_axes=2)
        return gaussian_terms(reconstruction, output.posterior)


def _patches(bands: int) -> tuple[tuple[Size, int], ...]:
    """Size and width of each layer of patches."""
    return ((8, 4), 32), ((bands // 8, 4), 512)


class _Activation(nn.Module):
    """GELU, then layer normalisation, which keeps Adam stable at larger learning rates."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return nn.LayerNorm()(nn.gelu(x))


def _activate(x: jax.Array) -> jax.Array:
    return _Activation()(x)
