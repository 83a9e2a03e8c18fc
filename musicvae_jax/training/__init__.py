"""Training as pure functions: initialisation, then a scan over epochs and steps.

`make_train` builds `train(key, data, beta, learning_rate)`. Everything a sweep varies (key, beta,
learning rate) is traced, so a sweep compiles once; `sweeps.train_members` runs one. Random numbers
are drawn per example, from keys folded from (epoch, example index), so the layout of a batch over
devices does not change the numbers.
"""

from musicvae_jax.training.epochs import Run, Start, Train, make_epochs, make_train
from musicvae_jax.training.health import (
    ACTIVE_VARIANCE,
    LEAST_DECODED_SHARE,
    LEAST_KL_NATS,
    DivergenceError,
    check_finite,
    collapse_notes,
    divergence,
    is_finite,
)
from musicvae_jax.training.randomness import Keys, example_noise, seed_key, split_key
from musicvae_jax.training.reports import EpochReports, OnEpochs, OnHistory
from musicvae_jax.training.state import (
    Data,
    Examples,
    History,
    Losses,
    Optimiser,
    Progress,
    TrainState,
    adam,
    blank_history,
    check_data,
    empty_example,
    init_state,
    make_model,
    no_history,
    no_losses,
)
from musicvae_jax.training.steps import Step, make_losses, make_step

__all__ = [
    "ACTIVE_VARIANCE",
    "LEAST_DECODED_SHARE",
    "LEAST_KL_NATS",
    "Data",
    "DivergenceError",
    "EpochReports",
    "Examples",
    "History",
    "Keys",
    "Losses",
    "OnEpochs",
    "OnHistory",
    "Optimiser",
    "Progress",
    "Run",
    "Start",
    "Step",
    "Train",
    "TrainState",
    "adam",
    "blank_history",
    "check_data",
    "check_finite",
    "collapse_notes",
    "divergence",
    "empty_example",
    "example_noise",
    "init_state",
    "is_finite",
    "make_epochs",
    "make_losses",
    "make_model",
    "make_step",
    "make_train",
    "no_history",
    "no_losses",
    "seed_key",
    "split_key",
]
