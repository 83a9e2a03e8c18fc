"""A run that is killed, and the same command again; benchmarks/kills.py does it at random."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import songfiles

ROOT = Path(__file__).resolve().parent.parent
# A short training is saved too.
RUNNER = """
import sys
from musicvae_jax import unfinished

save_at_once = unfinished.KeepConfig.__new__.__defaults__[:-1] + (0.0,)
unfinished.KeepConfig.__new__.__defaults__ = save_at_once
import quickrun

sys.exit(quickrun.run.main(sys.argv[1:]))
"""


def run(folder, kill_at=""):
    """Exit code of a run in a folder; compiled programs are kept beside it."""
    command = [sys.executable, "-c", RUNNER]
    command += ["easy_vae", "--data.path", "../songs.parquet", "--train.epochs", "6"]
    command += ["--cluster.k", "3", "--cluster.methods", "kmeans"]
    environment = os.environ | {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
        "JAX_COMPILATION_CACHE_DIR": str(folder.parent / "compiled"),
    }
    if kill_at:
        environment["KILL_AT"] = kill_at
    folder.mkdir(exist_ok=True)
    return subprocess.run(command, cwd=folder, env=environment, timeout=300).returncode


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_as_if_it_had_not(tmp_path):
    songfiles.write(tmp_path / "songs.parquet", songfiles.songs_table())
    assert run(tmp_path / "whole") == 0
    killed = tmp_path / "killed"
    for place in (
        "musicvae_jax.features.extract:_write_cache:1",
        "musicvae_jax.unfinished:DiskKeeper.after:2",
        "experiments.pipeline:_write_tables:1",
        # In the middle of putting results in place.
        "shutil:move:3",
    ):
        assert run(killed, place) == -signal.SIGKILL, place
    assert run(killed) == 0
    metrics = Path("results/easy_vae/metrics.csv")
    assert (killed / metrics).read_bytes() == (tmp_path / "whole" / metrics).read_bytes()
    left = [path for name in ("results", "checkpoints") for path in (killed / name).rglob(".*")]
    assert left == []
