"""Reports of a training while it runs."""

from collections.abc import Callable
from threading import Lock

import jax
import numpy as np

from musicvae_jax.models import Model
from musicvae_jax.training.state import History, blank_history

# (first member, first epoch, history, is restored): the epochs just trained of consecutive members,
# or those that a saved training had already, parts `[members, epochs]`. Called from any thread.
OnHistory = Callable[[int, int, History, bool], None]
# (epoch, metrics): metrics by name, `[members]` each.
OnEpochs = Callable[[int, dict[str, np.ndarray]], None]


class EpochReports:
    """An `OnHistory` that calls `on_epochs` for each epoch once all members have trained it.

    Members may train in parallel or one after the other.
    """

    def __init__(self, model: Model, n_members: int, n_epochs: int, on_epochs: OnEpochs) -> None:
        self._history = blank_history(model, n_members, n_epochs)
        self._n_done = np.zeros(n_members, int)
        self._n_reported = 0
        self._on_epochs = on_epochs
        self._lock = Lock()

    def __call__(
        self,
        first_member: int,
        first_epoch: int,
        history: History,
        is_restored: bool = False,  # noqa: ARG002 - of an `OnHistory`
    ) -> None:
        n_members, n_epochs = history.active_units.shape
        members = slice(first_member, first_member + n_members)
        epochs = slice(first_epoch, first_epoch + n_epochs)
        with self._lock:
            for whole, part in zip(*map(jax.tree.leaves, (self._history, history)), strict=True):
                whole[members, epochs] = part
            self._n_done[members] = epochs.stop
            while self._n_reported < self._n_done.min():
                epoch = self._n_reported
                metrics = jax.tree.map(lambda leaf, e=epoch: leaf[:, e].copy(), self._history)
                self._n_reported += 1
                self._on_epochs(epoch, metrics.by_name())
