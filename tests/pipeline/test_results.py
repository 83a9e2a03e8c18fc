import json
import shutil

import pytest

from musicvae_jax.errors import InputError
from musicvae_jax.pipeline.results import staged_results


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
