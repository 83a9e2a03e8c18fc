import logging
import threading
from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sweepmodels import (
    CROP_CONFIG,
    CROP_HELDOUT,
    CROP_LENGTHS,
    CROP_MODEL,
    CROP_TRAIN,
    Counts,
    assert_trees_close,
    crop_source,
)

from musicvae_jax.config import Member
from musicvae_jax.features.crops import fixed_crops
from musicvae_jax.runtime.devices import make_mesh
from musicvae_jax.training import DivergenceError, check_finite, streaming
from musicvae_jax.training.streaming import crop_source as crops_module
from musicvae_jax.training.streaming import loop

pytestmark = pytest.mark.usefixtures("default_optimisations")

BATCH_BYTES = 4 * 128 * 128 * 2


class InBlocks(streaming.CropSource):
    """Few crops at once, so that there are several blocks."""

    n_at_once = 4


def run(config=CROP_CONFIG, seed=0, beta=1.0, **options):
    member = Member(beta, config.learning_rate[0], seed)
    return streaming.train_streamed(CROP_MODEL, config, crop_source(), member, **options)


@cache
def trained():
    return run()


@pytest.mark.parametrize("steps_per_chunk", [1, 3])
@pytest.mark.slow
def test_the_size_of_a_chunk_does_not_change_the_numbers(steps_per_chunk):
    found = run(chunk_bytes=steps_per_chunk * BATCH_BYTES)
    # Other shapes are compiled apart, and may round apart.
    assert_trees_close(found, trained(), rtol=1e-4, atol=1e-5)


def test_the_same_key_gives_the_same_numbers_and_another_does_not():
    assert_trees_close(run(), trained())
    assert np.all(run(seed=1)[1].train.negative_elbo != trained()[1].train.negative_elbo)


def test_chunks_epochs_and_members_share_one_compilation(caplog):
    loop._run_steps.clear_cache()
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        for seed, beta in ((3, 4.0), (5, 1.0)):
            run(seed=seed, beta=beta, chunk_bytes=2 * BATCH_BYTES)
    compiled = [line for line in caplog.messages if line.startswith("Finished XLA compilation")]
    assert sum("_run_steps" in line for line in compiled) == 1


@pytest.mark.parametrize("n_devices", [1, 2])
@pytest.mark.slow
def test_members_are_single_runs_in_their_order(n_devices):
    members = [Member(1.0, 1e-3, 1), Member(4.0, 1e-3, 1), Member(1.0, 1e-3, 0)]
    counts = Counts()
    mesh = make_mesh(len(members), n_devices)
    found = streaming.train_streamed_members(
        CROP_MODEL, CROP_CONFIG, crop_source(), members, counts, mesh
    )
    assert_trees_close(jax.tree.map(lambda leaf: leaf[2], found), trained())
    assert_trees_close(jax.tree.map(lambda leaf: leaf[1], found), run(seed=1, beta=4.0))
    assert counts.total == 3 * CROP_CONFIG.epochs
    assert sorted(set(counts.members)) == [(0, 1), (1, 1), (2, 1)]


@pytest.mark.slow
def test_an_error_does_not_wait_for_the_other_members(monkeypatch):
    """The second of two members that train side by side fails in its first epoch."""
    calls, started = [], threading.Barrier(2, timeout=60)

    def fail_in_one(first_member, first_epoch, history, is_restored):
        calls.append(first_epoch)
        if len(calls) <= 2 and started.wait() == 0:
            raise KeyboardInterrupt

    members = [Member(1.0, 1e-3, seed) for seed in range(5)]
    config = replace(CROP_CONFIG, epochs=2000)
    with pytest.raises(KeyboardInterrupt):
        streaming.train_streamed_members(CROP_MODEL, config, crop_source(), members, fail_in_one)
    # Alone, each of the others would have reported 2,000 times.
    assert len(calls) < 2000


def windows_by_hand(order, positions):
    store, windows = crop_source().store, []
    for crop, position in zip(order, positions, strict=True):
        song = crop // 3
        start = int(position * max(CROP_LENGTHS[song] - 127, 1))
        window = store.song(song)[start : start + 128]
        windows.append(np.pad(window, ((0, 128 - len(window)), (0, 0)), constant_values=-80))
    return np.stack(windows).astype(np.float32)


