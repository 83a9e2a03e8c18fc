import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from musicvae_jax.errors import InputError
from musicvae_jax.runtime.lock import only_run

OWNER = f"process {os.getpid()} on {socket.gethostname()}"
# Locks the folder, says so, and waits to be killed.
OTHER_RUN = """
import sys, time
from pathlib import Path
from musicvae_jax.runtime.lock import only_run
with only_run(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(600)
"""


def other_run(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER_RUN, str(folder)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "locked\n"
    return process


def test_the_lock_is_a_hidden_file_beside_the_folder_and_goes(tmp_path):
    with only_run(tmp_path / "out"):
        (lock,) = tmp_path.iterdir()
        assert lock.name == ".out.lock"
        assert lock.read_text() == OWNER
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_is_refused_by_name_and_leaves_the_first_its_lock(tmp_path):
    expected = rf"another run \({OWNER}\) is using it; .*--output-dir"
    with only_run(tmp_path / "out"):
        for _ in range(2):
            with pytest.raises(InputError, match=expected), only_run(tmp_path / "out"):
                pytest.fail("the block must not run")
        with only_run(tmp_path / "other"):
            pass
    with only_run(tmp_path / "out"):
        pass


def test_a_run_that_has_not_said_its_name_yet(tmp_path):
    expected = r"another run \(just started\)"
    with only_run(tmp_path / "out"):
        (tmp_path / ".out.lock").write_text("")
        with pytest.raises(InputError, match=expected), only_run(tmp_path / "out"):
            pytest.fail("the block must not run")


def test_a_run_that_dies_unlocks_the_folder(tmp_path):
    process = other_run(tmp_path / "out")
    expected = rf"another run \(process {process.pid} on "
    with pytest.raises(InputError, match=expected), only_run(tmp_path / "out"):
        pytest.fail("the block must not run")
    process.kill()
    process.communicate()
    with only_run(tmp_path / "out"):
        assert (tmp_path / ".out.lock").read_text() == OWNER
    assert list(tmp_path.iterdir()) == []


def test_folders_that_it_made_go_unless_something_is_in_them(tmp_path):
    with only_run(tmp_path / "a" / "b" / "out"):
        (tmp_path / "a" / "mine").write_text("")
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "mine"]


def test_a_link_and_its_folder_share_a_lock(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    with (
        only_run(tmp_path / "disk"),
        pytest.raises(InputError, match="another run"),
        only_run(tmp_path / "link"),
    ):
        pytest.fail("the block must not run")


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    target = tmp_path / "file" / "out"
    expected = f"output folder {target}: cannot be written .*--output-dir"
    with pytest.raises(InputError, match=expected), only_run(target):
        pytest.fail("the block must not run")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_named(tmp_path):
    tmp_path.chmod(0o500)
    expected = r"cannot be written \(Permission denied\)"
    with pytest.raises(InputError, match=expected), only_run(tmp_path / "out"):
        pytest.fail("the block must not run")
