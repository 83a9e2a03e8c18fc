"""UMAP's compiled programs: kept on disk, and compiled beside other work where there are none.

In a new environment numba compiles for twenty seconds before UMAP can start.
"""

import os
import subprocess
import sys
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
_compiling: list[subprocess.Popen[bytes]] = []


def compile_ahead() -> None:
    """Has another process compile the programs, unless an earlier run has left them.

    `have_programs` waits for it. What it cannot do is done then.
    """
    if _compiling or _are_kept():
        return
    nothing = subprocess.DEVNULL
    _compiling.append(
        subprocess.Popen([sys.executable, "-c", _COMPILE], stdout=nothing, stderr=nothing)
    )


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


def _are_kept() -> bool:
    """Whether the program that is compiled last is beside its source, or would be elsewhere."""
    about = find_spec("umap")
    if about is None or about.origin is None or "NUMBA_CACHE_DIR" in os.environ:
        return True
    package = Path(about.origin).parent
    kept = package.glob("__pycache__/layouts._optimize_layout*.nbi")
    return any(kept) or not os.access(package, os.W_OK)
