"""Which code a computation's version is of."""

import importlib.util
import shutil
from pathlib import Path

import pytest

import musicvae_jax
from musicvae_jax import clustering, evaluation
from musicvae_jax.config import K_RULES, load_function
from musicvae_jax.evaluation import neighbours, projections
from musicvae_jax.pipeline import training_key
from musicvae_jax.runtime import code

# Every function that `pipeline.stages` keeps the results of.
STAGES = {
    function.__module__
    for function in (
        *(clustering.k_curves, evaluation.evaluate, evaluation.significance),
        *(evaluation.space_scores, evaluation.kmeans_agreement, evaluation.factor_scores),
        *(evaluation.average_linkage_consensus, projections.tsne, projections.umap),
        neighbours.nearest_songs,
        *(load_function(f"evaluation.{rule.measure}") for rule in K_RULES.values() if rule.measure),
    )
}
TOY = {
    "__init__": "",
    "top": "import toy.plain\nfrom toy.direct import x\ndef f():\n    from toy import lazy\n",
    "direct": "import numpy\nfrom toy.deep import something\nimport toyshop\n",
    "plain": "",
    "lazy": "def g():\n    if True:\n        import toy.pack\n",
    "deep": "from toy import top\n",
    "pack/__init__": "from toy.pack.named import a\n",
    "pack/named": "",
    "pack/by_name_only": "from toy.far import b\n",
    "pack/_private": "",
    "far": "",
    "stranger": "from toy import top\n",
}


def versions_of(root):
    """The module of a package at another place, which digests that package's files."""
    spec = importlib.util.spec_from_file_location("code_elsewhere", root / "runtime" / "code.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def toy(tmp_path):
    root = tmp_path / "toy"
    for name, text in TOY.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / f"{name}.py").write_text(text)
    (root / "runtime").mkdir()
    shutil.copy(code.__file__, root / "runtime" / "code.py")
    return root


@pytest.fixture
def copy(tmp_path):
    """The package itself, to be edited."""
    package = Path(musicvae_jax.__file__).parent
    without = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(package, tmp_path / package.name, ignore=without))


def version(root, *arguments):
    return versions_of(root).code_version(*arguments)


def edit(root, name):
    path = root / name
    path.write_text(path.read_text() + "\nedited = True\n")


# What `toy.top` needs: the modules of a package of which some are imported by name too, but not
# those that begin with an underscore.
NEEDED = (
    *("top", "direct", "plain", "lazy", "deep", "far"),
    *("pack/__init__", "pack/named", "pack/by_name_only"),
)


@pytest.mark.parametrize("edited", NEEDED)
def test_a_module_that_is_needed_counts_imported_lazily_or_by_a_package_too(toy, edited):
    before = version(toy, ("toy.top",))
    edit(toy, f"{edited}.py")
    assert version(toy, ("toy.top",)) != before


def test_a_page_s_scripts_and_styles_count_as_part_of_their_package(toy):
    (toy / "pack" / "page.js").write_text("let x;")
    before = version(toy, ("toy.top",))
    (toy / "page.css").write_text("p {}")
    (toy / "pack" / "notes.txt").write_text("none")
    assert version(toy, ("toy.top",)) == before
    (toy / "pack" / "page.js").write_text("let y;")
    after = version(toy, ("toy.top",))
    assert after != before
    (toy / "pack" / "page.js").rename(toy / "pack" / "other.js")
    assert version(toy, ("toy.top",)) not in (before, after)


def test_other_modules_do_not_count(toy):
    before = version(toy, ("toy.top",))
    for name in set(TOY) - set(NEEDED):
        edit(toy, f"{name}.py")
    assert version(toy, ("toy.top",)) == before


def test_a_package_that_is_left_out_does_not_count_nor_what_only_it_needs(toy):
    without = (("toy.top",), (), ("toy.pack",))
    before = version(toy, *without)
    for name in ("pack/__init__", "pack/named", "pack/by_name_only", "far"):
        edit(toy, f"{name}.py")
    assert version(toy, *without) == before
    edit(toy, "lazy.py")
    assert version(toy, *without) != before


def test_a_module_outside_the_package_counts_by_its_name_only(toy):
    found = {version(toy, (name,)) for name in ("conftest", "__main__", "toyshop.of_names")}
    assert len(found) == 3
    assert version(toy, ("conftest",)) in found


def test_versions_of_other_packages_count():
    found = {code.code_version(("conftest",), packages) for packages in ((), ("numpy",), ("jax",))}
    assert len(found) == 3


def all_versions(root):
    """Of the code of every stage and of the training."""
    at = versions_of(root)
    stages = {name: at.code_version((name,)) for name in STAGES}
    return stages | {"training": at.code_version(training_key._MODULES)}


def test_what_a_results_page_looks_like_changes_no_key(copy):
    before = all_versions(copy)
    for path in (copy / "reporting").glob("*.py"):
        edit(copy, path.relative_to(copy))
    edit(copy, "pipeline/run.py")
    assert all_versions(copy) == before


@pytest.mark.parametrize(
    ("edited", "changed"),
    [
        ("training/streaming/row_source.py", {"training"}),
        ("models/conv.py", {"training"}),
        ("losses.py", {"training"}),
        ("evaluation/projections.py", {"musicvae_jax.evaluation.projections"}),
        (
            "clustering/density.py",
            {
                "musicvae_jax.evaluation.scores",
                "musicvae_jax.evaluation.agreement",
                "musicvae_jax.evaluation.ambiguity",
            },
        ),
    ],
)
def test_an_edit_changes_the_keys_of_what_it_is_for(copy, edited, changed):
    before = all_versions(copy)
    edit(copy, edited)
    after = all_versions(copy)
    assert {name for name in before if before[name] != after[name]} == changed