@pytest.mark.parametrize(
    ("options", "weights"),
    [({}, (1, 1, 1)), ({"kl_warmup": "linear", "free_bits": 0.1}, (1 / 3, 1, 1))],
)
def test_streamed_training_is_a_plain_python_loop(options, weights):
    """The same training as anyone would write it: one batch after the other, no padding."""
    config = replace(CROP_CONFIG, **options)
    init_key, order_key, noise_key, _ = jax.random.split(jax.random.key(0), 4)
    scaler, optimiser = crop_source().scaler, optax.adam(1e-3)
    ids = np.concatenate([3 * song + np.arange(3) for song in CROP_TRAIN])
    params = CROP_MODEL.init(init_key, jnp.zeros((1, 128, 128)), jnp.zeros((1, 2)))
    opt_state, epoch_losses = optimiser.init(params), []

    def loss(params, x, noise, weight):
        out = CROP_MODEL.apply(params, x, noise)
        mean, log_var = out.posterior
        kl = jnp.mean(0.5 * (jnp.exp(log_var) + mean**2 - 1 - log_var), axis=0)
        error = jnp.mean(jnp.sum((x - out.reconstruction) ** 2, axis=(1, 2)))
        cost = jnp.sum(jnp.maximum(kl, config.free_bits))
        return error + weight * 2.0 * cost, error + 2.0 * jnp.sum(kl)

    gradient_of = jax.jit(jax.value_and_grad(loss, has_aux=True))
    for epoch in range(3):
        order, positions = crops_module._visits(jax.random.fold_in(order_key, epoch), ids)
        order, positions = np.asarray(order), np.asarray(positions)
        assert sorted(order) == sorted(ids)
        total = 0.0
        for part in (slice(0, 4), slice(4, 8), slice(8, 12), slice(12, 15)):
            x = (windows_by_hand(order[part], positions[part]) - scaler.mean) / scaler.scale
            epoch_key = jax.random.fold_in(noise_key, epoch)
            noise = jnp.stack(
                [jax.random.normal(jax.random.fold_in(epoch_key, i), (2,)) for i in order[part]]
            )
            (_, value), gradient = gradient_of(params, x.swapaxes(1, 2), noise, weights[epoch])
            updates, opt_state = optimiser.update(gradient, opt_state)
            params = optax.apply_updates(params, updates)
            total += value * len(order[part])
        epoch_losses.append(total / 15)
    state, history = run(config, beta=2.0)
    np.testing.assert_allclose(history.train.negative_elbo, epoch_losses, rtol=1e-5)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4), state.params, params
    )


def test_places_are_uniform_and_belong_to_the_crop_not_to_the_other_crops():
    key, ids = jax.random.key(1), np.arange(2000)
    order, places = map(np.asarray, crops_module._visits(key, ids))
    assert 0 <= places.min() < 0.01 < 0.99 < places.max() < 1
    some_order, some_places = map(np.asarray, crops_module._visits(key, ids[500:510]))
    assert set(some_order) == set(range(500, 510))
    by_crop = dict(zip(order, places, strict=True))
    assert [by_crop[crop] for crop in some_order] == some_places.tolist()


def test_the_history_is_of_fixed_crops_with_the_last_parameters():
    state, history = trained()
    scaler, store = crop_source().scaler, crop_source().store
    crops = fixed_crops(store, CROP_HELDOUT, 128, crops_module.HISTORY_CROPS).reshape(-1, 128, 128)
    x = (crops - scaler.mean[:, None]) / scaler.scale[:, None]
    heldout_key = jax.random.fold_in(jax.random.split(jax.random.key(0), 4)[3], 2)
    noise = jnp.stack(
        [jax.random.normal(jax.random.fold_in(heldout_key, i), (2,)) for i in range(len(x))]
    )
    output = CROP_MODEL.apply(state.params, x, noise)
    expected = np.sum((x - output.reconstruction) ** 2, axis=(1, 2)).mean()
    np.testing.assert_allclose(history.heldout.reconstruction[-1], expected, rtol=1e-5)
    latents = streaming.latents(CROP_MODEL, state.params, crop_source(), CROP_TRAIN)
    assert history.active_units[-1] == (latents.var(axis=0) > 0.01).sum()
    for side in (history.train, history.heldout):
        np.testing.assert_allclose(side.negative_elbo, side.reconstruction + side.kl, rtol=1e-5)
        assert side.kl.shape == (3,)


def test_the_loss_falls_on_both_sides():
    _, history = run(replace(CROP_CONFIG, epochs=40, learning_rate=(1e-2,)))
    for side in (history.train, history.heldout):
        assert side.negative_elbo[-1] < 0.8 * side.negative_elbo[0]


def test_divergence_stops_training_and_is_reported():
    reported = []
    config = replace(CROP_CONFIG, epochs=6, learning_rate=(1e18,))
    _, history = run(config, on_history=lambda epoch, part, _: reported.append((epoch, part)))
    first_bad = np.argmin(np.isfinite(history.train.negative_elbo))
    assert not np.isfinite(history.train.negative_elbo[first_bad])
    assert np.all(np.isnan(history.train.kl[first_bad + 1 :]))
    whole = jax.tree.map(lambda *parts: np.concatenate(parts, 1)[0], *(p for _, p in reported))
    # The epochs that were skipped are reported too.
    assert_trees_close(whole, history)
    assert len(history.train.kl) == 6
    with pytest.raises(DivergenceError, match="seed 7, epoch"):
        check_finite(jax.tree.map(lambda leaf: leaf[None], history), [Member(1.0, 1e18, 7)])


def test_a_batch_larger_than_the_data_is_the_data():
    assert_trees_close(
        run(replace(CROP_CONFIG, batch_size=64)), run(replace(CROP_CONFIG, batch_size=15))
    )


def test_latents_are_means_over_crops_whatever_the_block_size():
    state, scaler = trained()[0], crop_source().scaler
    songs = np.array([6, 2, 0])
    crops = fixed_crops(crop_source().store, songs, 128, 2)
    x = (crops - scaler.mean[:, None]) / scaler.scale[:, None]
    expected = CROP_MODEL.apply(state.params, x, method="encode").mean.mean(axis=1)
    found, again, in_blocks = (
        streaming.latents(CROP_MODEL, state.params, source, songs)
        for source in (crop_source(), crop_source(), InBlocks(*crop_source()))
    )
    assert found.shape == (3, 2)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(again, found)
    np.testing.assert_allclose(in_blocks, found, atol=1e-5)
