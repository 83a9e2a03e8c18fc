import json
import shutil
from pathlib import Path

import pytest

from musicvae_jax.errors import InputError
from musicvae_jax.pipeline.results import find_checkpoint, staged_results


def write_manifest(folder, name="x"):
    (folder / "manifest.json").write_text(json.dumps({"experiment": name, "data": {}}))


def write_run(stage, mark):
    (stage / "metrics.csv").write_text(mark)
    (stage / "figures").mkdir()
    (stage / "figures" / f"{mark}.png").write_text(mark)
    (stage / "checkpoint" / "7").mkdir(parents=True)
    (stage / "checkpoint" / "7" / mark).write_text(mark)
    (stage / "checkpoint" / "7" / "_CHECKPOINT_METADATA").write_text(mark)
    write_manifest(stage)


def tree(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def folders(tmp_path):
    return tmp_path / "results" / "x", tmp_path / "checkpoints" / "x"


def test_a_second_run_replaces_the_first_and_nothing_else(tmp_path, folders):
    for mark in ("one", "two"):
        with staged_results("x", *folders) as stage:
            write_run(stage, mark)
        (folders[0] / "notes.txt").write_text("mine")
    assert tree(tmp_path) == {
        "results/x/metrics.csv",
        "results/x/figures/two.png",
        "results/x/manifest.json",
        "results/x/notes.txt",
        "checkpoints/x/7/two",
        "checkpoints/x/7/_CHECKPOINT_METADATA",
    }
    assert (folders[0] / "metrics.csv").read_text() == "two"


def test_what_a_run_does_not_make_is_not_kept_from_the_last(folders):
    with staged_results("x", *folders) as stage:
        write_run(stage, "one")
    with staged_results("x", *folders) as stage:
        write_manifest(stage)
    assert tree(folders[0]) == {"manifest.json"}
    assert not folders[1].exists()


def test_a_failed_first_run_leaves_no_folder(tmp_path, folders):
    with pytest.raises(ZeroDivisionError), staged_results("x", *folders) as stage:
        write_run(stage, "one")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_what_still_writes_does_not_hide_the_error(folders, monkeypatch):
    """As a save does that failed in another thread."""

    def busy(folder, ignore_errors=False):
        if not ignore_errors:
            raise OSError("Directory not empty")

    with pytest.raises(ValueError, match="no room"), staged_results("x", *folders) as stage:
        write_run(stage, "one")
        monkeypatch.setattr(shutil, "rmtree", busy)
        raise ValueError("no room")


def test_a_failed_second_run_leaves_the_first(tmp_path, folders):
    with staged_results("x", *folders) as stage:
        write_run(stage, "one")
    before = tree(tmp_path)
    with pytest.raises(KeyboardInterrupt), staged_results("x", *folders) as stage:
        write_run(stage, "two")
        raise KeyboardInterrupt
    assert tree(tmp_path) == before
    assert (folders[0] / "metrics.csv").read_text() == "one"


@pytest.mark.parametrize("entry", ["figures/mine.png", "config.json"])
def test_what_no_run_made_is_not_replaced(tmp_path, folders, entry):
    mine = folders[0] / entry
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    expected = "no run of x made it"
    with pytest.raises(InputError, match=expected), staged_results("x", *folders):
        pytest.fail("the block must not run")
    assert tree(tmp_path) == {f"results/x/{entry}"}


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_checkpoint_folder_that_is_something_else_is_not_replaced(folders, is_folder):
    mine = folders[1] / "mine.bin" if is_folder else folders[1]
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    expected = "no run of x made it"
    with pytest.raises(InputError, match=expected), staged_results("x", *folders):
        pytest.fail("the block must not run")
    assert mine.read_text() == "mine"


def test_a_model_card_is_replaced_with_its_checkpoint_and_another_readme_is_not(folders):
    for mark in ("one", "two"):
        with staged_results("x", *folders) as stage:
            write_run(stage, mark)
            (stage / "checkpoint" / "README.md").write_text(mark)
    assert tree(folders[1]) == {"7/two", "7/_CHECKPOINT_METADATA", "README.md"}
    assert (folders[1] / "README.md").read_text() == "two"
    shutil.rmtree(folders[1] / "7")
    expected = "checkpoints/x exists and no run of x made it"
    with pytest.raises(InputError, match=expected), staged_results("x", *folders):
        pytest.fail("the block must not run")


@pytest.mark.parametrize("content", ["{}", "[1]", "not json", '{"experiment": "y", "data": {}}'])
def test_a_manifest_of_something_else_is_not_ours(folders, content):
    folders[0].mkdir(parents=True)
    (folders[0] / "manifest.json").write_text(content)
    expected = "no run of x made it"
    with pytest.raises(InputError, match=expected), staged_results("x", *folders):
        pytest.fail("the block must not run")
    assert (folders[0] / "manifest.json").read_text() == content


@pytest.mark.parametrize("failing_move", range(8))
def test_a_failure_while_putting_results_in_place_brings_the_last_run_back(
    tmp_path, folders, monkeypatch, failing_move
):
    with staged_results("x", *folders) as stage:
        write_run(stage, "one")
    before = {name: (tmp_path / name).read_bytes() for name in tree(tmp_path)}
    moves = []

    def failing(source, target, move=shutil.move):
        moves.append(source)
        if len(moves) == failing_move + 1:
            raise OSError("disk full")
        return move(source, target)

    monkeypatch.setattr(shutil, "move", failing)
    with pytest.raises(OSError, match="disk full"), staged_results("x", *folders) as stage:
        write_run(stage, "two")
    assert {name: (tmp_path / name).read_bytes() for name in tree(tmp_path)} == before


def test_a_linked_checkpoint_folder_stays_a_link(tmp_path, folders):
    (tmp_path / "disk" / "x").mkdir(parents=True)
    folders[1].parent.mkdir()
    folders[1].symlink_to(tmp_path / "disk" / "x")
    for mark in ("one", "two"):
        with staged_results("x", *folders) as stage:
            write_run(stage, mark)
    assert folders[1].is_symlink()
    assert tree(tmp_path / "disk") == {"x/7/two", "x/7/_CHECKPOINT_METADATA"}


def test_a_run_killed_while_putting_results_in_place_can_be_repeated(folders):
    with staged_results("x", *folders) as stage:
        write_run(stage, "one")
    (folders[0] / "manifest.json").unlink()
    (folders[0] / ".replacing-killed").mkdir()
    with staged_results("x", *folders) as stage:
        write_run(stage, "two")
    assert (folders[0] / "metrics.csv").read_text() == "two"


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    target = tmp_path / "file" / "results"
    expected = f"output folder {target}: cannot be written .*--output-dir"
    with (
        pytest.raises(InputError, match=expected),
        staged_results("x", target, target / "checkpoint"),
    ):
        pytest.fail("the block must not run")


def write_folders(results, checkpoint, output_dir=None):
    """What `find_checkpoint` looks for."""
    results.mkdir(parents=True)
    config = {"name": "x", "output_dir": output_dir}
    (results / "config.json").write_text(json.dumps(config))
    (checkpoint / "7").mkdir(parents=True)


def test_a_checkpoint_is_found_beside_the_results_by_any_path(tmp_path, monkeypatch):
    results, checkpoint = tmp_path / "results" / "x", tmp_path / "checkpoints" / "x"
    write_folders(results, checkpoint)
    (tmp_path / "results" / "y").mkdir()
    assert find_checkpoint(results) == find_checkpoint(checkpoint) == checkpoint
    monkeypatch.chdir(tmp_path / "results" / "y")
    assert find_checkpoint(Path("../x")) == checkpoint
    monkeypatch.chdir(results)
    assert find_checkpoint(Path()) == checkpoint


def test_linked_results_have_their_checkpoint_beside_the_link(tmp_path, folders):
    results, checkpoint = folders
    write_folders(tmp_path / "far" / "away", checkpoint)
    results.parent.mkdir()
    results.symlink_to(tmp_path / "far" / "away")
    assert find_checkpoint(results) == checkpoint


def test_the_checkpoint_in_an_output_folder_moves_with_it(tmp_path):
    write_folders(tmp_path / "out", tmp_path / "out" / "checkpoint", output_dir="out")
    (tmp_path / "out").rename(tmp_path / "moved")
    assert find_checkpoint(tmp_path / "moved") == tmp_path / "moved" / "checkpoint"


def test_a_checkpoint_that_is_gone_is_named(tmp_path, folders):
    write_folders(*folders)
    shutil.rmtree(folders[1])
    with pytest.raises(InputError, match=r"results/x: its checkpoint is not at .*/checkpoints/x; "):
        find_checkpoint(folders[0])
    with pytest.raises(InputError, match=r"gone: no such folder; expected the checkpoint or"):
        find_checkpoint(tmp_path / "gone")
    with pytest.raises(InputError, match=r"results: holds no checkpoint and no config\.json"):
        find_checkpoint(tmp_path / "results")
