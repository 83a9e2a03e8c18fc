"""In processes of their own: JAX reads the environment once."""

import subprocess
import sys

from processes import clean_environment

from musicvae_jax.runtime.startup import usable_cores

SCRIPT = """
from musicvae_jax.runtime.startup import configure_jax
configure_jax()
import jax
print(len(jax.devices()))
print(jax.config.jax_compilation_cache_dir)
print(jax.config.jax_enable_compilation_cache)
jax.jit(lambda x: x + 1)(1)
"""


def started(**changes):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=clean_environment(**changes),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_every_core_is_a_device_and_programs_are_kept(tmp_path):
    n_devices, folder, is_on = started()
    assert int(n_devices) == usable_cores()
    assert (folder, is_on) == (str(tmp_path / "data/cache/compiled"), "True")
    assert list((tmp_path / "data/cache/compiled").iterdir())


def test_what_the_user_has_set_stays(tmp_path):
    flags = "--xla_force_host_platform_device_count=3"
    assert started(XLA_FLAGS=flags)[0] == "3"
    n_devices, folder, is_on = started(
        JAX_NUM_CPU_DEVICES="4",
        JAX_COMPILATION_CACHE_DIR=str(tmp_path / "mine"),
        JAX_ENABLE_COMPILATION_CACHE="false",
    )
    assert (n_devices, folder, is_on) == ("4", str(tmp_path / "mine"), "False")
    assert not (tmp_path / "mine").exists()
