"""Two processes on this machine train one run, over JAX's own runtime."""

import socket
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from processes import TESTS, clean_environment
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from musicvae_jax.runtime.lock import only_run

pytestmark = pytest.mark.slow

QUICK = ("--train.epochs", "4", "--cluster.k", "3", "--cluster.methods", "kmeans")


def start(folder, name, song_path, *arguments):
    command = [sys.executable, TESTS / "quickrun.py", name, "--data.path", song_path]
    command += ["--data.heldout-fraction", "0.3", "--output-dir", folder, *QUICK, *arguments]
    return subprocess.Popen(
        [str(part) for part in command],
        env=clean_environment(JAX_NUM_CPU_DEVICES="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(processes, seconds=300):
    """What each has printed, once all have ended; none is left behind where one does not."""
    try:
        return [process.communicate(timeout=seconds) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def free_port():
    with socket.socket() as found:
        found.bind(("localhost", 0))
        return found.getsockname()[1]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("hard_cvae", ("--seeds", "0", "1", "--track", "tensorboard")),
        ("medium_conv_vae", ("--crops.encoded", "2")),
    ],
)
def test_two_processes_train_as_one_and_write_once(tmp_path, song_path, name, options):
    together = f"localhost:{free_port()}"
    both = [
        start(
            tmp_path / "two",
            name,
            song_path,
            *options,
            *("--distributed", "--coordinator", together),
            *("--process-count", "2", "--process-id", str(place)),
        )
        for place in (0, 1)
    ]
    outputs = ended(both)
    assert [process.returncode for process in both] == [0, 0], outputs
    alone = start(tmp_path / "one", name, song_path, *options)
    ended([alone])
    assert alone.returncode == 0
    assert "results:" in outputs[0][0]
    assert "results:" not in outputs[1][0]
    one, two = ({p.name for p in (tmp_path / n).iterdir()} for n in ("one", "two"))
    assert one == two
    tables = [pd.read_parquet(tmp_path / n / "latents.parquet") for n in ("one", "two")]
    latents = [table.filter(like="latent_").to_numpy() for table in tables]
    np.testing.assert_allclose(*latents, rtol=1e-5, atol=1e-5)
    histories = [pd.read_csv(tmp_path / n / "history.csv") for n in ("one", "two")]
    pd.testing.assert_frame_equal(*histories, rtol=1e-5)
    events = [len(list((tmp_path / n).rglob("events*"))) for n in ("one", "two")]
    assert events == ([3, 3] if "--track" in options else [0, 0])
    if "--track" in options:
        written = EventAccumulator(str(tmp_path / "two" / "tensorboard" / "cvae_seed_1")).Reload()
        assert [event.step for event in written.Scalars("kl_nats/train")] == [1, 2, 3, 4]


def test_an_error_of_the_first_process_ends_all(tmp_path, song_path):
    together = f"localhost:{free_port()}"
    with only_run(tmp_path / "two"):
        both = [
            start(
                tmp_path / "two",
                "easy_vae",
                song_path,
                *("--distributed", "--coordinator", together),
                *("--process-count", "2", "--process-id", str(place)),
            )
            for place in (0, 1)
        ]
        errors = [error for _, error in ended(both)]
    assert both[0].returncode == 2
    assert "another run" in errors[0]
    assert both[1].returncode != 0
