"""Fusions of latents with other blocks, fitted once and applied to new songs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from musicvae_jax.config import BLOCKS, Block, Experiment
from musicvae_jax.preprocess import ModelInputs
from musicvae_jax.representations import (
    Balance,
    Projection,
    Representation,
    apply_pca,
    fit_balance,
    fit_pca,
    fuse,
)
from musicvae_jax.songs import Split


class FusedBlock(NamedTuple):
    """A block to fuse with latents, and the PCA that reduces it, or None."""

    block: Block
    projection: Projection | None


class Fusion(NamedTuple):
    """Latents and blocks side by side.

    Attributes:
        latents: name of the latents.
        blocks: the blocks joined to them.
        balances: the balance of the latents, then of each block.
    """

    latents: str
    blocks: tuple[FusedBlock, ...]
    balances: tuple[Balance, ...]


def fit_fusions(
    experiment: Experiment,
    latents: Sequence[Representation],
    inputs: ModelInputs,
    split: Split,
    places: np.ndarray,
) -> tuple[Fusion, ...]:
    """An experiment's fusions: with reduced texts, with all of the texts, and with labels too.

    Texts are lyrics and tags. PCA reduces them to the dimension of the latents, because hundreds of
    dimensions of embedding noise hide the clusters of the fewer audio latents even at equal
    variance. The fusion with the genre is what the reference pipeline calls multimodal.

    Args:
        experiment: resolved.
        latents: latents of all songs.
        inputs: model inputs of all songs.
        split: training and held-out songs.
        places: the clustered songs, on which blocks are balanced.
    """
    whole = tuple(FusedBlock(name, None) for name in experiment.fuse if BLOCKS[name].is_text)
    labels = tuple(FusedBlock(name, None) for name in experiment.fuse if BLOCKS[name].is_label)
    variants = []
    if whole:
        reduced = tuple(
            FusedBlock(one.block, _fit_projection(experiment, inputs.blocks[one.block], split))
            for one in whole
        )
        variants += [reduced, whole]
    if labels:
        variants.append((*whole, *labels))
    return tuple(
        Fusion(one.name, blocks, _balances(one, blocks, inputs, places))
        for one in latents
        for blocks in variants
    )


def apply_fusion(fusion: Fusion, latents: Representation, inputs: ModelInputs) -> Representation:
    """Fuses latents with blocks of the same songs."""
    return fuse(_parts(latents, fusion.blocks, inputs), fusion.balances)


def _fit_projection(experiment: Experiment, block: Representation, split: Split) -> Projection:
    train = split.train[block.known[split.train]]
    return fit_pca(block.points[0], train, experiment.model.latent)


def _balances(
    latents: Representation,
    blocks: tuple[FusedBlock, ...],
    inputs: ModelInputs,
    places: np.ndarray,
) -> tuple[Balance, ...]:
    parts = _parts(latents, blocks, inputs)
    return tuple(fit_balance(part.at(places).points) for part in parts)


def _parts(
    latents: Representation, blocks: tuple[FusedBlock, ...], inputs: ModelInputs
) -> list[Representation]:
    return [latents, *(_block(one, inputs) for one in blocks)]


def _block(one: FusedBlock, inputs: ModelInputs) -> Representation:
    found = inputs.blocks[one.block]
    if one.projection is None:
        return found
    points = apply_pca(one.projection, found.points[0])[None]
    return found._replace(name=f"{found.name}_pca", points=points)
