"""TensorBoard's event files, in the folder "tensorboard" of a run's results."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tensorboardX.summary import histogram, image, scalar, text

from musicvae_jax.config import Experiment, to_json
from musicvae_jax.tracking import Followed, Outcome, followed
from musicvae_jax.tracking.event_file import EVENTS, EventFile

FOLDER = "tensorboard"
_OF_MODEL = re.compile(r".+_seed_\d+")


class TensorBoard:
    """A `Tracker` that writes event files, one TensorBoard run for each model of a sweep.

    results/NAME/tensorboard holds the settings, the figures and the table of scores;
    its folder vae_seed_0 the losses, the KL per dimension and the scores of that model. They are
    there while the run trains, and replace those of an earlier run once there is something to
    write.
    """

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._folder = experiment.results_dir / FOLDER
        self._models = followed(experiment)
        self._has_kl = experiment.model.traits.has_kl
        self._last_step = experiment.train.epochs if experiment.model.traits.trained else 0
        self._files: dict[Path, EventFile] = {}

    def on_epochs(self, epoch: int, metrics: Mapping[str, np.ndarray]) -> None:
        """Writes an epoch's losses, as of the end of history.csv's epoch `epoch + 1`.

        Raises:
            OSError: an event file cannot be written, or one of an earlier run not removed.
        """
        self._begin()
        for name, values in metrics.items():
            if self._has_kl or not name.endswith("_kl_nats"):
                for model, value in zip(self._models, values, strict=True):
                    self._add_to(model, scalar(_tag(name), float(value)), epoch + 1)

    def on_outcome(self, outcome: Outcome) -> None:
        """Writes scores, KL per dimension and figures beside the last epoch.

        Raises:
            OSError: see `on_epochs`.
        """
        self._begin()
        step = self._last_step
        for one, scores in outcome.scores.items():
            for name, value in scores.items():
                self._add_to(one, scalar(f"scores/{name}", value), step)
        for one, kl_nats in outcome.kl_nats.items():
            self._add_to(one, histogram("kl_nats/per_dimension", kl_nats, "auto"), step)
        for name, picture in outcome.pictures.items():
            self._add(self._folder, image(f"figures/{name}", picture, dataformats="HWC"), step)
        self._add(self._folder, text("scores", outcome.summary), step)

    def close(self) -> None:
        """Closes the files."""
        for file in self._files.values():
            file.close()

    def _begin(self) -> None:
        """Replaces an earlier run's files; a run that fails before that leaves them alone."""
        if not self._files:
            _remove_events(self._folder)
            settings = json.dumps(to_json(self._experiment), indent=2)
            self._add(self._folder, text("config", _indented(settings)), 0)

    def _add_to(self, model: Followed, summary: Any, step: int) -> None:
        name, seed = model
        self._add(self._folder / f"{name}_seed_{seed}", summary, step)

    def _add(self, folder: Path, summary: Any, step: int) -> None:
        if folder not in self._files:
            self._files[folder] = EventFile(folder)
        self._files[folder].add(summary, step)


def _tag(name: str) -> str:
    """Beside each other for training and held-out songs.

    Example:
        >>> _tag("train_kl_nats"), _tag("active_units")
        ('kl_nats/train', 'active_units')
    """
    side, _, loss = name.partition("_")
    return f"{loss}/{side}" if side in ("train", "heldout") else name


def _indented(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def _remove_events(folder: Path) -> None:
    """Removes the event files of an earlier run, and no other file or folder."""
    of_models = [child for child in folder.glob("*") if _OF_MODEL.fullmatch(child.name)]
    for place in (folder, *of_models):
        events = list(place.glob(EVENTS))
        for path in events:
            path.unlink()
        if events and place != folder and not any(place.iterdir()):
            place.rmdir()
