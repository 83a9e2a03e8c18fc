"""The tables of a results folder, made from the results of the stages."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from musicvae_jax.clustering import KCurves, elbow_k, silhouette_k
from musicvae_jax.config import ClusterConfig, Member
from musicvae_jax.songs import LABELS, Rejection
from musicvae_jax.trained import Trained

if TYPE_CHECKING:
    from musicvae_jax.pipeline.listing import Listing

_LOSSES = ("reconstruction", "kl", "negative_elbo")
_HISTORY = (
    *(f"{side}_{name}_nats" for side in ("train", "heldout") for name in _LOSSES),
    "active_units",
)


def history_table(trained: Trained) -> pd.DataFrame:
    """history.csv: one row per member and epoch, losses in nats per song (per crop, for a
    model of crops).

    Empty for a model without training. Without a KL term, the KL columns are null.
    """
    if trained.history is None:
        return pd.DataFrame(columns=[*Member._fields, "epoch", *_HISTORY])
    members = trained.experiment.members
    n_members, n_epochs = trained.history.active_units.shape
    table = pd.DataFrame(np.repeat(list(members), n_epochs, axis=0), columns=Member._fields)
    table = table.astype({"seed": int})
    table["epoch"] = np.tile(np.arange(1, n_epochs + 1), n_members)
    for name, leaf in trained.history.by_name().items():
        table[name] = np.asarray(leaf).ravel()
    if not trained.experiment.model.traits.has_kl:
        table[["train_kl_nats", "heldout_kl_nats"]] = np.nan
    return table


def selection_table(
    curves: Mapping[tuple[str, int], KCurves], chosen_k: int, config: ClusterConfig
) -> pd.DataFrame:
    """cluster_selection.csv: one row per representation, seed and k tried.

    `chosen` marks the k of the run; `elbow` and `best_silhouette` mark the k that each rule would
    choose for that representation and seed; `stability` and `pac` are empty unless they choose k.

    Args:
        curves: by representation and seed.
        chosen_k: the k of the run.
        config: its range is what a rule chooses from, also where a fixed k lies outside.
    """
    return pd.concat(
        [
            pd.DataFrame(curve._asdict()).assign(
                representation=representation,
                seed=seed,
                chosen=curve.k == chosen_k,
                elbow=_picked(curve, elbow_k, config),
                best_silhouette=_picked(curve, silhouette_k, config),
            )[
                [
                    *("representation", "seed", *KCurves._fields),
                    *("chosen", "elbow", "best_silhouette"),
                ]
            ]
            for (representation, seed), curve in curves.items()
        ],
        ignore_index=True,
    )


def _picked(
    curve: KCurves, rule: Callable[[Sequence[KCurves]], int], config: ClusterConfig
) -> np.ndarray:
    """Whether each k is the one that the rule picks from the range, `[tries]`."""
    inside = (config.k_min <= curve.k) & (curve.k <= config.k_max)
    # Of fewer songs than that only the fixed k was tried.
    if not inside.any():
        return inside
    return curve.k == rule([KCurves(*(one[inside] for one in curve[:3]))])


def latents_table(
    listing: "Listing", heldout: np.ndarray, clusters: Mapping[tuple[str, int], np.ndarray]
) -> pd.DataFrame:
    """latents.parquet: one row per own representation, seed and song.

    Points are in columns latent_000, latent_001, ...; a representation with fewer dimensions than
    another leaves the last columns null.

    Args:
        listing: the run's representations.
        heldout: whether each song was held out of training, `[songs]`.
        clusters: K-Means cluster numbers by name and seed.
    """
    known = listing.songs[["music_id", "title", *LABELS]].assign(heldout=heldout)
    tables = []
    for one in listing.own:
        names = [f"latent_{i:03d}" for i in range(one.points.shape[2])]
        for place, seed in enumerate(listing.seeds):
            of_songs = clusters[one.name, seed]
            about = known.assign(representation=one.name, seed=seed, cluster=of_songs)
            points = pd.DataFrame(one.of_seed(place), columns=names)
            tables.append(pd.concat([about, points], axis=1))
    return pd.concat(tables, ignore_index=True)


def rejected_table(rejected: Sequence[Rejection]) -> pd.DataFrame:
    """rejected.csv: file, row in it (from 0), music_id and reason of every row left out."""
    return pd.DataFrame(rejected, columns=list(Rejection._fields))
