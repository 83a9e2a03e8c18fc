"""Representations and listings of made-up songs, for tests of the stages after training."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from musicvae_jax.pipeline.listing import Listing
from musicvae_jax.pipeline.stages import Stages
from musicvae_jax.representations import Representation
from musicvae_jax.runtime.workers import Workers


def represent(
    name: str, points: Sequence[np.ndarray], columns_seen: tuple[str, ...] = ("melspectrogram",)
) -> Representation:
    """Points `[songs, dimensions]`, one array per seed, all of known songs."""
    n_songs = len(points[0])
    songs = np.array([f"song {i}" for i in range(n_songs)], object)
    return Representation(name, songs, np.stack(points), np.ones(n_songs, bool), columns_seen)


def blobs(n_seeds=1, known=None):
    """Thirty songs in three groups, far apart."""
    rng = np.random.default_rng(0)
    centres = np.repeat([[0, 0], [9, 0], [0, 9]], 10, axis=0)
    points = (centres + rng.normal(size=(n_seeds, 30, 2)) * 0.1).astype(np.float32)
    ids = np.array([f"song {i:02d}" for i in range(30)], object)
    return Representation(
        "blobs", ids, points, np.ones(30, bool) if known is None else known, ("melspectrogram",)
    )


def list_songs(
    songs: pd.DataFrame,
    own: Sequence[Representation],
    baselines: Sequence[Representation] = (),
    seeds: tuple[int, ...] = (0,),
) -> Listing:
    """A listing; the shared space is that of the first representation."""
    return Listing(tuple(own), tuple(baselines), songs, own[0], seeds)


def stages(folder: str = "stages") -> Stages:
    """Compute everything, in this process: others take longer to start than all of it."""
    return Stages(Path(folder), True, Workers(min_songs=1_000_000))
