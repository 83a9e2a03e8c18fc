"""Trainings that are interrupted and resumed, on other devices too."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import numpy as np
import pytest
from sweepmodels import (
    CROP_CONFIG,
    CROP_MODEL,
    ROW_CONFIG,
    ROW_MEMBERS,
    ROW_MODEL,
    Counts,
    assert_trees_close,
    crop_source,
    row_data,
)

from musicvae_jax.config import Member, TrainConfig
from musicvae_jax.errors import InputError, StoppedError
from musicvae_jax.runtime.devices import make_mesh
from musicvae_jax.training import streaming
from musicvae_jax.training.resume import SaveConfig, discard_interrupted, open_interrupted, save_in
from musicvae_jax.training.sweeps import train_members

pytestmark = pytest.mark.usefixtures("default_optimisations")

# Everything is saved, and nothing is left out for coming too soon.
SAVE_ALL = SaveConfig(every=1, kept=2, seconds_between=0.0)


def saving(folder, stop_after=None, notices=None):
    """Saves in a folder; asked for the n-th time whether to stop, says yes."""
    asked = iter(range(10_000))
    return partial(
        save_in,
        folder,
        SAVE_ALL,
        lambda: stop_after is not None and next(asked) + 1 >= stop_after,
        (lambda line: None) if notices is None else notices.append,
    )


def train(folder, devices=1, on_history=None, **options):
    mesh = make_mesh(len(ROW_MEMBERS), devices)
    open_saver = saving(folder, **options)
    return train_members(
        *(ROW_MODEL, ROW_CONFIG, ROW_MEMBERS, row_data(), on_history, mesh, open_saver)
    )


@pytest.fixture(scope="module")
def uninterrupted(default_optimisations):
    mesh = make_mesh(len(ROW_MEMBERS), 1)
    return train_members(ROW_MODEL, ROW_CONFIG, ROW_MEMBERS, row_data(), mesh=mesh)


@pytest.mark.parametrize(
    ("before", "after", "tolerance"), [(1, 1, 0.0), (8, 1, 1e-5), (1, 8, 1e-5)]
)
def test_a_stopped_sweep_resumes_with_the_same_numbers(
    uninterrupted, tmp_path, before, after, tolerance
):
    with pytest.raises(StoppedError, match="the same command"):
        train(tmp_path, devices=before, stop_after=1)
    counts = Counts()
    found = train(tmp_path, devices=after, on_history=counts)
    assert_trees_close(found, uninterrupted, rtol=tolerance, atol=tolerance)
    # Half of the epochs are reported at once, since they are there.
    assert counts.epochs == [(0, 5), (5, 5)]
    assert counts.members == [(0, 4), (0, 4)]
    assert counts.restored == [True, False]


def test_the_history_that_is_reported_again_is_that_of_the_epochs_before(uninterrupted, tmp_path):
    with pytest.raises(StoppedError):
        train(tmp_path, stop_after=1)
    reported = []
    train(tmp_path, on_history=lambda member, epoch, history, _: reported.append(history))
    whole = jax.tree.map(lambda *parts: np.concatenate(parts, axis=1), *reported)
    assert_trees_close(whole, uninterrupted[1])


def test_a_damaged_checkpoint_is_skipped(uninterrupted, tmp_path):
    train(tmp_path)
    for file in (tmp_path / "members_0" / "10").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    notices = []
    assert_trees_close(train(tmp_path, notices=notices), uninterrupted)
    damaged, resumed_from = notices
    assert "10 is damaged and skipped" in damaged
    assert resumed_from.endswith("members_0/5")
    # What replaces it is whole.
    assert_trees_close(train(tmp_path, notices=notices), uninterrupted)
    assert notices[2:] == [resumed_from.removesuffix("5") + "10"]


def test_half_written_checkpoints_do_not_count(uninterrupted, tmp_path):
    with pytest.raises(StoppedError):
        train(tmp_path, stop_after=1)
    step = tmp_path / "members_0" / "5"
    step.rename(step.with_name("10.orbax-checkpoint-tmp"))
    notices = []
    assert_trees_close(train(tmp_path, notices=notices), uninterrupted)
    assert notices == []


@pytest.mark.parametrize("stop_after", [2, 4, 7])
@pytest.mark.slow
def test_training_on_crops_stops_within_an_epoch_and_resumes(tmp_path, stop_after):
    def run(n_devices, **options):
        mesh, member = make_mesh(1, n_devices), Member(1.0, 1e-3, 0)
        with saving(tmp_path, **options)("member_0") as saver:
            return streaming.train_streamed(
                *(CROP_MODEL, CROP_CONFIG, crop_source(), member),
                mesh=mesh,
                saver=saver,
                # A step at a time.
                chunk_bytes=1,
            )

    with pytest.raises(StoppedError):
        run(1, stop_after=stop_after)
    notices = []
    found = run(2, notices=notices)
    assert [notice.rpartition("/")[2] for notice in notices] == [str(stop_after)]
    expected = streaming.train_streamed(
        CROP_MODEL, CROP_CONFIG, crop_source(), Member(1.0, 1e-3, 0)
    )
    assert_trees_close(found, expected, rtol=1e-4, atol=1e-5)


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
        with saving(tmp_path)(f"member_{place}") as saver:
            for step in range(1, n_steps + 1):
                saver.after(step, n_steps, lambda: {"x": np.full(100, place)})

    def read(place):
        with saving(tmp_path)(f"member_{place}") as saver:
            return saver.latest((0, None), {"x": jax.ShapeDtypeStruct((100,), int)})

    with ThreadPoolExecutor(n_members) as pool:
        list(pool.map(save_all, range(n_members), timeout=200))
        for place, (step, found) in enumerate(pool.map(read, range(n_members))):
            assert step == n_steps
            np.testing.assert_array_equal(found["x"], place)


def test_epochs_that_are_saved_follow_the_setting(tmp_path):
    config = SaveConfig(every=10, kept=5, seconds_between=0.0)
    open_saver = partial(save_in, tmp_path, config, lambda: False, print)
    train_config = TrainConfig(epochs=23, batch_size=10)
    train_members(ROW_MODEL, train_config, ROW_MEMBERS[:1], row_data(), open_saver=open_saver)
    steps = sorted(int(step.name) for step in (tmp_path / "members_0").iterdir())
    assert steps == [10, 20, 23]


@pytest.mark.parametrize(("seconds_between", "saved"), [(0.0, [5, 10]), (1e6, [10])])
def test_saves_that_come_too_soon_are_left_out_but_not_the_last(tmp_path, seconds_between, saved):
    config = SaveConfig(seconds_between=seconds_between)
    open_saver = partial(save_in, tmp_path, config, lambda: False, print)
    mesh = make_mesh(len(ROW_MEMBERS), 1)
    train_members(ROW_MODEL, ROW_CONFIG, ROW_MEMBERS, row_data(), mesh=mesh, open_saver=open_saver)
    assert sorted(int(step.name) for step in (tmp_path / "members_0").iterdir()) == saved
