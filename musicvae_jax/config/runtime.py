"""Where a run computes, what it saves to resume, and what follows it."""

import dataclasses
from importlib.util import find_spec
from typing import Literal

from musicvae_jax.config.checks import require, require_one_of
from musicvae_jax.config.field_types import conform
from musicvae_jax.config.traits import TRACKERS, TrackerName


@dataclasses.dataclass(frozen=True)
class RuntimeConfig:
    """Where a run computes, what it saves to resume, and what follows it.

    It changes numbers only by rounding.

    A distributed run starts every process with the same command.
    """

    devices: int | Literal["all"] | None = None
    """Number of devices to train and encode on, or all; by default all accelerators, or one CPU
    core for each model to train, if there are enough. On a CPU, more devices than cores are
    simulated."""
    data_budget_mb: int = 2048
    """Megabytes (10^6 bytes) of features, training and held-out together, that each device may
    hold; at least 0. Larger data is read again in every epoch, chunk by chunk, as mel crops always
    are."""
    checkpoint_every: int = 1
    """Epochs between two saves of a running training, at least 1; a save is skipped if the last
    one was less than 10 seconds ago."""
    checkpoints_kept: int = 2
    """How many of the latest saves to keep, at least 1."""
    restart: bool = False
    """Discard an interrupted training instead of resuming it."""
    fresh: bool = False
    """Compute every stage again and ignore the cache; only embeddings of lyrics are reused."""
    track: TrackerName | None = None
    """What follows the run while it trains. tensorboard: event files in results/NAME/tensorboard,
    for `tensorboard --logdir results`; needs the extra of that name."""
    distributed: bool = False
    """Run as one of several processes. Under SLURM, on TPU pods and on Kubernetes they find each
    other; elsewhere set the next three options."""
    coordinator: str | None = None
    """HOST:PORT of the first process, with a port that is free there."""
    process_count: int | None = None
    """Number of processes, at least 1."""
    process_id: int | None = None
    """Number of this process, from 0."""

    def __post_init__(self) -> None:
        conform(self)
        require(
            self.devices in (None, "all") or (isinstance(self.devices, int) and self.devices >= 1),
            "devices",
            self.devices,
            "'all' or at least 1",
        )
        require(self.data_budget_mb >= 0, "data_budget_mb", self.data_budget_mb, "at least 0")
        for name in ("checkpoint_every", "checkpoints_kept"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        if self.track is not None:
            require_one_of("track", self.track, TRACKERS)
            package = TRACKERS[self.track].package
            require(
                not package or find_spec(package) is not None,
                "track",
                self.track,
                f"{package} installed: pip install 'musicvae_jax[{self.track}]'",
            )
        joining = (self.coordinator, self.process_count, self.process_id)
        require(
            joining == (None,) * 3 or (self.distributed and None not in joining),
            "coordinator, process_count, process_id",
            joining,
            "all three or none, and only with --distributed",
        )
        if self.process_count is not None and self.process_id is not None:
            require(self.process_count >= 1, "process_count", self.process_count, "at least 1")
            require(
                0 <= self.process_id < self.process_count,
                "process_id",
                self.process_id,
                "from 0 to one less than process_count",
            )
