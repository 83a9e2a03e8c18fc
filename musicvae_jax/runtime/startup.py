"""Settings of JAX that it reads when imported, and joining and leaving a distributed run."""

import os
import sys
from pathlib import Path
from typing import Literal, NoReturn

from musicvae_jax.errors import EXIT_INTERRUPTED, EXIT_STOPPED, InputError

COMPILED = Path("data/cache/compiled")
_MOST_SECONDS = 7 * 24 * 3600


def configure_jax(
    devices: int | Literal["all"] | None = None, is_distributed: bool = False
) -> None:
    """Makes every CPU core a device and caches compiled programs; variables that are set stay.

    A sweep trains one member per device. `JAX_ENABLE_COMPILATION_CACHE=false` switches the cache
    off, `JAX_COMPILATION_CACHE_DIR` moves it. Does nothing if JAX is imported already: the caller
    has configured it.

    Args:
        devices: number of CPU devices; all cores unless it is a number.
        is_distributed: whether the run has several processes, each of which has all its cores.
    """
    if "jax" in sys.modules:
        return
    defaults = {
        "JAX_COMPILATION_CACHE_DIR": str(COMPILED.absolute()),
        # By default only programs that took a second to compile are kept: few, on a CPU.
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    if "xla_force_host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        is_chosen = isinstance(devices, int) and not is_distributed
        defaults["JAX_NUM_CPU_DEVICES"] = str(devices if is_chosen else usable_cores())
    if is_distributed:
        # Its signal handler would replace ours, which already asks every process.
        defaults["JAX_ENABLE_PREEMPTION_SERVICE"] = "false"
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def connect(coordinator: str | None, process_count: int | None, process_id: int | None) -> None:
    """Joins the other processes of a distributed run; returns once all have joined.

    Args:
        coordinator: HOST:PORT of the first process; None, as the other two, where SLURM, a TPU pod
            or Kubernetes names the processes.
        process_count: how many processes there are.
        process_id: which of them this is, from 0.

    Raises:
        InputError: nothing names the processes, or they cannot connect.
    """
    import jax

    try:
        jax.distributed.initialize(
            coordinator,
            process_count,
            process_id,
            # On exit, every process waits for the first one, which clusters.
            shutdown_timeout_seconds=_MOST_SECONDS,
        )
    except (ValueError, RuntimeError) as error:
        first_line = str(error).strip().split("\n")[0]
        raise InputError(
            f"distributed: the processes of the run could not connect ({first_line}); expected "
            "a SLURM, TPU or Kubernetes job, or --coordinator, --process-count and --process-id"
        ) from error


def exit_process(code: int) -> NoReturn:
    """Exits. A process of a distributed run that failed alone does not wait for the others.

    Otherwise they would wait for its part of the work, and it would wait for them to exit.
    """
    agreed = (0, EXIT_STOPPED, EXIT_INTERRUPTED)
    if code not in agreed and "jax" in sys.modules and sys.modules["jax"].process_count() > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def usable_cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
