"""The tables of a results folder, from what the stages return."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.clustering import KCurves, elbow_k, silhouette_k
from musicvae_jax.config import Member
from musicvae_jax.songs import LABELS, Rejection
from musicvae_jax.training import History, Losses


class LatentsAndClusters(NamedTuple):
    """Points `[songs, dimensions]` of one representation and seed, and their cluster numbers."""

    latents: np.ndarray
    clusters: np.ndarray


def history_table(members: Sequence[Member], history: History | None, has_kl: bool) -> pd.DataFrame:
    """history.csv: one row per member and epoch, losses in nats per song (per crop, for a
    model of crops).

    Without a history (nothing was trained) it is empty; without a KL term its columns are null.
    """
    columns = [f"{side}_{term}_nats" for side in ("train", "heldout") for term in Losses._fields]
    if history is None:
        return pd.DataFrame(columns=[*Member._fields, "epoch", *columns, "active_units"])
    n_members, n_epochs = history.active_units.shape
    table = pd.DataFrame(np.repeat(list(members), n_epochs, axis=0), columns=Member._fields)
    table = table.astype({"seed": int})
    table["epoch"] = np.tile(np.arange(1, n_epochs + 1), n_members)
    for name, leaf in zip(columns, (*history.train, *history.heldout), strict=True):
        table[name] = np.asarray(leaf).ravel()
    table["active_units"] = np.asarray(history.active_units).ravel()
    if not has_kl:
        table[["train_kl_nats", "heldout_kl_nats"]] = np.nan
    return table


def selection_table(curves: Mapping[tuple[str, int], KCurves], chosen_k: int) -> pd.DataFrame:
    """cluster_selection.csv: one row per representation, seed and k tried.

    `chosen` marks the k of the run, `elbow` and `best_silhouette` what each rule would choose for
    that representation and seed; `stability` is empty where it does not choose.

    Args:
        curves: by representation and seed.
        chosen_k: the k of the run.
    """
    return pd.concat(
        [
            pd.DataFrame(curve._asdict()).assign(
                representation=representation,
                seed=seed,
                chosen=curve.k == chosen_k,
                elbow=curve.k == elbow_k([curve]),
                best_silhouette=curve.k == silhouette_k([curve]),
            )[
                [
                    *("representation", "seed", "k", "inertia", "silhouette", "stability"),
                    *("chosen", "elbow", "best_silhouette"),
                ]
            ]
            for (representation, seed), curve in curves.items()
        ],
        ignore_index=True,
    )


def latents_table(
    songs: pd.DataFrame, heldout: np.ndarray, points: Mapping[tuple[str, int], LatentsAndClusters]
) -> pd.DataFrame:
    """latents.parquet: one row per own representation, seed and song.

    Latents are in columns latent_000, latent_001, ...; where representations differ in dimensions
    the narrower ones leave the last columns null.

    Args:
        songs: table of the clustered songs.
        heldout: whether each was held out of training, `[songs]`.
        points: by representation and seed, latents `[songs, dimensions]` and the K-Means clusters.
    """
    known = songs[["music_id", "title", *LABELS]].reset_index(drop=True).assign(heldout=heldout)
    tables = []
    for (representation, seed), (latents, clusters) in points.items():
        names = [f"latent_{i:03d}" for i in range(latents.shape[1])]
        about = known.assign(representation=representation, seed=seed, cluster=clusters)
        tables.append(pd.concat([about, pd.DataFrame(latents, columns=names)], axis=1))
    return pd.concat(tables, ignore_index=True)


def rejected_table(rejected: Sequence[Rejection]) -> pd.DataFrame:
    """rejected.csv: file, row in it (from 0), music_id and reason of every row left out."""
    return pd.DataFrame(rejected, columns=list(Rejection._fields))
