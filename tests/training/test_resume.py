"""Trainings that are cut off and gone on with, on other devices too."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import numpy as np
import pytest
import test_devices
import test_streaming
from test_devices import CONFIG, MEMBERS, MODEL

from musicvae_jax.config import Member, TrainConfig
from musicvae_jax.errors import InputError, StoppedError
from musicvae_jax.runtime.devices import make_mesh
from musicvae_jax.training import streaming
from musicvae_jax.training.resume import SaveConfig, discard_interrupted, open_interrupted, save_in
from musicvae_jax.training.sweeps import train_members

data = test_devices.data
# Everything is saved, and nothing is left out for coming too soon.
KEEP = SaveConfig(every=1, kept=2, seconds_between=0.0)


def keeping(folder, stop_after=None, notices=None):
    """Keeps in a folder; asked for the n-th time whether to stop, says yes."""
    asked = iter(range(10_000))
    return partial(
        save_in,
        folder,
        KEEP,
        lambda: stop_after is not None and next(asked) + 1 >= stop_after,
        (lambda line: None) if notices is None else notices.append,
    )


def train(data, folder, devices=1, **options):
    mesh = make_mesh(len(MEMBERS), devices)
    return train_members(
        MODEL, CONFIG, MEMBERS, data, mesh=mesh, keeping=keeping(folder, **options)
    )


def assert_same(found, expected, **tolerance):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **tolerance), found, expected)


@pytest.fixture(scope="module")
def uninterrupted(data):
    return train_members(MODEL, CONFIG, MEMBERS, data, mesh=make_mesh(len(MEMBERS), 1))


@pytest.mark.parametrize(("before", "after"), [(1, 1), (8, 1), (1, 8)])
def test_a_stopped_sweep_goes_on_with_the_same_numbers(
    data, uninterrupted, tmp_path, before, after
):
    with pytest.raises(StoppedError, match="the same command"):
        train(data, tmp_path, devices=before, stop_after=1)
    told = []
    mesh = make_mesh(len(MEMBERS), after)
    found = train_members(MODEL, CONFIG, MEMBERS, data, told.append, mesh, keeping(tmp_path))
    tolerance = {"rtol": 0} if before == after else {"rtol": 1e-5, "atol": 1e-5}
    assert_same(found, uninterrupted, **tolerance)
    # Half of the epochs are told at once, since they are there.
    assert told == [4 * 5, 4 * 5]


def test_a_damaged_checkpoint_is_passed_over(data, uninterrupted, tmp_path):
    train(data, tmp_path)
    for file in (tmp_path / "members_0" / "10").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    notices = []
    assert_same(train(data, tmp_path, notices=notices), uninterrupted, rtol=0)
    damaged, gone_on_with = notices
    assert "10 is damaged and passed over" in damaged
    assert gone_on_with.endswith("members_0/5")
    # What replaces it is whole.
    assert_same(train(data, tmp_path, notices=notices), uninterrupted, rtol=0)
    assert notices[2:] == [gone_on_with.removesuffix("5") + "10"]


def test_half_written_checkpoints_do_not_count(data, uninterrupted, tmp_path):
    with pytest.raises(StoppedError):
        train(data, tmp_path, stop_after=1)
    step = tmp_path / "members_0" / "5"
    step.rename(step.with_name("10.orbax-checkpoint-tmp"))
    assert_same(train(data, tmp_path), uninterrupted, rtol=0)


@pytest.mark.parametrize("stop_after", [2, 4, 7])
def test_training_on_crops_stops_within_an_epoch_and_goes_on(tmp_path, stop_after):
    def run(n_devices, stop_after=None):
        source, config = test_streaming.source(), test_streaming.CONFIG
        with keeping(tmp_path, stop_after)("member_0") as saver:
            return streaming.train_streamed(
                test_streaming.MODEL,
                config,
                source,
                Member(1.0, 1e-3, 0),
                mesh=make_mesh(1, n_devices),
                saver=saver,
                # A step at a time.
                chunk_bytes=1,
            )

    with pytest.raises(StoppedError):
        run(1, stop_after)
    assert_same(run(2), test_streaming.trained(), rtol=1e-4, atol=1e-5)


def test_other_settings_are_refused_by_name(tmp_path):
    folder = tmp_path / "unfinished"
    before = {"train": {"beta": [1.0], "epochs": 9}, "seeds": [0]}
    open_interrupted(folder, before, restart=False)
    (folder / "members_0").mkdir()
    open_interrupted(folder, before, restart=False)
    after = {"train": {"beta": [1.0], "epochs": 8}, "seeds": [0]}
    with pytest.raises(InputError, match=r"train\.epochs: got 8, .* interrupted training with 9"):
        open_interrupted(folder, after, restart=False)
    assert (folder / "members_0").is_dir()
    open_interrupted(folder, after, restart=True)
    assert not (folder / "members_0").exists()


def test_only_a_training_with_these_settings_is_discarded(tmp_path):
    folder, settings = tmp_path / "unfinished", {"train": {"epochs": 9}}
    assert discard_interrupted(folder, settings)
    open_interrupted(folder, settings | {"data_budget_mb": "streamed"}, restart=False)
    assert not discard_interrupted(folder, {"train": {"epochs": 8}})
    assert folder.exists()
    assert discard_interrupted(folder, settings)
    assert not folder.exists()


def test_members_in_threads_save_without_waiting_for_each_other_forever(tmp_path):
    n_members, n_steps = 4, 12

    def save_all(place):
        with keeping(tmp_path)(f"member_{place}") as saver:
            for step in range(1, n_steps + 1):
                saver.after(step, n_steps, lambda: {"x": np.full(100, place)})

    def read(place):
        with keeping(tmp_path)(f"member_{place}") as saver:
            return saver.latest((0, None), {"x": jax.ShapeDtypeStruct((100,), int)})

    with ThreadPoolExecutor(n_members) as pool:
        list(pool.map(save_all, range(n_members), timeout=200))
        for place, (step, found) in enumerate(pool.map(read, range(n_members))):
            assert step == n_steps
            np.testing.assert_array_equal(found["x"], place)


def test_epochs_that_are_kept_follow_the_setting(data, tmp_path):
    keep = SaveConfig(every=10, kept=5, seconds_between=0.0)
    config = TrainConfig(epochs=23, batch_size=10)
    keeps = partial(save_in, tmp_path, keep, lambda: False, print)
    train_members(MODEL, config, MEMBERS[:1], data, keeping=keeps)
    steps = sorted(int(step.name) for step in (tmp_path / "members_0").iterdir())
    assert steps == [10, 20, 23]
