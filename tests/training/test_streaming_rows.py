"""Features that stream from the host train the same model as features on the devices."""

from functools import cache, partial

import jax
import numpy as np
import pytest
from sweepmodels import Counts, assert_trees_close

from musicvae_jax.config import Member, ModelConfig, TrainConfig
from musicvae_jax.errors import StoppedError
from musicvae_jax.runtime.devices import make_mesh
from musicvae_jax.training import Examples, make_model
from musicvae_jax.training.resume import SaveConfig, save_in
from musicvae_jax.training.streaming import RowSource, loop, train_streamed_members
from musicvae_jax.training.sweeps import train_members

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("default_optimisations")]

N_SONGS, N_FEATURES = 40, 12
# 27 songs in batches of 8: three full ones and one of 3.
CONFIG = TrainConfig(epochs=4, batch_size=8)
MEMBERS = (Member(1.0, 1e-3, 4), Member(4.0, 1e-2, 9))
# Songs on each side are neither neighbours nor in order.
TRAIN, HELDOUT = np.split(np.random.default_rng(5).permutation(N_SONGS)[:36], [27])


@cache
def source(kind):
    """Some features of some songs are missing, as of songs without lyrics."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N_SONGS, N_FEATURES)).astype(np.float32)
    mask = np.ones_like(x)
    mask[::3, 8:] = 0
    condition = np.eye(3, dtype=np.float32)[np.arange(N_SONGS) % 3] if kind == "cvae" else None
    return RowSource(Examples(x * mask, condition, mask), TRAIN, HELDOUT)


def model(kind):
    config = ModelConfig(kind="ae" if kind == "ae" else "vae", hidden=(16,), latent=4)
    return make_model(config, (N_FEATURES,))


@cache
def on_devices(kind, members=MEMBERS):
    data = source(kind).data()
    return train_members(model(kind), CONFIG, members, data, mesh=make_mesh(len(members), 1))


def streamed(kind, members=MEMBERS, n_devices=1, steps_per_chunk=2, **options):
    return train_streamed_members(
        model(kind),
        CONFIG,
        options.pop("source", source(kind)),
        members,
        mesh=make_mesh(len(members), n_devices),
        chunk_bytes=steps_per_chunk * CONFIG.batch_size * source(kind).example_bytes,
        **options,
    )


def assert_same(found, expected):
    assert_trees_close(found, expected, rtol=1e-5, atol=1e-5)


class InBlocks(RowSource):
    """Few rows at once, so that there are several blocks."""

    n_at_once = 5


@pytest.mark.parametrize(("kind", "steps_per_chunk"), [("ae", 100), ("vae", 1), ("cvae", 2)])
def test_streaming_changes_no_numbers(kind, steps_per_chunk):
    assert_same(streamed(kind, steps_per_chunk=steps_per_chunk), on_devices(kind))


def test_devices_that_share_batches_change_no_numbers():
    assert make_mesh(len(MEMBERS), 4).devices.shape == (2, 2)
    assert_same(streamed("cvae", n_devices=4), on_devices("cvae"))


def test_the_size_of_a_block_does_not_change_the_history():
    in_blocks = InBlocks(*source("cvae"))
    assert_same(streamed("cvae", source=in_blocks), on_devices("cvae"))


def test_features_may_be_memory_mapped(tmp_path):
    in_memory = source("cvae")
    parts = []
    for name, part in in_memory.examples._asdict().items():
        np.save(tmp_path / f"{name}.npy", part)
        parts.append(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
    mapped = in_memory._replace(examples=Examples(*parts))
    assert_same(streamed("cvae", source=mapped), on_devices("cvae"))


def test_members_share_one_compilation():
    streamed("cvae")
    before = loop._run_steps._cache_size()
    streamed("cvae", members=[Member(2.0, 1e-4, 7)])
    assert loop._run_steps._cache_size() == before


def test_a_training_that_diverges_ends_as_on_the_devices():
    members = (Member(1.0, 1e18, 0), MEMBERS[1])
    finite, expected = (
        np.isfinite(train("cvae", members)[1].train.negative_elbo)
        for train in (streamed, on_devices)
    )
    assert not finite[0].all()
    np.testing.assert_array_equal(finite, expected)


def test_the_same_training_gives_the_same_numbers():
    assert_trees_close(streamed("cvae", n_devices=2), streamed("cvae", n_devices=2))


@pytest.mark.parametrize(("stop_after", "devices_after"), [(3, 1), (6, 4)])
def test_a_stopped_training_resumes_with_the_same_numbers(tmp_path, stop_after, devices_after):
    """The first of two members is stopped within an epoch, or at its end."""
    asked = []

    def stops():
        asked.append(1)
        return len(asked) >= stop_after

    def run(should_stop, **options):
        config = SaveConfig(every=1, kept=2, seconds_between=0.0)
        open_saver = partial(save_in, tmp_path, config, should_stop, print)
        return streamed("cvae", open_saver=open_saver, **options)

    with pytest.raises(StoppedError):
        run(stops)
    counts = Counts()
    found = run(lambda: False, n_devices=devices_after, on_history=counts)
    assert_same(found, on_devices("cvae"))
    # What was there is reported at once.
    assert max(n for _, n in counts.epochs) == stop_after // 2
    assert counts.total == len(MEMBERS) * CONFIG.epochs
    assert 1 <= counts.restored.count(True) <= len(MEMBERS)


def test_bytes_are_those_of_both_sides():
    bytes_each = 4 * (N_FEATURES + 3 + N_FEATURES)
    assert source("cvae").n_bytes == (27 + 9) * bytes_each
    data = source("cvae").data()
    assert source("cvae").n_bytes == sum(leaf.nbytes for leaf in jax.tree.leaves(data))


def test_another_default_of_jaxs_generators_changes_nothing(other_generators):
    expected = streamed("vae")
    other_generators()
    assert_trees_close(streamed("vae"), expected)
