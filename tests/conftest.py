import importlib
import os

# JAX reads these when it is imported: eight simulated devices, whatever the machine has; and
# compiling, which is most of what tests of small models do, takes half the time. Tests of equal
# numbers use `default_optimisations`.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
os.environ["JAX_NUM_CPU_DEVICES"] = "8"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import pytest
import songfiles
from hypothesis import settings

from musicvae_jax.evaluation import projections
from musicvae_jax.reporting import run_figures

# The first call of a jitted function compiles, which no deadline per example can know.
settings.register_profile("default", deadline=None)
settings.load_profile("default")


@pytest.fixture(scope="session", autouse=True)
def compiled_programs(tmp_path_factory):
    """Compiled programs are kept for the session: many tests train the same small models."""
    jax.config.update("jax_compilation_cache_dir", str(tmp_path_factory.mktemp("compiled")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


@pytest.fixture(scope="module")
def default_optimisations():
    """Programs are compiled as users have them compiled, for a whole module.

    JAX reads the setting whenever it compiles (jax/_src/compiler.py), so what is compiled already
    has to go.
    """
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", False)
    jax.clear_caches()
    yield
    jax.config.update("jax_disable_most_optimizations", before)
    jax.clear_caches()


@pytest.fixture(scope="session")
def song_path(tmp_path_factory):
    """A whole file of 24 small songs."""
    folder = tmp_path_factory.mktemp("songs")
    return songfiles.write(folder / "tiny.parquet", songfiles.songs_table())


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    """Every test runs in a folder of its own: default output folders are relative."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def no_figures(monkeypatch):
    """A run's figures take five seconds; `test_every_experiment_leaves_whole_results` has them."""
    monkeypatch.setattr(
        run_figures, "draw_figures", lambda folder, *_: (folder / "figures").mkdir()
    )


@pytest.fixture
def quick_projections(monkeypatch):
    """What takes most of a small run's time: t-SNE and UMAP, and the draws behind scores."""
    for name in ("tsne", "umap"):
        monkeypatch.setattr(projections, name, lambda x, seed: x[:, :2])
    # The package has a function of the module's name.
    significance = importlib.import_module("musicvae_jax.evaluation.significance")
    monkeypatch.setattr(significance, "_N_DRAWS", 20)
