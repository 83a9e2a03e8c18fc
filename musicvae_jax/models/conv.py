"""Autoencoders of mel spectrogram crops: patch layers, patches with convolutions, convolutions."""

import math
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from musicvae_jax.models.posterior import Output, Posterior, sample_posterior

Architecture = Literal["patch", "hybrid", "conv"]
Size = tuple[int, int]
_CONV_WIDTHS = (16, 32, 64, 128)
_N_CONVOLUTIONS = 2


def space_to_depth(x: jax.Array, patch: Size) -> jax.Array:
    """Non-overlapping patches as channels.

    Args:
        x: `[..., height, width, channels]`.
        patch: height and width of a patch; they divide those of x.

    Returns:
        `[..., height / h, width / w, h * w * channels]`, each patch in row-major order.
    """
    (h, w), (height, width, channels) = patch, x.shape[-3:]
    x = x.reshape(*x.shape[:-3], height // h, h, width // w, w, channels)
    x = jnp.swapaxes(x, -4, -3)
    return x.reshape(*x.shape[:-5], height // h, width // w, h * w * channels)


def depth_to_space(x: jax.Array, patch: Size) -> jax.Array:
    """The inverse of `space_to_depth`."""
    (h, w), (height, width, depth) = patch, x.shape[-3:]
    x = x.reshape(*x.shape[:-3], height, width, h, w, depth // (h * w))
    x = jnp.swapaxes(x, -4, -3)
    return x.reshape(*x.shape[:-5], height * h, width * w, depth // (h * w))


class PatchDown(nn.Module):
    """A convolution whose stride is its kernel, as one matrix product."""

    patch: Size
    features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return nn.Dense(self.features)(space_to_depth(x, self.patch))


class PatchUp(nn.Module):
    """A transposed convolution whose stride is its kernel, as one matrix product."""

    patch: Size
    features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        depth = self.patch[0] * self.patch[1] * self.features
        return depth_to_space(nn.Dense(depth)(x), self.patch)


class Convolution3x3(nn.Module):
    """An ordinary 3 x 3 convolution, zeros around the edge, as one matrix product.

    XLA computes the weight gradient of a convolution inside a compiled loop tens of times slower
    on a CPU than outside; that of a matrix product it does not.
    """

    features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        height, width = x.shape[-3:-1]
        padded = jnp.pad(x, [(0, 0)] * (x.ndim - 3) + [(1, 1), (1, 1), (0, 0)])
        shifted = [
            padded[..., i : i + height, j : j + width, :] for i in range(3) for j in range(3)
        ]
        return nn.Dense(self.features)(jnp.concatenate(shifted, axis=-1))


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
            for patch, width in _patches(self.architecture, bands):
                x = _activate(PatchDown(patch, width)(x))
        if self.architecture == "hybrid":
            for _ in range(_N_CONVOLUTIONS):
                x = _activate(Convolution3x3(x.shape[-1])(x))
        return nn.Dense(self.out)(x.reshape(*x.shape[:-3], -1))


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
            patches = list(_patches(self.architecture, self.bands))
        height = self.bands // math.prod(h for (h, _), _ in patches)
        width = self.frames // math.prod(w for (_, w), _ in patches)
        depth = patches[-1][1]
        x = nn.Dense(height * width * depth)(z).reshape(*z.shape[:-1], height, width, depth)
        x = _activate(x)
        if self.architecture == "hybrid":
            for _ in range(_N_CONVOLUTIONS):
                x = _activate(Convolution3x3(depth)(x))
        widths = [1, *(width for _, width in patches[:-1])]
        for (patch, _), features in reversed(list(zip(patches, widths, strict=True))):
            if self.architecture == "conv":
                # Not ConvTranspose, which is slow on a CPU and leaves a checkerboard.
                wide = nn.Conv(patch[0] * patch[1] * features, (3, 3))(x)
                x = depth_to_space(wide, patch)
            else:
                x = PatchUp(patch, features)(x)
            x = x if features == 1 else _activate(x)
        return x[..., 0]


class ConvAutoencoder(nn.Module):
    """VAE of mel spectrogram crops `[..., bands, frames]`.

    The methods are those of `MLPAutoencoder`; x may have any number of leading axes.

    The default was chosen by measurement: benchmarks/conv_vae.py on 695 pieces rendered from open
    scores (625 to train on, 70 held out), crops of 128 frames, batches of 32, Adam 2e-3, three
    seeds. Error is the squared error per standardised pixel of held-out crops, decoded from
    posterior means; its deviation is over seeds. Times are the least of any ten steps on a 2-core
    CPU that others were using too. conv was run one compiled step at a time, because the weight
    gradient of a convolution had been 29 to 60 times slower inside a compiled loop.

    | architecture | parameters | ms/step | core ms/step | error, 20 steps | error, 240 steps |
    |---|---|---|---|---|---|
    | patch | 2.89 M | 43 | 83 | 0.760 +- 0.016 | 0.424 +- 0.002 |
    | hybrid | 2.31 M | 112 | 216 | 0.717 +- 0.021 | 0.461 +- 0.011 |
    | conv | 2.07 M | 396 | 623 | 0.647 +- 0.003 | not run |

    At 240 steps patch is better than hybrid and takes 0.4 of its time. conv learns more from a
    step, but 60 of its steps (0.51, two seeds) take 24 s, in which patch makes 550 steps. patch
    reached 0.261 (6.5 dB) in 1,580 steps (one seed), about what a PCA of 64 components does (0.269,
    fitted to 3,000 crops).

    Attributes:
        bands: mel bands, a multiple of 16.
        frames: length of a crop, a multiple of 16.
        latent: size of z.
        architecture: patch: dense layers on patches, of 8 bands x 4 frames, then of all bands x 16
            frames; hybrid: two layers of square patches, then 3 x 3 convolutions; conv: ordinary
            strided 3 x 3 convolutions, for accelerators.
    """

    bands: int = 128
    frames: int = 128
    latent: int = 64
    architecture: Architecture = "patch"

    @property
    def deterministic(self) -> bool:
        """False: latents are drawn from a posterior."""
        return False

    def setup(self) -> None:
        self.encoder = Encoder(self.architecture, 2 * self.latent)
        self.decoder = Decoder(self.architecture, self.bands, self.frames)

    def encode(self, x: jax.Array, condition: jax.Array | None = None) -> Posterior:
        """The posterior of x; it draws nothing, so it is the same every time.

        Args:
            x: crops, `[..., bands, frames]`.
            condition: None; there is no conditional module of crops.
        """
        _refuse(condition)
        return Posterior(*jnp.split(self.encoder(x), 2, axis=-1))

    def decode(self, z: jax.Array, condition: jax.Array | None = None) -> jax.Array:
        """The mean of x, `[..., bands, frames]`, given latents `[..., latent]`."""
        _refuse(condition)
        return self.decoder(z)

    def sample(self, noise: jax.Array, condition: jax.Array | None = None) -> jax.Array:
        """Crops from the prior, `[..., bands, frames]`, for standard normal `[..., latent]`."""
        return self.decode(noise, condition)

    def __call__(
        self, x: jax.Array, noise: jax.Array, condition: jax.Array | None = None
    ) -> Output:
        """Encodes x, draws z with the given standard normal noise `[..., latent]`, decodes."""
        posterior = self.encode(x, condition)
        return Output(self.decode(sample_posterior(posterior, noise), condition), posterior)


def _patches(architecture: Architecture, bands: int) -> tuple[tuple[Size, int], ...]:
    """Size and width of each layer of patches."""
    if architecture == "patch":
        return ((8, 4), 32), ((bands // 8, 4), 512)
    return ((4, 4), 32), ((4, 4), 128)


class _Activation(nn.Module):
    """GELU, then layer normalisation, which keeps Adam stable at larger steps."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return nn.LayerNorm()(nn.gelu(x))


def _activate(x: jax.Array) -> jax.Array:
    return _Activation()(x)


def _refuse(condition: jax.Array | None) -> None:
    if condition is not None:
        raise ValueError("condition: a convolutional autoencoder takes none")
