from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sweepmodels import ROW_CONFIG, ROW_MEMBERS, ROW_MODEL, row_data

from musicvae_jax.training import EpochReports, History, Losses
from musicvae_jax.training.sweeps import train_members

N_MEMBERS, N_EPOCHS = 3, 4
# The place of a number tells what it is of: kind, member, epoch.
NUMBERS = np.arange(7 * N_MEMBERS * N_EPOCHS, dtype=np.float32).reshape(7, N_MEMBERS, N_EPOCHS)
NAMES = (
    *("train_reconstruction_nats", "train_kl_nats", "train_negative_elbo_nats"),
    *("heldout_reconstruction_nats", "heldout_kl_nats", "heldout_negative_elbo_nats"),
    "active_units",
)


def part(members, epochs):
    """Slices of the history."""
    train, heldout = (Losses(*numbers[:, members, epochs]) for numbers in np.split(NUMBERS[:6], 2))
    return History(train, heldout, NUMBERS[6, members, epochs].astype(np.int32))


def reports():
    found = []
    to = EpochReports(ROW_MODEL, N_MEMBERS, N_EPOCHS, lambda *report: found.append(report))
    return to, found


def assert_all_epochs_once_and_in_order(found):
    assert [epoch for epoch, _ in found] == list(range(N_EPOCHS))
    for epoch, metrics in found:
        assert tuple(metrics) == NAMES
        for numbers, values in zip(NUMBERS, metrics.values(), strict=True):
            np.testing.assert_array_equal(values, numbers[:, epoch])


def test_members_side_by_side_are_reported_as_they_come():
    to, found = reports()
    to(0, 0, part(slice(None), slice(0, 3)))
    assert [epoch for epoch, _ in found] == [0, 1, 2]
    to(0, 3, part(slice(None), slice(3, 4)))
    assert_all_epochs_once_and_in_order(found)


def test_members_one_after_the_other_are_reported_with_the_last():
    to, found = reports()
    for member in range(N_MEMBERS):
        assert found == []
        to(member, 0, part(slice(member, member + 1), slice(0, 2)))
    assert [epoch for epoch, _ in found] == [0, 1]
    for member in range(N_MEMBERS):
        to(member, 2, part(slice(member, member + 1), slice(2, 4)))
    assert_all_epochs_once_and_in_order(found)


def test_members_in_threads_are_reported_once_and_in_order():
    to, found = reports()

    def train(member):
        for epoch in range(N_EPOCHS):
            to(member, epoch, part(slice(member, member + 1), slice(epoch, epoch + 1)))

    with ThreadPoolExecutor(N_MEMBERS) as pool:
        list(pool.map(train, range(N_MEMBERS)))
    assert_all_epochs_once_and_in_order(found)


def test_what_is_reported_may_be_kept_and_changed():
    to, found = reports()
    to(0, 0, part(slice(None), slice(0, 1)))
    found[0][1]["train_kl_nats"][:] = -1
    to(0, 1, part(slice(None), slice(1, 2)))
    np.testing.assert_array_equal(found[1][1]["train_kl_nats"], NUMBERS[1, :, 1])


@pytest.mark.slow
def test_an_error_of_the_caller_ends_the_training():
    def stop(epoch, metrics):
        raise KeyError(epoch)

    report = EpochReports(ROW_MODEL, len(ROW_MEMBERS), ROW_CONFIG.epochs, stop)
    with pytest.raises(KeyError, match="0"):
        train_members(ROW_MODEL, ROW_CONFIG, ROW_MEMBERS, row_data(), report)


def test_a_sweep_reports_the_epochs_of_its_history():
    found = []
    report = EpochReports(
        ROW_MODEL, len(ROW_MEMBERS), ROW_CONFIG.epochs, lambda *report: found.append(report)
    )
    _, history = train_members(ROW_MODEL, ROW_CONFIG, ROW_MEMBERS, row_data(), report)
    assert [epoch for epoch, _ in found] == list(range(ROW_CONFIG.epochs))
    for name, values in history.by_name().items():
        reported = np.stack([metrics[name] for _, metrics in found], axis=1)
        np.testing.assert_array_equal(reported, values)
