"""The representations that an experiment clusters: its own and the baselines, on the same songs."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from musicvae_jax.config import BLOCKS, ModelConfig
from musicvae_jax.config.naming import model_name
from musicvae_jax.evaluation import derivable_labels
from musicvae_jax.pipeline.fit import Fitted
from musicvae_jax.representations import (
    Projection,
    Representation,
    apply_pca,
    fit_pca,
    fit_pca_pair,
)
from musicvae_jax.songs import LABELS

MARKS = ("labels_seen", "labels_derivable")
# Whitening makes noise of the last components as strong as the first; few have little noise.
_FEW_COMPONENTS = 16


class Listing(NamedTuple):
    """The representations of a run, all of the same songs.

    Attributes:
        own: the experiment's own representations.
        baselines: the representations it is compared with.
        songs: table of these songs, with a fresh index.
        shared: points of the songs in a space shared by all experiments, in which internal scores
            can be compared.
        seeds: seeds of the experiment.
    """

    own: tuple[Representation, ...]
    baselines: tuple[Representation, ...]
    songs: pd.DataFrame
    shared: Representation
    seeds: tuple[int, ...]

    @property
    def everything(self) -> tuple[Representation, ...]:
        return self.own + self.baselines

    @property
    def labels(self) -> dict[str, pd.Series]:
        """Kind ("genre") to one label per song, null where unknown."""
        return {name: self.songs[name] for name in LABELS}

    def places(self) -> Iterator[tuple[Representation, int, int]]:
        """Each representation with each seed and the index of that seed."""
        for one in self.everything:
            for place, seed in enumerate(self.seeds):
                yield one, place, seed

    def role(self, one: Representation) -> str:
        """ "own" or "baseline"."""
        return "own" if any(one.name == other.name for other in self.own) else "baseline"


def list_representations(fitted: Fitted) -> Listing:
    """An experiment's own representations and its baselines, for the songs that it clusters."""
    experiment, inputs = fitted.trained.experiment, fitted.inputs
    baselines = list(fitted.base) if experiment.fuse else []
    texts = [name for name in experiment.fuse if BLOCKS[name].is_text]
    if len(experiment.text_blocks) < len(experiment.features.blocks):
        texts += experiment.text_blocks
    baselines += [inputs.blocks[name] for name in texts]
    # The linear baselines have as many dimensions as the model.
    latent = experiment.model.latent
    audio = inputs.audio.points[0]
    pair = fit_pca_pair(audio, fitted.split.train, max(latent, _FEW_COMPONENTS))
    projections = {"pca": _first(pair.plain, latent)}
    for most in (latent, _FEW_COMPONENTS):
        # There are fewer of few songs or features; the same ones are listed once.
        whitened = _first(pair.whitened, most)
        projections[f"whitened_pca_{len(whitened.components)}"] = whitened
    baselines += [
        inputs.audio._replace(name=name, points=apply_pca(projection, audio)[None])
        for name, projection in projections.items()
    ]
    if experiment.text_blocks:
        # What a model of several blocks reads, or it may owe its lead to the lyrics alone.
        baselines.append(_whitened_inputs(fitted))
    places, names = fitted.scored, {one.name for one in fitted.own}
    # The largest of all, so once only.
    raw = inputs.audio.at(places)
    return Listing(
        own=tuple(one.at(places) for one in fitted.own),
        # A baseline without points of some of the songs would not be compared on the same songs.
        baselines=tuple(
            one.at(places) for one in baselines if one.name not in names and one.known[places].all()
        )
        + ((raw,) if raw.name not in names else ()),
        songs=inputs.table.iloc[places].reset_index(drop=True),
        shared=raw,
        seeds=experiment.seeds,
    )


def _first(projection: Projection, n_components: int) -> Projection:
    return projection._replace(components=projection.components[:n_components])


def _whitened_inputs(fitted: Fitted) -> Representation:
    """Whitened principal components of all blocks that the model reads."""
    experiment, inputs = fitted.trained.experiment, fitted.inputs
    projection = fit_pca(inputs.x, fitted.split.train, experiment.model.latent, whitened=True)
    # There are fewer components of few songs or features.
    model = ModelConfig(kind="whitened_pca", latent=len(projection.components))
    linear = replace(experiment, model=model)
    return Representation(
        name=model_name(linear),
        songs=inputs.songs,
        points=apply_pca(projection, inputs.x)[None],
        known=inputs.readable,
        columns_seen=experiment.columns_of_modalities(experiment.modalities),
    )


def marks(one: Representation, labels: Mapping[str, pd.Series]) -> dict[str, str]:
    """The `MARKS` columns of every table with scores against labels.

    Args:
        one: the representation.
        labels: kind ("genre") to one label per song, null where unknown.
    """
    derivable = derivable_labels(one.columns_seen, labels)
    return dict(zip(MARKS, (" ".join(one.labels_seen), " ".join(derivable)), strict=True))
