import os
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

from musicvae_jax.clustering.manifold import umap

_COMPILATIONS = """
import numpy as np
from numba.core import event
from musicvae_jax.clustering.manifold import umap
from umap import UMAP

compilations = event.RecordingListener()
with event.install_listener("numba:compile", compilations):
    umap(np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32), 2, 15, 0.1, 0)
print(len(compilations.buffer))
"""


def test_finite_coordinates_in_any_number_of_dimensions_the_same_every_time():
    x = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    found = umap(x, 4, 20, 0.0, 0)
    assert found.shape == (40, 4)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found, umap(x, 4, 20, 0.0, 0))


def test_few_songs_have_all_others_as_neighbours():
    x = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    assert np.isfinite(umap(x, 2, 20, 0.1, 0)).all()


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


@pytest.mark.slow
def test_another_process_compiles_nothing(tmp_path):
    # An empty cache: the first process fills it.
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    first, second = (
        int(
            subprocess.run(
                [sys.executable, "-c", _COMPILATIONS],
                env=environment,
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        for _ in range(2)
    )
    assert first > 0
    assert second == 0
