"""Reads the files of a run's results folder."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from musicvae_jax.config.folder import (
    CARDS,
    MANIFEST,
    PROJECTIONS,
    RECONSTRUCTIONS,
    SCORE_TABLES,
)
from musicvae_jax.errors import InputError
from musicvae_jax.runtime.files import read_object


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """The table in FOLDER/NAME.csv.

    Raises:
        InputError: there is none, as in results of an earlier version.
    """
    path = folder / f"{name}.csv"
    if not path.exists():
        raise InputError(
            f"{path}: no such table, expected one in the results of every run; an earlier version "
            "may have made these: run the experiment again"
        )
    return pd.read_csv(path)


def read_scores(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables of which `summary` makes one, by name.

    Raises:
        InputError: one of them is missing.
    """
    return {name: read_table(folder, name) for name in SCORE_TABLES}


def read_projections(folder: Path, method: str) -> dict[str, pd.DataFrame]:
    """Representation to its songs with x and y, in the order of the file.

    Args:
        folder: a results folder.
        method: "tsne" or "umap".
    """
    points = pd.read_parquet(folder / PROJECTIONS)
    of_method = points[points["method"] == method]
    return {str(name): rows for name, rows in of_method.groupby("representation", sort=False)}


def read_mels(folder: Path) -> dict[str, np.ndarray] | None:
    """What reconstructions.npz holds; None without the file, which only models of crops leave."""
    path = folder / RECONSTRUCTIONS
    if not path.exists():
        return None
    with np.load(path) as mels:
        return dict(mels)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Where the folder's numbers come from."""
    return read_object(folder / MANIFEST)


def read_cards(folder: Path) -> dict[str, Any]:
    """What the clusters of the first representation are made of."""
    return read_object(folder / CARDS)
