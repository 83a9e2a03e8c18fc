"""What JAX reads when it is imported: devices of a CPU, and where compiled programs are kept."""

import os
import sys
from pathlib import Path

COMPILED = Path("data/cache/compiled")


def prepare_jax() -> None:
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
        defaults["JAX_NUM_CPU_DEVICES"] = str(usable_cores())
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
