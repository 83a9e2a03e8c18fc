import gc
import importlib
import os
import threading
from pathlib import Path

# JAX reads these when it is imported: eight simulated devices, whatever the machine has; and
# compiling, which is most of what tests of small models do, takes half the time. Tests of equal
# numbers use `default_optimisations`.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
os.environ["JAX_NUM_CPU_DEVICES"] = "8"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import pytest
import songfiles
from browsers import launch
from hypothesis import settings
from maptabs import WIDE, Opened
from playwright.sync_api import sync_playwright
from smallfits import PCA
from zenodoserver import CONTENT, TARGET, Zenodo, md5

import musicvae_jax as mv
from musicvae_jax import download as downloads
from musicvae_jax.clustering import umap_gmm
from musicvae_jax.download import DATASETS, Dataset
from musicvae_jax.evaluation import projections
from musicvae_jax.reporting import run_figures
from musicvae_jax.runtime.isolated import Outcome
from musicvae_jax.songs import DEMO_PATH, load_songs
from musicvae_jax.songs.audio import pool, reader
from musicvae_jax.songs.demo import write_demo

# The first call of a jitted function compiles, which no deadline per example can know.
settings.register_profile("default", deadline=None)
settings.load_profile("default")


@pytest.fixture(scope="session", autouse=True)
def compiled_programs(tmp_path_factory):
    """Compiled programs are kept for the session: many tests train the same small models."""
    jax.config.update("jax_compilation_cache_dir", str(tmp_path_factory.mktemp("compiled")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


# Half of what Linux allows a process by default.
_MOST_MAPPINGS = 32_000


@pytest.fixture(scope="module", autouse=True)
def bounded_mappings():
    """Drops compiled programs before the process runs out of memory mappings.

    Each program has some of its own. The compiler does not survive Linux refusing it one, which
    is a segmentation fault late in a long session.
    """
    yield
    mappings = Path("/proc/self/maps")
    if mappings.exists() and mappings.read_bytes().count(b"\n") > _MOST_MAPPINGS:
        jax.clear_caches()
        gc.collect()


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


@pytest.fixture
def songs(song_path):
    """The songs of that file."""
    return load_songs(song_path)


@pytest.fixture
def model(songs):
    """Principal components of those songs, where any fitted model will do."""
    return mv.fit(PCA, songs, quiet=True)


@pytest.fixture(scope="session")
def browser():
    """One for all tests of a process: Playwright starts no second one."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def open_map(browser):
    """Opens maps offline; no page may report an error."""
    contexts, errors = [], []

    def open_it(path, **options):
        context = browser.new_context(**{"viewport": WIDE, "color_scheme": "light"} | options)
        contexts.append(context)
        context.set_offline(True)
        tab = context.new_page()
        tab.set_default_timeout(20_000)
        opened = Opened(tab, [], errors)
        tab.on("request", lambda request: opened.requests.append(request.url))
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(path.absolute().as_uri())
        tab.wait_for_selector("html[data-ready]")
        return opened

    yield open_it
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    """Every test runs in a folder of its own: default output folders are relative."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory):
    """A demo set of 64 songs, and the caches of all tests that use it."""
    folder = tmp_path_factory.mktemp("data")
    write_demo(folder / DEMO_PATH.name, 64)
    return folder


@pytest.fixture
def demo(demo_folder, in_empty_folder):
    """The default songs of the test's folder are a small demo set."""
    DEMO_PATH.parent.symlink_to(demo_folder)


@pytest.fixture
def no_figures(monkeypatch):
    """A run's figures take five seconds; `test_every_experiment_leaves_whole_results` has them."""
    monkeypatch.setattr(
        run_figures, "draw_figures", lambda folder, *_: (folder / "figures").mkdir()
    )


@pytest.fixture(scope="module")
def quick_manifold():
    """N2D without UMAP; test_umap_gmm.py has UMAP."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(umap_gmm, "umap", lambda x, n_dimensions, *_: x[:, :n_dimensions])
        yield


@pytest.fixture
def few_draws(monkeypatch):
    """Of the nulls and intervals behind scores."""
    # The package has a function of the module's name.
    significance = importlib.import_module("musicvae_jax.evaluation.significance")
    monkeypatch.setattr(significance, "_N_DRAWS", 20)


@pytest.fixture
def quick_projections(monkeypatch, quick_manifold, few_draws):
    """What takes most of a small run's time: t-SNE and UMAP, and the draws behind scores."""
    for name in ("tsne", "umap"):
        monkeypatch.setattr(projections, name, lambda x, seed: x[:, :2])


@pytest.fixture
def other_generators():
    """Turns JAX's default random generators to "rbg" when called, in all threads."""

    def set_default(name):
        jax.config.update("jax_default_prng_impl", name)
        # Programs that are traced already would keep theirs.
        jax.clear_caches()

    yield lambda: set_default("rbg")
    set_default("threefry2x32")


@pytest.fixture
def double_precision():
    """A caller's own set-up of JAX."""
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


@pytest.fixture
def unread():
    """The end of a pipe that nobody reads any more."""
    read, write = os.pipe()
    os.close(read)
    yield write
    os.close(write)


@pytest.fixture
def zenodo(monkeypatch):
    """Downloads come from a server on this machine."""
    with Zenodo() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setattr(downloads, "_ZENODO", server.url)
        monkeypatch.setattr(downloads, "_PAUSES_S", (0, 0))
        tiny = Dataset(1, TARGET.name, md5(CONTENT))
        monkeypatch.setitem(DATASETS, "4mula-tiny", tiny)
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def in_this_process(monkeypatch):
    """Decodes in this process, since others start for seconds; test_audio_processes.py has them."""

    def calls_here(function, calls, n_processes, memory_bytes):
        for place, call in enumerate(calls):
            yield place, Outcome(function(*call.arguments), "")

    monkeypatch.setattr(pool, "isolated_calls", calls_here)


@pytest.fixture
def decoded(monkeypatch):
    """The names of the files that were decoded, once for each time."""
    names = []
    decode_files = pool.decode_files

    def counted(tasks, *others):
        names.extend(task.file.path.name for task in tasks)
        return decode_files(tasks, *others)

    monkeypatch.setattr(reader, "decode_files", counted)
    return names
