"""What JAX is told before it is imported, and how the processes of a run find each other."""

import os
import sys
from pathlib import Path
from typing import NoReturn

from musicvae_jax.config import RuntimeConfig
from musicvae_jax.errors import EXIT_INTERRUPTED, EXIT_STOPPED, InputError

COMPILED = Path("data/cache/compiled")
_MOST_SECONDS = 7 * 24 * 3600


def prepare_jax(runtime: RuntimeConfig) -> None:
    """Makes every core a device and keeps compiled programs; variables that are set stay.

    A sweep trains one member per device. `JAX_ENABLE_COMPILATION_CACHE=false` switches the cache
    off, `JAX_COMPILATION_CACHE_DIR` moves it. Where JAX is imported already, whoever did it has
    settled all this.
    """
    if "jax" in sys.modules:
        return
    defaults = {
        "JAX_COMPILATION_CACHE_DIR": str(COMPILED.absolute()),
        # By default only what took a second is kept, which is little on a CPU.
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    if "xla_force_host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        is_told = isinstance(runtime.devices, int) and not runtime.distributed
        defaults["JAX_NUM_CPU_DEVICES"] = str(runtime.devices if is_told else usable_cores())
    if runtime.distributed:
        # Its handler would take the place of ours, and every process is asked by ours anyway.
        defaults["JAX_ENABLE_PREEMPTION_SERVICE"] = "false"
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def connect(runtime: RuntimeConfig) -> None:
    """Joins the other processes of a distributed run; returns once all are there.

    Raises:
        InputError: nothing says who they are, or they do not come.
    """
    if not runtime.distributed:
        return
    import jax

    try:
        jax.distributed.initialize(
            runtime.coordinator,
            runtime.process_count,
            runtime.process_id,
            # The others wait with their end while the first one clusters.
            shutdown_timeout_seconds=_MOST_SECONDS,
        )
    except (ValueError, RuntimeError) as error:
        first_line = str(error).strip().split("\n")[0]
        raise InputError(
            f"distributed: the processes of the run did not come together ({first_line}); expected "
            "a SLURM, TPU or Kubernetes job, or --coordinator, --process-count and --process-id"
        ) from error


def leave(code: int) -> NoReturn:
    """Exits. A process of a distributed run that failed alone does not wait for the others.

    Without it they would wait for it, and it, at its end, for them.
    """
    agreed = (0, EXIT_STOPPED, EXIT_INTERRUPTED)
    if code not in agreed and "jax" in sys.modules and sys.modules["jax"].process_count() > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
