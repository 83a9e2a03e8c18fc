"""The time that a training still takes, also one that was resumed."""

from types import SimpleNamespace

import numpy as np
from clocks import Clock

from musicvae_jax.pipeline.train_or_find import _reports
from musicvae_jax.registry import EXPERIMENTS
from musicvae_jax.runtime.terminal import Terminal


def of_epochs(n):
    """As much of the history of one member as is counted."""
    return SimpleNamespace(active_units=np.zeros((1, n)))


def test_epochs_of_a_saved_training_took_no_time():
    clock = Clock()
    terminal = Terminal(notices_only=True, clock=clock)
    blank = SimpleNamespace(experiment=EXPERIMENTS["easy_vae"].experiment)
    with _reports(blank, terminal, None) as on_history:
        (task,) = terminal._tasks
        on_history(0, 0, of_epochs(50), True)
        assert task.seconds_left is None
        clock.now += 60.0
        on_history(0, 50, of_epochs(10), False)
        assert (task.done, task.seconds_left) == (60, 6.0 * (task.total - 60))
