"""`python -m musicvae_jax.download`: its arguments, what it prints, and how it starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from zenodoserver import CONTENT, TARGET, fails

from musicvae_jax import download as downloads
from musicvae_jax.download import download, main
from musicvae_jax.errors import InputError
from musicvae_jax.runtime.tasks import Task

ROOT = Path(__file__).parent.parent


def test_the_quiet_command_prints_nothing_on_success(zenodo, capsys):
    assert main(["--quiet", "4mula-tiny"]) == 0
    assert TARGET.read_bytes() == CONTENT
    assert capsys.readouterr() == ("", "")


def test_progress_is_in_megabytes():
    task = Task("4mula-tiny", None, "MB", lambda: 0.0)
    downloads._show_bytes(task, 2_900_000, None)
    assert (task.done, task.total) == (2, None)
    downloads._show_bytes(task, 5_000_001, 5_000_001)
    assert (task.done, task.total) == (5, 6)


def test_unknown_name_lists_the_names(capsys):
    line = fails(capsys, "4mula-huge", code=2)
    assert line == "error: unknown data set '4mula-huge'; expected one of 4mula-tiny, 4mula-small"
    assert not Path("data").exists()


@pytest.mark.parametrize("arguments", [(), ("4mula-tiny", "more"), ("--fast",)])
def test_bad_arguments_list_the_names(capsys, arguments):
    assert fails(capsys, *arguments, code=2).endswith("NAME is one of 4mula-tiny, 4mula-small")


def test_folder_that_cannot_be_made(zenodo, capsys):
    Path("data").write_text("a file")
    assert "cannot make the folder data" in fails(capsys, "4mula-tiny", code=2)
    with pytest.raises(InputError):
        download("4mula-tiny", folder=Path("data/deeper"))
    assert zenodo.requests == []


def test_help_does_not_import_requests():
    code = (
        "import sys; from musicvae_jax.download import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "sys.exit('requests' in sys.modules)"
    )
    helped = python("-c", code)
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "4mula-tiny, 4mula-small" in helped.stdout


def test_command_as_a_user_types_it():
    failed = python("-m", "musicvae_jax.download", "4mula-huge")
    assert failed.returncode == 2
    assert failed.stderr.startswith("error: unknown data set '4mula-huge'")
    assert len(failed.stderr.splitlines()) == 1


def python(*arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
