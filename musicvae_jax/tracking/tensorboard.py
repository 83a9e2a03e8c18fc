"""TensorBoard's event files, in the folder "tensorboard" of a run's results."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tensorboardX import SummaryWriter

from musicvae_jax.config import Experiment, to_json
from musicvae_jax.tracking import Followed, Outcome, followed

FOLDER = "tensorboard"
_EVENTS = "events.out.tfevents.*"
# Between two writes to the disk; what a killed run can lose.
_FLUSH_SECONDS = 2


class TensorBoard:
    """A `Tracker` that writes event files, one TensorBoard run for each model of a sweep.

    results/NAME/tensorboard holds the settings, the figures and the table of scores;
    its folder vae_seed_0 the losses, the KL per dimension and the scores of that model. They are
    there while the run trains, and replace those of an earlier run.
    """

    def __init__(self, experiment: Experiment) -> None:
        self._folder = experiment.results_dir / FOLDER
        _remove_events(self._folder)
        self._models = followed(experiment)
        self._has_kl = experiment.model.traits.has_kl
        self._last_step = experiment.train.epochs if experiment.model.traits.trained else 0
        self._writers: dict[Path, SummaryWriter] = {}
        self._text("config", _indented(json.dumps(to_json(experiment), indent=2)), 0)

    def on_epochs(self, epoch: int, metrics: Mapping[str, np.ndarray]) -> None:
        """Writes an epoch's losses, as of the end of history.csv's epoch `epoch + 1`."""
        for name, values in metrics.items():
            if self._has_kl or not name.endswith("_kl_nats"):
                for model, value in zip(self._models, values, strict=True):
                    self._of(model).add_scalar(_tag(name), float(value), epoch + 1)

    def on_outcome(self, outcome: Outcome) -> None:
        """Writes scores, KL per dimension and figures beside the last epoch."""
        step = self._last_step
        for one, scores in outcome.scores.items():
            for name, value in scores.items():
                self._of(one).add_scalar(f"scores/{name}", value, step)
        for one, kl_nats in outcome.kl_nats.items():
            self._of(one).add_histogram("kl_nats/per_dimension", kl_nats, step)
        for name, picture in outcome.pictures.items():
            writer = self._writer(self._folder)
            writer.add_image(f"figures/{name}", picture, step, dataformats="HWC")
        self._text("scores", outcome.summary, step)

    def close(self) -> None:
        """Writes what is left, and closes the files."""
        for writer in self._writers.values():
            writer.close()

    def _text(self, tag: str, text: str, step: int) -> None:
        self._writer(self._folder).add_text(tag, text, step)

    def _of(self, model: Followed) -> SummaryWriter:
        name, seed = model
        return self._writer(self._folder / f"{name}_seed_{seed}")

    def _writer(self, folder: Path) -> SummaryWriter:
        if folder not in self._writers:
            # The purge makes a TensorBoard that is open forget the run that was there before.
            self._writers[folder] = SummaryWriter(
                str(folder), purge_step=0, flush_secs=_FLUSH_SECONDS
            )
        return self._writers[folder]


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
    """Removes the event files of an earlier run, and no other file."""
    for path in folder.rglob(_EVENTS):
        path.unlink()
    for child in folder.glob("*"):
        if child.is_dir() and not any(child.iterdir()):
            child.rmdir()
