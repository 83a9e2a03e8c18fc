"""Training on more than a device holds: the host reads a chunk while the device computes.

What `training` does in one compiled call needs all examples on the device. Here a Python loop
hands over chunks of steps, compiled once, and a thread reads the next chunk meanwhile. Losses,
optimiser, noise and history are those of `training`. Randomness is folded from (epoch, example),
so that the size of a chunk does not change the numbers.
"""

from musicvae_jax.training.streaming.crops import CropSource
from musicvae_jax.training.streaming.inference import latents, posteriors
from musicvae_jax.training.streaming.loop import train_streamed
from musicvae_jax.training.streaming.members import train_streamed_members
from musicvae_jax.training.streaming.rows import RowSource
from musicvae_jax.training.streaming.source import CHUNK_BYTES, Source, Visits
from musicvae_jax.training.streaming.sources import make_source

__all__ = [
    "CHUNK_BYTES",
    "CropSource",
    "RowSource",
    "Source",
    "Visits",
    "latents",
    "make_source",
    "posteriors",
    "train_streamed",
    "train_streamed_members",
]
