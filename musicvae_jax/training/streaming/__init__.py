"""Training on more data than a device can hold: the host reads ahead while the device computes.

`training` runs in one compiled call and needs all examples on the device. Here a Python loop passes
chunks of steps to a function compiled once, while a thread reads the next chunk. Losses, optimiser,
noise and history are those of `training`. Random keys are folded from (epoch, example), so the size
of a chunk does not change the numbers.
"""

from musicvae_jax.training.streaming.crop_source import CropSource
from musicvae_jax.training.streaming.inference import latents, posteriors
from musicvae_jax.training.streaming.loop import train_streamed
from musicvae_jax.training.streaming.make_source import make_source
from musicvae_jax.training.streaming.members import train_streamed_members
from musicvae_jax.training.streaming.row_source import RowSource
from musicvae_jax.training.streaming.source import CHUNK_BYTES, Source, Visits

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
