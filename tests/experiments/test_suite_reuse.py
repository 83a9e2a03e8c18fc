"""What a suite computes once, what it finds again, and what it renews when code changes."""

import json
from pathlib import Path

import pytest
from tinyruns import files

from experiments import run, suite
from musicvae_jax.pipeline import collection, finished, manifest
from musicvae_jax.registry import SUITES
from musicvae_jax.reporting import run_figures

OPTIONS = ["--data.heldout-fraction", "0.2", "--seeds", "0", "1"]


@pytest.fixture(autouse=True)
def quick(quick_projections, no_figures):
    """t-SNE, UMAP and figures have tests of their own."""


@pytest.fixture
def no_report(monkeypatch):
    """The pictures of a suite take seconds."""
    monkeypatch.setattr(collection, "draw_overview", lambda *arguments: None)


@pytest.fixture
def run_suite(song_path, monkeypatch):
    """Runs these experiments as the suite "easy"."""

    def run_these(names, *arguments):
        monkeypatch.setitem(SUITES, "easy", tuple(names))
        command = ["easy", "--data.path", song_path, "--k", "3", "--epochs", "1", *OPTIONS]
        assert suite.main([str(argument) for argument in (*command, *arguments)]) == 0

    return run_these


@pytest.fixture
def run_one(song_path):
    """Runs one experiment into a folder; returns the stages of its manifest."""

    def run_it(name, folder, *arguments):
        command = [name, "--data.path", song_path, "--output-dir", folder, "--cluster.k", "3"]
        command += ["--cluster.methods", "kmeans", "--train.epochs", "1", *OPTIONS, *arguments]
        assert run.main([str(argument) for argument in command]) == 0
        return read_manifest(folder)["stages"]

    return run_it


def read_manifest(folder):
    return json.loads((Path(folder) / "manifest.json").read_text())


def counts(stages):
    """Stage to how many of its parts were computed and how many found."""
    return {name: (about["computed"], about["found"]) for name, about in stages.items()}


def times(folder):
    """When each file of a folder was written."""
    return {name: (Path(folder) / name).stat().st_mtime_ns for name in files(Path(folder))}


@pytest.mark.slow
def test_baselines_that_experiments_have_in_common_are_clustered_and_weighed_once(
    run_suite, no_report
):
    run_suite(["easy_spectral", "easy_pca"])
    first, second = (
        read_manifest(f"results/{name}")["stages"] for name in ("easy_spectral", "easy_pca")
    )
    # Each clusters its own points by five clusterers and the other's by one, under two seeds.
    # Ward and DBSCAN draw nothing, and points are the same under both seeds: one call. K-Means
    # finds the same three clusters in both spaces: one call for each seed weighs them, and one
    # for each of two labels compares them. Both whitened PCAs have other clusters under each seed.
    assert counts(first) == {
        "features": (1, 0),
        "k curves": (2, 0),
        "clustering": (8 + 2 + 4, 0),
        "significance": (2 + 4, 0),
        "spaces": (2 + 2, 0),
        "comparisons": (2 + 4, 0),
        "supervised": (2 + 2, 0),
        "stability": (2, 0),
        "consensus": (1, 0),
        "projections": (2, 0),
        "neighbours": (1, 0),
    }
    # K-Means of both is there already, and equal clusters have the same consensus.
    assert counts(second) == {
        "features": (0, 1),
        "k curves": (2, 0),
        "clustering": (6, 4 + 4),
        "significance": (0, 6),
        "spaces": (0, 4),
        "comparisons": (0, 6),
        "supervised": (0, 4),
        "stability": (2, 0),
        "consensus": (0, 1),
        "projections": (2, 0),
        "neighbours": (1, 0),
    }
    where = {name: about["where"] for name, about in second.items() if about["found"]}
    assert where == {
        "features": "data/cache",
        "clustering": "data/cache/stages/clustering",
        "significance": "data/cache/stages/significance",
        "spaces": "data/cache/stages/spaces",
        "comparisons": "data/cache/stages/comparisons",
        "supervised": "data/cache/stages/supervised",
        "consensus": "data/cache/stages/consensus",
    }
    assert {about["where"] for about in first.values()} == {None}


@pytest.mark.slow
def test_a_run_elsewhere_finds_the_stages_and_a_model_only_beside_it(run_one):
    first = run_one("easy_vae", "one/vae")
    assert {n_found for _, n_found in counts(first).values()} == {0}
    beside = run_one("easy_vae", "one/again")
    assert {n_computed for n_computed, _ in counts(beside).values()} == {0}
    assert beside["training"] == {"computed": 0, "found": 1, "where": "one/vae/checkpoint"}
    elsewhere = run_one("easy_vae", "two/vae")
    # The same training gives the same latents, so all that follows is found.
    computed = {name for name, (n_computed, _) in counts(elsewhere).items() if n_computed}
    assert computed == {"training"}
    tables = ("metrics", "significance", "spaces", "comparisons", "stability")
    for name in (*(f"{table}.csv" for table in tables), "latents.parquet"):
        found = {Path(folder, name).read_bytes() for folder in ("one/vae", "one/again", "two/vae")}
        assert len(found) == 1, name


@pytest.mark.slow
def test_fresh_computes_everything_again_and_the_manifest_says_so(run_one):
    run_one("easy_vae", "out/vae")
    fresh = run_one("easy_vae", "out/again", "--fresh")
    found = {name for name, (_, n_found) in counts(fresh).items() if n_found}
    assert found == set()
    assert fresh["training"] == {"computed": 1, "found": 0, "where": None}


@pytest.mark.slow
def test_after_a_change_of_the_drawing_code_figures_and_report_are_all_that_is_renewed(
    run_suite, monkeypatch, capsys
):
    folder, names = Path("results/easy_pca"), ["easy_pca"]
    run_suite(names)
    before, manifest_before = times("results"), read_manifest(folder)
    drawn = []

    def draw_figure(folder, name, title):
        drawn.append(name)
        (folder / "figures" / f"{name}.png").write_text(title)
        return []

    monkeypatch.setattr(run_figures, "draw_figure", draw_figure)
    for module in (collection, finished, manifest):
        monkeypatch.setattr(module, "drawing_code", lambda: "new")
    capsys.readouterr()
    run_suite(names)
    assert "easy_pca: finished before, not run again" in capsys.readouterr().out
    assert drawn == list(run_figures._FIGURES)
    title = (folder / "figures" / "tsne.png").read_text()
    assert title == "easy_pca on tiny, n = 24 songs"
    after = times("results")
    renewed = {name for name in before if after[name] != before[name]}
    assert {name for name in renewed if name.startswith("easy_pca/")} == {
        "easy_pca/manifest.json",
        "easy_pca/map.html",
    }
    assert {
        "report.html",
        "map.html",
        "suite.json",
        "visualizations/tsne_visualization.png",
    } < renewed
    code = manifest_before["code"] | {"drawing": "new"}
    assert read_manifest(folder) == manifest_before | {"code": code}
    # And that is that.
    run_suite(names)
    assert times("results") == after
    assert len(drawn) == len(run_figures._FIGURES)


@pytest.mark.slow
def test_results_of_the_version_before_are_computed_again(run_suite, no_report, capsys):
    run_suite(["easy_pca"])
    path = Path("results/easy_pca/manifest.json")
    content = json.loads(path.read_text())
    # It had one version for all code.
    path.write_text(json.dumps(content | {"code": "abc"}))
    capsys.readouterr()
    run_suite(["easy_pca"])
    assert "easy_pca: running" in capsys.readouterr().out
    assert json.loads(path.read_text())["code"] == content["code"]
