"""Isolated calls: whatever one does, the others get their results."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from isolatedcalls import do

from musicvae_jax.runtime.isolated import Call, isolated_calls

_MOST_BYTES = 1 << 30


def outcomes(*calls, seconds=20.0, n_processes=2):
    asked = [Call(arguments, seconds) for arguments in calls]
    found = dict(isolated_calls(do, asked, n_processes, _MOST_BYTES))
    return [found[place] for place in range(len(calls))]


def test_values_come_back_with_the_place_of_their_call():
    found = outcomes(*(("double", number) for number in range(10)))
    assert [one.value for one in found] == [2 * number for number in range(10)]
    assert not any(one.error for one in found)


def test_without_calls_nothing_starts():
    assert outcomes() == []


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (("fail", "no way"), "ValueError: no way"),
        (("fail", "two\nlines"), "ValueError: two"),
        (("leave", 3), "ended its process with exit code 3"),
        (("crash", signal.SIGSEGV), "crashed (SIGSEGV)"),
        (("crash", signal.SIGKILL), "crashed (SIGKILL)"),
        (("fill", 2 << 30), "MemoryError()"),
    ],
)
@pytest.mark.parametrize("n_processes", [1, 2])
def test_a_call_that_fails_costs_itself_only(bad, error, n_processes):
    found = outcomes(("double", 1), bad, ("double", 2), ("double", 3), n_processes=n_processes)
    assert [one.value for one in found] == [2, None, 4, 6]
    assert [one.error for one in found] == ["", error, "", ""]


def test_a_call_that_hangs_is_ended_after_its_time():
    start = time.monotonic()
    found = outcomes(("hang",), ("double", 2), ("double", 3), seconds=1.0, n_processes=1)
    assert [one.error for one in found] == ["took longer than 1 s", "", ""]
    assert time.monotonic() - start < 20


def test_what_a_call_prints_does_not_get_between_the_replies(capfd):
    found = outcomes(("chatter",), ("double", 2), n_processes=1)
    assert [one.value for one in found] == ["done", 4]
    assert capfd.readouterr() == ("", "")


def test_a_process_is_used_again_unless_it_died():
    ids = outcomes(*[("process_id",)] * 2, ("leave", 1), ("process_id",), n_processes=1)
    assert ids[0].value == ids[1].value != ids[3].value
    assert ids[0].value != os.getpid()


def test_processes_import_nothing_heavy():
    for module in ("jax", "pandas", "numpy"):
        assert outcomes(("is_imported", module))[0].value is False


def test_closing_kills_the_processes():
    calls = [Call(("process_id",), 60.0), Call(("hang",), 60.0), Call(("hang",), 60.0)]
    running = isolated_calls(do, calls, 1, _MOST_BYTES)
    _, outcome = next(running)
    start = time.monotonic()
    running.close()
    assert time.monotonic() - start < 10
    with pytest.raises(ProcessLookupError):
        os.kill(outcome.value, 0)


def test_processes_end_with_the_one_that_started_them():
    program = (
        "from isolatedcalls import do\n"
        "from musicvae_jax.runtime.isolated import Call, isolated_calls\n"
        "calls = [Call(('process_id',), 3.0), Call(('hang',), 3.0)]\n"
        "print(next(isolated_calls(do, calls, 1, 1 << 30))[1].value, flush=True)\n"
        "import os; os.kill(os.getpid(), 9)"
    )
    path = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    worker = int(done.stdout)
    deadline = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{worker}").exists()


def test_a_script_without_a_main_guard_is_not_run_again(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from isolatedcalls import do\n"
        "from musicvae_jax.runtime.isolated import Call, isolated_calls\n"
        "print('ran')\n"
        "calls = [Call(('double', 4), 9.0)]\n"
        "print([one.value for _, one in isolated_calls(do, calls, 2, 1 << 30)])"
    )
    path = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
        check=True,
    )
    assert done.stdout == "ran\n[8]\n"
