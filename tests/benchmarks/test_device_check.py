"""The parts of benchmarks/device_check.py and of the scripts that it runs which need no device."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import compile_time
import device_agreement
import device_check
import device_commands
import train_speed

from musicvae_jax.config import Member
from musicvae_jax.registry import EXPERIMENTS


@pytest.fixture
def run_part(tmp_path):
    """Runs Python code as a part; returns how it ended and what was logged."""

    def run(code, seconds=60.0):
        log = tmp_path / "part.txt"
        how = device_check.run_part([sys.executable, "-uc", code], {}, seconds, log)
        return how, log.read_text()

    return run


def test_a_part_says_how_it_ended(run_part, capsys):
    assert run_part("print('fine')") == ("ok", "fine\n")
    how, logged = run_part("import sys; print('so far'); sys.exit('off')")
    assert how == "failed"
    assert logged == "so far\noff\n"
    assert capsys.readouterr().out == "fine\nso far\noff\n"


def test_a_slow_part_is_stopped_with_what_it_started_and_keeps_its_lines(run_part):
    # Its child holds the same pipe, so that reading ends only when both are gone.
    code = (
        "import subprocess, sys; print('so far'); "
        "subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    )
    assert run_part(code, seconds=3.0) == ("stopped", "so far\n")


def test_a_part_without_its_packages_is_skipped(tmp_path, monkeypatch, capsys):
    part = device_check.PARTS["commands"]._replace(needs=("json", "no_such_package"))
    monkeypatch.setitem(device_check.PARTS, "commands", part)
    device = device_check.Device("cpu", "8", "0", "cpu")
    found = device_check.check("commands", device, {}, 1.0, tmp_path)
    assert found == ("commands", "skipped", 0.0)
    assert "skipped: no_such_package not installed" in capsys.readouterr().out


def test_all_parts_end_within_eight_minutes():
    assert sum(part.seconds for part in device_check.PARTS.values()) <= 8 * 60


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_takes_the_options_of_its_command(name):
    options = device_commands.options_of(name, Path("songs.parquet"), 3)
    assert ("--train.epochs" in options) == EXPERIMENTS[name].experiment.model.traits.trained
    assert ("--model.architecture" in options) == (
        EXPERIMENTS[name].experiment.model.kind == "conv_vae"
    )


def results(folder, losses, latents):
    folder.mkdir()
    frame = pd.DataFrame({"epoch": range(len(losses)), "train_kl_nats": losses})
    frame.to_csv(folder / "history.csv", index=False)
    points = pd.DataFrame({"music_id": ["a", "b"], "latent_0": latents})
    points.to_parquet(folder / "latents.parquet")
    return folder


def test_distance_of_results_is_relative_to_the_cpu(tmp_path):
    here = results(tmp_path / "here", [1.0, 2.2], [-1.0, 1.5])
    cpu = results(tmp_path / "cpu", [1.0, 2.0], [-1.0, 1.0])
    assert device_commands.distances(here, cpu) == pytest.approx((0.1, 0.5))
    assert device_commands.distances(cpu, cpu) == (0.0, 0.0)


def test_a_song_that_one_side_lacks_is_no_agreement(tmp_path):
    here = results(tmp_path / "here", [1.0, 2.0], [-1.0, np.nan])
    cpu = results(tmp_path / "cpu", [1.0, 2.0], [-1.0, 1.0])
    for both in ((here, cpu), (cpu, here)):
        assert device_commands.distances(*both) == (0.0, np.inf)


def test_losses_that_no_side_has_are_left_out(tmp_path):
    untrained = [results(tmp_path / name, [], [-1.0, 1.0]) for name in ("here", "cpu")]
    assert device_commands.distances(*untrained) == (0.0, 0.0)
    without_kl, with_kl = (
        results(tmp_path / name, losses, [-1.0, 1.0])
        for name, losses in (("without", [np.nan, 2.0]), ("with", [1.0, 2.0]))
    )
    assert device_commands.distances(without_kl, without_kl) == (0.0, 0.0)
    assert device_commands.distances(without_kl, with_kl) == (np.inf, 0.0)


def test_rounded_weights_are_off_by_their_last_bit():
    case = device_agreement.make_cases(40)[0]
    model = device_agreement.make_model(case.config, case.shape)
    found = [
        device_agreement.rounded_params(case, model, draw, [Member(1.0, 1e-3, 0)])
        for draw in (1, 2)
    ]
    one, other = (found[draw]["params"]["encoder"]["Dense_0"]["kernel"] for draw in (0, 1))
    assert one.dtype == np.float32
    assert (one != other).any()
    # At most a bit up in one draw and a bit down in the other.
    assert (np.abs(one - other) <= 2.001 * np.spacing(np.abs(one))).all()


def test_nan_is_no_agreement():
    one = device_agreement.Agreement("vae", "default", 0, 0.0, float("nan"), (0.0, 0.0))
    assert not one.is_within
    assert one._replace(latent=0.01).is_within
    assert not one._replace(latent=0.01, precision="highest", loss=0.01).is_within


def test_every_architecture_is_compared():
    cases = device_agreement.make_cases(40)
    assert {case.config.kind for case in cases} == {
        *("vae", "ae", "mvae", "mopoe", "mvtcae", "conv_vae")
    }
    assert len({case.name for case in cases}) == len(cases)
    assert all(len(case.data.heldout.x) > 0 for case in cases)


def test_operations_are_counted_without_bookkeeping():
    text = """
