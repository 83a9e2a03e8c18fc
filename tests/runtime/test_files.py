import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from musicvae_jax.runtime import files
from musicvae_jax.runtime.files import replacing


def test_a_finished_file_replaces_the_old_one(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as aside:
        aside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_one_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as aside:
        aside.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


KILLED = """
import os, sys
from pathlib import Path
from musicvae_jax.runtime import files
from musicvae_jax.runtime.files import replacing
with replacing(Path(sys.argv[1])) as aside:
    aside.write_text("half")
    os._exit(0)
"""


@pytest.fixture
def left_behind(tmp_path):
    """The folder that a process left which was killed while it wrote."""
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", KILLED, str(tmp_path / "a.txt")]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": root}, check=True)
    (folder,) = tmp_path.iterdir()
    return folder


def test_what_a_killed_process_left_is_removed(tmp_path, left_behind):
    files.remove_abandoned(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_being_written_stays(tmp_path):
    with replacing(tmp_path / "a.txt") as aside:
        aside.write_text("whole")
        files.remove_abandoned(tmp_path)
    assert (tmp_path / "a.txt").read_text() == "whole"


def test_what_another_machine_writes_stays_for_a_day(tmp_path, left_behind, monkeypatch):
    monkeypatch.setattr(files, "_process_space", lambda: "elsewhere")
    files.remove_abandoned(tmp_path)
    assert left_behind.is_dir()
    yesterday = time.time() - 25 * 3600
    os.utime(left_behind, (yesterday, yesterday))
    # The file in it is still being written to.
    files.remove_abandoned(tmp_path)
    assert left_behind.is_dir()
    os.utime(left_behind / "a.txt", (yesterday, yesterday))
    files.remove_abandoned(tmp_path)
    assert list(tmp_path.iterdir()) == []
