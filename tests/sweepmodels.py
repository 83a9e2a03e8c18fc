"""Small models with their data and sweeps, for tests of training."""

from functools import cache

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from musicvae_jax.config import CropConfig, Member, ModelConfig, TrainConfig
from musicvae_jax.features.crops import CropStore, fit_crop_scaler
from musicvae_jax.models import ConvAutoencoder, Posterior
from musicvae_jax.training import Data, Examples, make_model
from musicvae_jax.training.streaming import CropSource

# A conditional VAE of rows: 10 epochs of 5 steps, the last of which has 3 songs.
ROW_MODEL = make_model(ModelConfig(hidden=(16,), latent=4), (12,))
ROW_CONFIG = TrainConfig(epochs=10, batch_size=10)
ROW_MEMBERS = [
    Member(1.0, 1e-3, 0),
    Member(4.0, 1e-3, 0),
    Member(1.0, 1e-2, 3),
    Member(2.0, 1e-3, 7),
]

CROP_LENGTHS = np.array([150, 130, 40, 200, 128, 140, 160])
CROP_TRAIN, CROP_HELDOUT = np.array([0, 2, 3, 5, 6]), np.array([1, 4])
# Three visits of five songs in batches of four: three full ones and one of three.
CROPS = CropConfig(per_song=3, encoded=2)
CROP_CONFIG = TrainConfig(epochs=3, batch_size=4, learning_rate=(1e-3,))


class TinyConv(ConvAutoencoder):
    """Of the same methods, but small enough to compile and train in no time."""

    def setup(self):
        self.encoder = nn.Dense(2 * self.latent)
        self.decoder = nn.Dense(self.bands * self.frames)

    def encode(self, x, condition=None, mask=None):
        pooled = x.reshape(*x.shape[:-2], 16, 8, self.frames).mean(axis=(-2, -1))
        return Posterior(*jnp.split(self.encoder(pooled), 2, axis=-1))

    def decode(self, z, condition=None):
        return self.decoder(z).reshape(*z.shape[:-1], self.bands, self.frames)


CROP_MODEL = TinyConv(latent=2)


@cache
def row_data():
    """43 songs to train on and 9 held out, with three labels."""
    x = np.random.default_rng(1).normal(size=(52, 12)).astype(np.float32)
    condition = np.eye(3, dtype=np.float32)[np.arange(52) % 3]
    return Data(Examples(x[:43], condition[:43]), Examples(x[43:], condition[43:]))


@cache
def crop_source():
    """Songs that hold one chord each: the loudness of bands is all there is to learn."""
    rng = np.random.default_rng(0)
    chords = [rng.uniform(-60, -5, 128) for _ in CROP_LENGTHS]
    frames = [np.tile(chord, (n, 1)) for chord, n in zip(chords, CROP_LENGTHS, strict=True)]
    frames = np.concatenate(frames)
    starts = np.cumsum(CROP_LENGTHS) - CROP_LENGTHS
    noisy = np.clip(frames + rng.normal(0, 1, frames.shape), -80, 0).astype(np.float16)
    store = CropStore((noisy,), np.zeros_like(starts), starts, np.array(CROP_LENGTHS), 80.0)
    scaler = fit_crop_scaler(store, CROP_TRAIN)
    return CropSource(store, CROP_TRAIN, CROP_HELDOUT, scaler, CROPS)


def assert_trees_close(found, expected, rtol=0.0, atol=0.0):
    """Every leaf, within the tolerances; without them, equal."""
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=rtol, atol=atol), found, expected
    )


class Counts:
    """An `on_history` that notes what it was called with: epochs, members, whether restored."""

    def __init__(self):
        self.members, self.epochs, self.restored = [], [], []

    def __call__(self, first_member, first_epoch, history, is_restored):
        n_members, n_epochs = history.active_units.shape
        self.members.append((first_member, n_members))
        self.epochs.append((first_epoch, n_epochs))
        self.restored.append(is_restored)

    @property
    def total(self):
        """Epochs of all members."""
        return sum(m[1] * e[1] for m, e in zip(self.members, self.epochs, strict=True))
