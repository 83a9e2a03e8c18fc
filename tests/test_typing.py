"""What type checkers see of the package in other code, and where its own types are checked."""

import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

import musicvae_jax

ROOT = Path(__file__).parents[1]
OTHER_CODE = """\
import musicvae_jax
from musicvae_jax.estimators import VAE
from musicvae_jax.losses import gaussian_kl

songs = musicvae_jax.load_songs("songs")
model = musicvae_jax.fit("easy_vae", songs, seeds=(0, 1))
clusters = musicvae_jax.cluster(model.encode(songs), k=10)
print(musicvae_jax.score(clusters, songs), VAE(n_components=3).fit([[0.0]]))
musicvae_jax.fit(3, songs)
musicvae_jax.cluster(songs)
gaussian_kl("mean", "log_var")
"""


def test_the_package_says_that_it_is_typed():
    assert resources.files(musicvae_jax).joinpath("py.typed").is_file()


def test_a_commit_and_ci_run_the_same_checks():
    assert "\n        entry: make lint\n" in (ROOT / ".pre-commit-config.yaml").read_text()
    assert "\nmake lint PYTHON=" in (ROOT / ".ci" / "run").read_text()
    assert "\n\t$(PYTHON) -m mypy\n" in (ROOT / "Makefile").read_text()


@pytest.mark.slow
def test_other_code_gets_the_types_of_what_is_imported_lazily(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "other.py").write_text(OTHER_CODE)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports", "silent", "other.py"],
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    found = [line.split(": ")[:2] for line in done.stdout.splitlines() if ": error: " in line]
    assert found == [[f"other.py:{line}", "error"] for line in (9, 10, 11, 11)], done.stdout
