"""A run that is killed or asked to stop, and the same command again.

benchmarks/kills.py kills at random.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import songfiles
from processes import clean_environment

from experiments.run import main
from musicvae_jax.errors import EXIT_BAD_INPUT
from musicvae_jax.runtime.lock import only_run

# A short training is saved too.
RUNNER = """
import sys
from musicvae_jax.training import resume

save_at_once = resume.SaveConfig.__new__.__defaults__[:-1] + (0.0,)
resume.SaveConfig.__new__.__defaults__ = save_at_once
import quickrun

sys.exit(quickrun.run.main(sys.argv[1:]))
"""
METRICS = Path("results/easy_vae/metrics.csv")
RESUMES = "training resumes from checkpoint"


def run(folder, signal_at=""):
    """A run in a folder, that has ended; compiled programs are kept beside it."""
    command = [sys.executable, "-c", RUNNER]
    command += ["easy_vae", "--data.path", "../songs.parquet", "--train.epochs", "6"]
    command += ["--cluster.k", "3", "--cluster.methods", "kmeans"]
    environment = clean_environment(
        JAX_COMPILATION_CACHE_DIR=str(folder.parent / "compiled"), SIGNAL_AT=signal_at
    )
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        command, cwd=folder, env=environment, timeout=300, capture_output=True, text=True
    )


def leftovers(folder):
    return [path for name in ("results", "checkpoints") for path in (folder / name).rglob(".*")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """metrics.csv of a run that nobody stopped."""
    folder = tmp_path_factory.mktemp("kills")
    songfiles.write(folder / "songs.parquet", songfiles.songs_table())
    done = run(folder / "whole")
    assert done.returncode == 0
    assert RESUMES not in done.stderr
    return folder / "whole" / METRICS


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_as_if_it_had_not(whole):
    killed = whole.parents[3] / "killed"
    for place in (
        "musicvae_jax.features.extract:_write_cache:1",
        # A checkpoint is half-written, or just written.
        "musicvae_jax.training.resume:DiskSaver.after:2",
        # Some of what stages gave is kept.
        "musicvae_jax.pipeline.stages:_keep:3",
        "musicvae_jax.pipeline.run:_write_tables:1",
        # In the middle of putting results in place.
        "shutil:move:3",
    ):
        done = run(killed, f"SIGKILL:{place}")
        assert done.returncode == -signal.SIGKILL, place
    assert RESUMES in done.stderr, "a run before it had trained"
    assert run(killed).returncode == 0
    assert (killed / METRICS).read_bytes() == whole.read_bytes()
    assert leftovers(killed) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "place"),
    [
        # Between steps; when all is trained and being saved.
        ("SIGTERM", 75, "musicvae_jax.training.resume:DiskSaver.after:1"),
        ("SIGINT", 130, "orbax.checkpoint:CheckpointManager.close:1"),
    ],
)
def test_a_run_that_is_asked_to_stop_says_so_and_resumes(whole, tmp_path, number, code, place):
    folder = whole.parents[3] / tmp_path.name
    done = run(folder, f"{number}:{place}")
    assert done.returncode == code
    assert len([line for line in done.stderr.splitlines() if line.startswith("error: ")]) == 1
    assert not (folder / "results/easy_vae/manifest.json").exists()
    done = run(folder)
    assert done.returncode == 0
    assert RESUMES in done.stderr
    assert (folder / METRICS).read_bytes() == whole.read_bytes()
    assert leftovers(folder) == []


def test_a_second_run_on_the_same_folder_is_refused(song_path, tmp_path, capsys):
    arguments = ["easy_pca", "--data.path", str(song_path), "--output-dir", str(tmp_path / "out")]
    with only_run(tmp_path / "out"):
        assert main(arguments) == EXIT_BAD_INPUT
    error = capsys.readouterr().err
    assert f"another run (process {os.getpid()} on " in error
    assert "is using it; wait until it ends, or choose another folder" in error
