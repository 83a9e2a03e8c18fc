"""The tour runs from top to bottom in a fresh folder, and is kept without outputs."""

import json
import os
import subprocess
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

import nbformat
import pytest
from ipykernel.kernelspec import write_kernel_spec
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
TOUR = ROOT / "experiments" / "tour.ipynb"
REPORT = """import json
rows = genre.reset_index().to_dict("records")
print(json.dumps([rows, own_losses, last["active_units"].tolist()]))"""


def tour():
    notebook = nbformat.read(TOUR, as_version=4)
    nbformat.validate(notebook)
    return notebook


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """Makes "python3" a kernel of this interpreter, whatever the user's is."""
    write_kernel_spec(tmp_path / "jupyter" / "kernels" / "python3")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return "python3"


@pytest.mark.slow
def test_it_runs_in_a_fresh_folder_and_ends_with_scores(kernel, tmp_path):
    notebook = tour()
    (songs,) = [cell for cell in notebook.cells if cell.id == "songs"]
    assert "N_SONGS = 400" in songs.source
    # Fewer songs take less time; more than 64 are still made in processes of the kernel's.
    songs.source = songs.source.replace("N_SONGS = 400", "N_SONGS = 80")
    notebook.cells.append(nbformat.v4.new_code_cell(REPORT))
    folder = tmp_path / "work"
    folder.mkdir()
    NotebookClient(
        notebook, kernel_name=kernel, timeout=300, resources={"metadata": {"path": str(folder)}}
    ).execute()

    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    said = [output.text for output in outputs if output.get("name") == "stderr"]
    assert said == []
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3

    scores, losses, active = json.loads(outputs[-1].text)
    assert [(row["representation"], row["clusterer"], row["seed"]) for row in scores] == [
        (name, clusterer, seed)
        for name, seeds in (("vae", (0, 1)), ("pca", (0,)), ("raw", (0,)))
        for clusterer in ("kmeans", "agglomerative")
        for seed in seeds
    ]
    assert all(row["value"] > max(row["null_high"], 0.1) for row in scores)
    assert losses[-1] < 0.8 * losses[0]
    assert min(active) >= 1
    assert (folder / "data" / "demo.parquet").exists()


def test_it_is_kept_without_outputs_and_with_ids_that_say_what_cells_are():
    cells = tour().cells
    assert all(cell.execution_count is None and not cell.outputs for cell in code_cells(tour()))
    assert all(cell.id.replace("-", "").isalpha() for cell in cells)
    assert all(cell.metadata == {} for cell in cells)


def run_setup(repository):
    setup = next(cell.source for cell in tour().cells if cell.id == "setup")
    assert 'REPOSITORY = ""' in setup
    exec(setup.replace('REPOSITORY = ""', f"REPOSITORY = {repository!r}"), {})


@pytest.fixture
def colab(monkeypatch):
    """As if in Colab without musicvae_jax; the commands that would be run."""
    fake = types.ModuleType("google.colab")
    fake.__spec__ = ModuleSpec("google.colab", None)
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", fake)
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: fake.__spec__ if "colab" in name else None
    )
    commands = []

    def run(command, check):
        assert check
        commands.append(command)
        if command[0] == "git":
            Path(command[-1]).mkdir()

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_in_colab_it_asks_where_the_repository_is(colab):
    with pytest.raises(RuntimeError, match=r"^REPOSITORY: got '', expected"):
        run_setup("")
    assert colab == []


def test_in_colab_it_clones_a_url_and_installs_it(colab):
    before = Path.cwd()
    run_setup("https://example.org/songs.git")
    clone, install = colab
    assert clone[:2] == ["git", "clone"]
    assert "https://example.org/songs.git" in clone
    assert install == [sys.executable, "-m", "pip", "install", "--quiet", "repository"]
    assert Path.cwd() == before / "repository"


def test_in_colab_it_installs_from_a_folder(colab, tmp_path):
    (tmp_path / "drive").mkdir()
    run_setup(str(tmp_path / "drive"))
    assert [command[-1] for command in colab] == [str(tmp_path / "drive")]
    assert Path.cwd() == tmp_path / "drive"


def test_started_in_experiments_it_goes_to_the_root_and_from_elsewhere_nowhere(tmp_path):
    for name in ("repository/experiments", "repository/musicvae_jax", "lone/experiments"):
        (tmp_path / name).mkdir(parents=True)
    os.chdir(tmp_path / "repository" / "experiments")
    run_setup("")
    assert Path.cwd() == tmp_path / "repository"
    run_setup("")
    assert Path.cwd() == tmp_path / "repository"
    os.chdir(tmp_path / "lone" / "experiments")
    run_setup("")
    assert Path.cwd() == tmp_path / "lone" / "experiments"
