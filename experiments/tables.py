"""The tables of a results folder, from what the stages return."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from musicvae_jax.clustering import KCurves
from musicvae_jax.songs import Rejection, Split
from musicvae_jax.training import History, Losses

LABELS = ("genre", "language", "artist")
# One digit more than float32 computations reproduce across libraries is noise in a diff.
_FLOAT_FORMAT = "%.6f"


def history_table(seeds: Sequence[int], history: History | None, has_kl: bool) -> pd.DataFrame:
    """history.csv: one row per seed and epoch, losses in nats per song.

    Without a history (nothing was trained) it is empty; without a KL term its columns are null.
    """
    columns = [f"{side}_{term}_nats" for side in ("train", "heldout") for term in Losses._fields]
    if history is None:
        return pd.DataFrame(columns=["seed", "epoch", *columns, "active_units"])
    n_seeds, n_epochs = history.active_units.shape
    values = [np.asarray(leaf).ravel() for leaf in (*history.train, *history.heldout)]
    table = pd.DataFrame(
        {
            "seed": np.repeat(seeds, n_epochs),
            "epoch": np.tile(np.arange(1, n_epochs + 1), n_seeds),
            **dict(zip(columns, values, strict=True)),
            "active_units": np.asarray(history.active_units).ravel(),
        }
    )
    if not has_kl:
        table[["train_kl_nats", "heldout_kl_nats"]] = np.nan
    return table


def selection_table(seeds: Sequence[int], curves: Sequence[KCurves], chosen_k: int) -> pd.DataFrame:
    """cluster_selection.csv: one row per seed and k tried; chosen marks the k of the run."""
    tables = [
        pd.DataFrame(curve._asdict()).assign(seed=seed)
        for seed, curve in zip(seeds, curves, strict=True)
    ]
    table = pd.concat(tables, ignore_index=True)[["seed", "k", "inertia", "silhouette"]]
    return table.assign(chosen=table["k"] == chosen_k)


def latents_table(
    seeds: Sequence[int],
    songs: pd.DataFrame,
    split: Split,
    clusters: Sequence[np.ndarray],
    latents: np.ndarray,
) -> pd.DataFrame:
    """latents.parquet: one row per seed and song, latents in columns latent_000, latent_001, ...

    Args:
        seeds: one per clustering.
        songs: table of the usable songs.
        split: which of them were held out of training.
        clusters: per seed, cluster numbers `[songs]`.
        latents: `[seeds, songs, latent]`.
    """
    known = songs[["music_id", "title", *LABELS]].assign(heldout=False)
    known.loc[split.heldout, "heldout"] = True
    names = [f"latent_{i:03d}" for i in range(latents.shape[-1])]
    tables = [
        pd.concat(
            [known.assign(seed=seed, cluster=labels), pd.DataFrame(values, columns=names)], axis=1
        )
        for seed, labels, values in zip(seeds, clusters, latents, strict=True)
    ]
    return pd.concat(tables, ignore_index=True)


def rejected_table(rejected: Sequence[Rejection]) -> pd.DataFrame:
    """rejected.csv: file row (from 0), music_id and reason of every row that was left out."""
    return pd.DataFrame(rejected, columns=list(Rejection._fields))


def to_csv(table: pd.DataFrame) -> str:
    """A table as CSV text with a fixed number of digits, the same for the same numbers."""
    return table.to_csv(index=False, float_format=_FLOAT_FORMAT, lineterminator="\n")
