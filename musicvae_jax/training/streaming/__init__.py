"""Training on more than a device holds: the host reads a chunk while the device computes.

What `training` does in one compiled call needs all examples on the device. Here a Python loop
hands over chunks of steps, compiled once, and a thread reads the next chunk meanwhile. Losses,
optimiser, noise and history are those of `training`. Randomness is folded from (epoch, example),
so that the size of a chunk does not change the numbers.
"""

from musicvae_jax.training.streaming.crops import (
    HISTORY_CROPS,
    CropSource,
    song_latents,
    standardised,
)
from musicvae_jax.training.streaming.loop import train_streamed
from musicvae_jax.training.streaming.members import train_streamed_members
from musicvae_jax.training.streaming.rows import RowSource
from musicvae_jax.training.streaming.source import CHUNK_BYTES, Source, Visits

__all__ = [
    "CHUNK_BYTES",
    "HISTORY_CROPS",
    "CropSource",
    "RowSource",
    "Source",
    "Visits",
    "song_latents",
    "standardised",
    "train_streamed",
    "train_streamed_members",
]
