import os
import shutil
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

from musicvae_jax.clustering import umap_programs
from musicvae_jax.clustering.manifold import umap

_COMPILATIONS = """
import numpy as np
from numba.core import event
from musicvae_jax.clustering import umap_programs
from musicvae_jax.clustering.manifold import umap

umap_programs.compile_ahead()
from umap import UMAP

compilations = event.RecordingListener()
with event.install_listener("numba:compile", compilations):
    umap(np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32), 2, 15, 0.1, 0)
print(len(umap_programs._compiling), len(compilations.buffer))
"""


def processes_and_compilations(**variables):
    """Of a process of its own: how many it started to compile ahead, and what it compiled."""
    environment = {name: text for name, text in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    command = [sys.executable, "-c", _COMPILATIONS]
    run = subprocess.run(
        command, env=environment | variables, check=True, capture_output=True, text=True
    )
    return [int(number) for number in run.stdout.split()]


def test_every_function_that_umap_compiled_is_kept():
    umap(np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32), 2, 15, 0.1, 0)
    compiled = [
        function
        for module in ("umap.umap_", "umap.layouts", "umap.utils", "umap.distances")
        for function in vars(import_module(module)).values()
        if isinstance(function, Dispatcher) and function.signatures
    ]
    assert compiled
    assert all(function._cache.cache_path for function in compiled)


@pytest.fixture
def new_environment(tmp_path, monkeypatch):
    """A folder for UMAP's source that has no programs yet, and a list of what is started."""
    started = []
    process = SimpleNamespace(terminate=lambda: None)
    monkeypatch.setattr(umap_programs, "_compiling", [])
    origin = SimpleNamespace(origin=str(tmp_path / "umap" / "__init__.py"))
    monkeypatch.setattr(umap_programs, "find_spec", lambda _: origin)
    monkeypatch.setattr(
        umap_programs.subprocess, "Popen", lambda *_, **__: started.append(process) or process
    )
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    (tmp_path / "umap").mkdir()
    return tmp_path / "umap", started


def test_programs_that_are_missing_are_compiled_ahead_by_one_process(new_environment):
    _, started = new_environment
    umap_programs.compile_ahead()
    umap_programs.compile_ahead()
    assert len(started) == 1


def test_programs_that_are_there_are_not_compiled_ahead(new_environment):
    package, started = new_environment
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "layouts._optimize_layout_euclidean-63.py311.nbi").touch()
    umap_programs.compile_ahead()
    assert started == []


@pytest.mark.parametrize("variable", ["NUMBA_CACHE_DIR", "NUMBA_DISABLE_JIT"])
def test_nothing_is_compiled_ahead_if_numba_keeps_nothing_there(
    new_environment, monkeypatch, variable
):
    _, started = new_environment
    monkeypatch.setenv(variable, "1")
    umap_programs.compile_ahead()
    assert started == []


def test_a_process_that_cannot_be_started_is_no_failure(new_environment, monkeypatch):
    def popen(*_, **__):
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(umap_programs.subprocess, "Popen", popen)
    umap_programs.compile_ahead()
    assert umap_programs._compiling == []


@pytest.mark.slow
def test_another_process_compiles_nothing(tmp_path):
    # An empty cache: the first process fills it.
    first, second = (processes_and_compilations(NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert first[0] == 0
    assert first[1] > 0
    assert second == [0, 0]


@pytest.mark.slow
def test_programs_are_compiled_ahead_once(tmp_path):
    installed = Path(find_spec("umap").origin).parent
    shutil.copytree(installed, tmp_path / "umap", ignore=shutil.ignore_patterns("__pycache__"))
    first, second = (processes_and_compilations(PYTHONPATH=str(tmp_path)) for _ in range(2))
    assert first == [1, 0]
    assert second == [0, 0]