ENTRY %main {
  %p.1 = f32[2]{0} parameter(0)
  %dot.3 = (f32[2,2]{1,0}, s8[4]{0}) custom-call(%p.1, %p.1), custom_call_target="gemm"
  ROOT %fusion = f32[2]{0} fusion(%p.1), kind=kLoop, calls=%fused, metadata={op_name="jit(f)/add"}
}"""
    assert compile_time.operations(text) == Counter({"custom-call": 1, "fusion": 1})


def peer(training, name, run=lambda _: [0.0], **options):
    return train_speed.Peer(training, name, run, **options)


def test_peers_take_turns_and_the_first_call_of_compiling_ones_is_apart(capsys):
    turns = []

    def run(name):
        return lambda turn: turns.append((name, turn)) or [10.0 + turn]

    peers = [
        peer("one VAE", "ours", run("ours"), compiles=True),
        peer("one VAE", "theirs", run("theirs"), times=10.0),
    ]
    ours, theirs = train_speed.take_turns(peers, 2, float("inf"))
    assert turns == [("ours", 0), ("ours", 1), ("theirs", 1), ("ours", 2), ("theirs", 2)]
    assert (len(ours.warm), ours.losses, theirs.losses) == (2, [11.0, 12.0], [11.0, 12.0])
    assert ours.first >= 0
    assert np.isnan(theirs.first)
    assert "one VAE, theirs, turn 2" in capsys.readouterr().out


def test_after_the_deadline_no_round_begins_and_a_failing_peer_is_left_out(capsys):
    def fail(_):
        raise RuntimeError("no memory")

    peers = [peer("one VAE", "ours"), peer("one VAE", "graph", fail)]
    found = train_speed.take_turns(peers, 5, 0.0)
    assert [len(timing.warm) for timing in found] == [1, 0]
    assert "one VAE, graph: failed: no memory" in capsys.readouterr().out
    assert [row.name for row in train_speed.rows_of(peers, found, [])] == ["ours"]


def test_table_multiplies_up_what_trains_one_after_another():
    peers = [
        peer("one VAE", train_speed.MEMORY),
        peer("sweep of 8", "ours", compiles=True),
        peer("one VAE", "ours", compiles=True),
    ]
    timings = [
        train_speed.Timing(float("nan"), [3.0, 5.0, 4.0], []),
        train_speed.Timing(9.0, [2.0], []),
        train_speed.Timing(7.0, [1.0], []),
    ]
    table = train_speed.markdown(train_speed.rows_of(peers, timings, [8]))
    assert table.splitlines()[2:] == [
        "| one VAE: ours | 1.00 (7.0) |  |",
        f"| one VAE: {train_speed.MEMORY} | 4.00 | 4.00 |",
        "| sweep of 8: ours | 2.00 (9.0) |  |",
        f"| sweep of 8: {train_speed.MEMORY}, one after another | 32.00 | 16.00 |",
    ]


def test_sweeps_are_the_betas_times_seeds():
    assert train_speed.sweep(1) == [(1.0, 0)]
    assert len(set(train_speed.sweep(256))) == 256
    assert train_speed.sweep(32)[:2] == [(1.0, 0), (1.0, 1)]


def test_all_parts_run_unless_some_are_chosen():
    assert device_check._parsed(["--parts", "training"]).parts == ["training"]
    assert device_check._parsed([]).parts == list(device_check.PARTS)


@pytest.mark.parametrize(("set_to", "expected"), [("", ""), ("cuda", "cuda,cpu"), ("cpu", "cpu")])
def test_the_cpu_is_there_to_compare_with(monkeypatch, set_to, expected):
    monkeypatch.setenv("JAX_PLATFORMS", set_to)
    assert device_check.environment_of(is_cpu=False)["JAX_PLATFORMS"] == expected
    assert device_check.environment_of(is_cpu=True)["JAX_NUM_CPU_DEVICES"] == "8"
