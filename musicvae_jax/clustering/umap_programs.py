"""UMAP's compiled programs: kept on disk, and compiled beside other work where there are none.

In a new environment numba compiles for twenty seconds before UMAP can start.
"""

import atexit
import os
import subprocess
import sys
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

# Those with functions that compile when UMAP first calls them.
_MODULES = ("umap.umap_", "umap.layouts", "umap.utils", "umap.distances")
_COMPILE = (
    "import numpy; from musicvae_jax.clustering.manifold import umap; "
    "umap(numpy.random.default_rng(0).normal(size=(99, 9)), 2, 15, 0.1, 0)"
)
# With one of these, numba keeps programs elsewhere, or makes none.
_VARIABLES = ("NUMBA_CACHE_DIR", "NUMBA_CACHE_LOCATOR_CLASSES", "NUMBA_DISABLE_JIT")
_compiling: list[subprocess.Popen[bytes]] = []


def compile_ahead() -> None:
    """Has another process compile the programs, unless an earlier run has left them.

    In this process `have_programs` waits for it; what it could not compile is compiled when UMAP
    is called. It ends with this process.
    """
    if _compiling or not sys.executable or not _are_missing():
        return
    nothing = subprocess.DEVNULL
    # Where no process can be started, they are compiled later.
    with suppress(OSError):
        process = subprocess.Popen([sys.executable, "-c", _COMPILE], stdout=nothing, stderr=nothing)
        _compiling.append(process)
        atexit.register(process.terminate)


@cache
def have_programs() -> None:
    """Has numba keep the programs on disk, as umap-learn asks of a few of them itself.

    numba puts them beside the source of umap-learn, or in the user's cache folder, and compiles
    anew what has changed.
    """
    from numba.core.dispatcher import Dispatcher

    for process in _compiling:
        process.wait()
    for module in map(import_module, _MODULES):
        for function in vars(module).values():
            if isinstance(function, Dispatcher):
                function.enable_caching()


def _are_missing() -> bool:
    """Whether numba can keep programs beside umap-learn's source, and has not kept the last one.

    After an upgrade in place the old one is still there, so nothing is compiled ahead.
    """
    about = find_spec("umap")
    if about is None or about.origin is None or any(name in os.environ for name in _VARIABLES):
        return False
    package = Path(about.origin).parent
    folder = package / "__pycache__"
    is_writable = os.access(folder if folder.exists() else package, os.W_OK)
    return is_writable and not any(folder.glob("layouts._optimize_layout*.nbi"))
