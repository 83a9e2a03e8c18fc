"""What a tracker gets at the end of a run, read from the run's results folder."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.image import imread

from musicvae_jax.config import Experiment
from musicvae_jax.config.folder import FIGURES
from musicvae_jax.reporting.markdown import score_markdown
from musicvae_jax.reporting.reading import read_scores, read_table
from musicvae_jax.reporting.style import DERIVABLE_MARK, LEAK_MARK, leak_mark
from musicvae_jax.reporting.suite_table import rows_of
from musicvae_jax.reporting.summary import summary
from musicvae_jax.tracking import Followed, Outcome, followed

_SCORES = ("silhouette", "shared_silhouette", "ami_genre", "ami_language", "ami_artist")
_SUFFIXES = {"": "", LEAK_MARK: "_given", DERIVABLE_MARK: "_derivable"}


def read_outcome(folder: Path, experiment: Experiment) -> Outcome:
    """Reads what a run has found.

    Args:
        folder: the run's results folder, with tables and figures.
        experiment: of that run.
    """
    tables = read_scores(folder)
    rows = rows_of(tables["metrics"])
    # The latents beneath a fusion are one of its baselines.
    models = dict.fromkeys(followed(experiment))
    is_model = rows["representation"].isin({name for name, _ in models})
    kept = rows[(rows["role"] == "own") | is_model]
    return Outcome(
        scores={
            (row["representation"], row["seed"]): dict(_scores(row)) for _, row in kept.iterrows()
        },
        kl_nats=_kl_nats(read_table(folder, "posterior"), list(models)),
        pictures={path.stem: _picture(path) for path in sorted((folder / FIGURES).glob("*.png"))},
        summary=score_markdown(summary(**tables)),
    )


def _scores(row: pd.Series) -> Iterator[tuple[str, float]]:
    for name in _SCORES:
        if not np.isnan(row[name]):
            yield name + _SUFFIXES[leak_mark(row, name)], float(row[name])


def _kl_nats(dimensions: pd.DataFrame, models: list[Followed]) -> dict[Followed, np.ndarray]:
    """By model, whose rows follow each other in the order of the sweep."""
    if not dimensions["kl_nats"].notna().any():
        return {}
    by_model = dimensions["kl_nats"].to_numpy().reshape(len(models), -1)
    return dict(zip(models, by_model, strict=True))


def _picture(path: Path) -> np.ndarray:
    """Red, green and blue; figures have no transparent parts."""
    return np.rint(255 * imread(path)[..., :3]).astype(np.uint8)
