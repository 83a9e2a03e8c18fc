"""Calls of stages are computed once, and found again as long as nothing changes what they give."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from musicvae_jax.config import ClusterConfig
from musicvae_jax.errors import InputError
from musicvae_jax.evaluation import evaluate
from musicvae_jax.pipeline import stages as stages_module
from musicvae_jax.pipeline.stages import Stages
from musicvae_jax.runtime.workers import Workers

HERE = Path(__file__)
ROOT = HERE.parents[2]
# Processes take longer to start than all of it.
ALONE = Workers(min_songs=1_000_000)
made = []


def work(*arguments):
    """What it gives says how many calls there were before."""
    made.append(arguments)
    return len(made)


def other_work(*arguments):
    return work(*arguments)


@pytest.fixture(autouse=True)
def nothing_made():
    made.clear()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "stages"


def run(folder, calls, function=work, stage="work", fresh=False):
    """Results of other `Stages`, which know nothing but what is in the folder."""
    return list(Stages(folder, fresh, ALONE).map(stage, function, calls, n_songs=5))


def clusterings():
    """Calls with all that stages are called with: arrays, text, numbers, None, configs, labels."""
    x = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    labels = {
        "genre": pd.Series(["Polka", None, "März"] * 10, dtype=object),
        "language": pd.Series([None] * 30, dtype=object),
    }
    config = ClusterConfig(restarts=1, methods=("kmeans", "dbscan"))
    return [
        (method, x, 3, seed, config, labels, shared)
        for method in ("kmeans", "dbscan")
        for seed, shared in ((0, None), (1, x[:, ::2].copy()))
    ]


def count_clusterings(folder):
    """How many of them another process computes and finds, whatever its text hashes to."""
    code = (
        "import json, sys; from pathlib import Path; import test_stages as here\n"
        "found = here.Stages(Path(sys.argv[1]), False, here.ALONE)\n"
        "list(found.map('clustering', here.evaluate, here.clusterings(), 30))\n"
        "print(json.dumps(found.counts))"
    )
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "tests", HERE.parent)))
    done = subprocess.run(
        [sys.executable, "-c", code, folder],
        env=os.environ | {"PYTHONPATH": paths, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)["clustering"]


def test_a_call_is_computed_once_and_found_again(folder):
    assert run(folder, [(1,), (2,)]) == [1, 2]
    assert run(folder, [(1,), (2,)]) == [1, 2]
    assert made == [(1,), (2,)]


def test_equal_calls_of_one_map_are_computed_once_and_order_is_kept(folder):
    a, b = np.zeros(3), np.ones(3)
    assert run(folder, [(a, "x"), (b, "x"), (a.copy(), "x"), (a, "y")]) == [1, 2, 1, 3]
    # Some are there already, and the others come between them.
    assert run(folder, [(b, "y"), (a, "y"), (b, "z"), (b, "x"), (b, "z")]) == [4, 3, 5, 2, 5]
    assert len(made) == 5


def test_what_was_computed_and_found_is_counted_by_stage(folder):
    found = Stages(folder, False, ALONE)
    list(found.map("first", work, [(1,), (2,), (1,)], 5))
    list(found.map("first", work, [(2,), (3,)], 5))
    list(found.map("second", work, [(1,)], 5))
    found.count("other", 0, 4)
    assert found.counts == {
        "first": {"computed": 3, "found": 1},
        "second": {"computed": 1, "found": 0},
        "other": {"computed": 0, "found": 4},
    }
    assert found.folder == folder


@pytest.mark.slow
def test_another_process_finds_what_this_one_computed_and_the_other_way_round(folder, tmp_path):
    here = run(folder, clusterings(), evaluate, "clustering")
    assert count_clusterings(folder) == {"computed": 0, "found": 4}
    other = tmp_path / "other"
    assert count_clusterings(other) == {"computed": 4, "found": 0}
    found = Stages(other, False, ALONE)
    elsewhere = list(found.map("clustering", evaluate, clusterings(), 30))
    assert found.counts == {"clustering": {"computed": 0, "found": 4}}
    np.testing.assert_equal(elsewhere, here)


@pytest.mark.slow
def test_worker_processes_give_what_this_one_does_in_the_same_order(folder, tmp_path):
    workers = Workers(min_songs=0)
    shared = Stages(tmp_path / "other", False, workers)
    elsewhere = list(shared.map("clustering", evaluate, clusterings(), 30))
    np.testing.assert_equal(elsewhere, run(folder, clusterings(), evaluate, "clustering"))


def test_points_on_disk_are_the_same_as_in_memory(folder, tmp_path):
    x = np.arange(12.0).reshape(4, 3)
    np.save(tmp_path / "x.npy", x)
    assert run(folder, [(x,)]) == [1]
    assert run(folder, [(np.load(tmp_path / "x.npy", mmap_mode="r"),)]) == [1]


LABELS = pd.Series(["a", None, "b"], dtype=object)
OTHERS = {
    "another array": (np.array([1.0, 3.0]), "x", 0, ClusterConfig(), LABELS),
    "another type": (np.array([1, 2], np.float32), "x", 0, ClusterConfig(), LABELS),
    "another text": (np.array([1.0, 2.0]), "y", 0, ClusterConfig(), LABELS),
    "another number": (np.array([1.0, 2.0]), "x", 1, ClusterConfig(), LABELS),
    "another config": (np.array([1.0, 2.0]), "x", 0, ClusterConfig(restarts=3), LABELS),
    "another label": (np.array([1.0, 2.0]), "x", 0, ClusterConfig(), LABELS.fillna("")),
    "one more": (np.array([1.0, 2.0]), "x", 0, ClusterConfig(), LABELS, None),
}


@pytest.mark.parametrize("other", OTHERS)
def test_other_arguments_are_another_call(folder, other):
    call = (np.array([1.0, 2.0]), "x", 0, ClusterConfig(), LABELS)
    assert run(folder, [call, OTHERS[other], call]) == [1, 2, 1]


def test_another_function_is_another_call(folder):
    assert run(folder, [(1,)]) + run(folder, [(1,)], other_work) == [1, 2]


def test_other_code_computes_again_and_the_same_code_finds(folder, monkeypatch):
    versions = {}
    monkeypatch.setattr(stages_module, "code_version", lambda modules, packages: versions[modules])
    for version, expected in (("old", 1), ("new", 2), ("old", 1)):
        versions[__name__,] = version
        assert run(folder, [("call",)]) == [expected]


def test_fresh_computes_everything_again_and_keeps_that(folder):
    run(folder, [(1,), (2,)])
    again = Stages(folder, True, ALONE)
    assert list(again.map("work", work, [(1,), (2,), (1,)], 5)) == [3, 4, 3]
    assert again.counts == {"work": {"computed": 2, "found": 0}}
    assert run(folder, [(1,), (2,)]) == [3, 4]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: b"junk",
        lambda content: content[:-1],
        lambda content: content + b".",
        lambda content: content[:-3] + bytes([content[-3] ^ 1]) + content[-2:],
        lambda content: bytes([content[0] ^ 1]) + content[1:],
    ],
    ids=["empty", "junk", "cut", "longer", "a bit", "a bit of the first"],
)
def test_a_damaged_file_is_computed_again_and_mended(folder, damage):
    assert run(folder, [("call",)]) == [1]
    (path,) = folder.rglob("*.pickle")
    path.write_bytes(damage(path.read_bytes()))
    assert run(folder, [("call",)]) == [2]
    assert run(folder, [("call",)]) == [2]


def test_what_was_computed_before_an_error_is_kept(folder):
    def fails_at_three(number):
        assert number < 3
        return work(number)

    with pytest.raises(AssertionError):
        run(folder, [(1,), (2,), (3,), (4,)], fails_at_three)
    assert run(folder, [(1,), (2,)], fails_at_three) == [1, 2]
    assert made == [(1,), (2,)]
    assert [path for path in folder.rglob("*") if path.name.startswith(".")] == []


def test_none_is_a_result(folder):
    def gives_nothing():
        made.append(())

    assert run(folder, [()], gives_nothing) + run(folder, [()], gives_nothing) == [None, None]
    assert made == [()]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"features\.cache_dir: cannot write to"):
        run(tmp_path / "file" / "stages", [(1,)])
