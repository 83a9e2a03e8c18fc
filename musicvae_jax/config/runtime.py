"""Where a run computes and what it saves to resume."""

import dataclasses
from typing import Literal

from musicvae_jax.config.checks import require


@dataclasses.dataclass(frozen=True)
class RuntimeConfig:
    """Where a run computes and what it saves to resume; numbers depend on it by rounding only.

    With several processes, each is started with the same command.
    """

    devices: int | Literal["all"] | None = None
    """Devices to train and encode on, or all; by default all accelerators, but of the cores of a
    CPU no more than there are models to train. On a CPU, more than it has cores are simulated."""
    data_budget_mb: int = 2048
    """Megabytes (10^6 bytes) of features, of both sides of the split, that each device may hold; at
    least 0. More is read in every epoch anew, a chunk at a time. Mel crops always are."""
    checkpoint_every: int = 1
    """Epochs between two saves of an interrupted training, at least 1, unless the last was less
    than 10 seconds ago."""
    checkpoints_kept: int = 2
    """The latest so many of these are kept, at least 1."""
    restart: bool = False
    """Throw away an interrupted training in place of resuming it."""
    fresh: bool = False
    """Compute every stage again, whatever the cache holds."""
    distributed: bool = False
    """Be one of several processes. Under SLURM, on TPU pods and on Kubernetes they find each
    other; elsewhere the next three options tell them."""
    coordinator: str | None = None
    """HOST:PORT of the first process, on a port that is free there."""
    process_count: int | None = None
    """How many processes there are, at least 1."""
    process_id: int | None = None
    """Which of them this is, from 0."""

    def __post_init__(self) -> None:
        require(
            self.devices in (None, "all") or (isinstance(self.devices, int) and self.devices >= 1),
            "devices",
            self.devices,
            "'all' or at least 1",
        )
        require(self.data_budget_mb >= 0, "data_budget_mb", self.data_budget_mb, "at least 0")
        for name in ("checkpoint_every", "checkpoints_kept"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        joining = (self.coordinator, self.process_count, self.process_id)
        require(
            joining == (None,) * 3 or (self.distributed and None not in joining),
            "coordinator, process_count, process_id",
            joining,
            "all three or none, and only with --distributed",
        )
        if self.process_count is not None:
            require(self.process_count >= 1, "process_count", self.process_count, "at least 1")
            require(
                0 <= self.process_id < self.process_count,
                "process_id",
                self.process_id,
                "from 0 to one less than process_count",
            )
