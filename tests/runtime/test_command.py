"""How commands end."""

import os
import subprocess
import sys

import pytest

from musicvae_jax.errors import EXIT_FAILED, EXIT_UNREAD

COMMAND = """
import sys
from musicvae_jax.runtime.command import run_command

def work(arguments, notices_only):
    {work}

sys.exit(run_command([], work))
"""
PRINTS = "print('a result')"


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_ends_early_is_no_error(unread, unbuffered):
    ended = subprocess.run(
        [sys.executable, "-c", COMMAND.format(work=PRINTS)],
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        stdout=unread,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (EXIT_UNREAD, "")


def test_another_pipe_that_breaks_is_an_error():
    work = "raise BrokenPipeError('a worker is gone')"
    command = [sys.executable, "-c", COMMAND.format(work=work)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (EXIT_FAILED, "error: a worker is gone\n")


@pytest.mark.parametrize(("signal", "code"), [("SIGINT", 130), ("SIGTERM", 75)])
def test_what_fails_while_it_is_stopped_is_stopped(signal, code):
    """As a library's clean-up does when a second signal ends it."""
    work = f"""import os, signal
    try:
        os.kill(os.getpid(), signal.{signal})
    except KeyboardInterrupt:
        raise RuntimeError('release unlocked lock')"""
    command = [sys.executable, "-c", COMMAND.format(work=work)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    message = "error: interrupted\n" if signal == "SIGINT" else "error: stopped\n"
    assert (ended.returncode, ended.stderr) == (code, message)


def test_standard_output_may_be_closed():
    command = f'"{sys.executable}" -c "$WORK" >&-'
    environment = os.environ | {"WORK": COMMAND.format(work=PRINTS)}
    ended = subprocess.run(
        command, shell=True, env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
