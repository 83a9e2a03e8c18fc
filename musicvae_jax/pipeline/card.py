"""The model card of a checkpoint, from the results of its run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from musicvae_jax.reporting import summary
from musicvae_jax.reporting.finding import finding
from musicvae_jax.reporting.model_card import model_card
from musicvae_jax.reporting.reading import read_scores, read_table
from musicvae_jax.trained import Trained, own_names
from musicvae_jax.training.health import notes_of


def card_of(trained: Trained, results: Path, about: Mapping[str, Any], checkpoint: Path) -> str:
    """The text of a model card.

    Args:
        trained: what the checkpoint holds: the model of a run, or a part of its sweep.
        results: the run's results folder, with its tables.
        about: the run's manifest.
        checkpoint: the folder that the card is for.
    """
    tables = read_scores(results)
    rows = summary(**tables)
    kept = rows[rows["representation"].isin(own_names(trained)) | (rows["role"] != "own")]
    found = finding(
        trained.experiment,
        tables["metrics"],
        kept,
        tables["comparisons"],
        read_table(results, "cluster_selection"),
    )
    alarms = notes_of(about["alarms"], trained.experiment.members)
    return model_card(trained.experiment, {**about, "alarms": alarms}, kept, found, checkpoint)
