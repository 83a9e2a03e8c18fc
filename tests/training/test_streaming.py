import threading
from dataclasses import replace
from functools import cache

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from musicvae_jax import bridge
from musicvae_jax.config import CropConfig, Member, TrainConfig
from musicvae_jax.features.crops import CropStore, fit_crop_scaler, fixed_crops
from musicvae_jax.models import ConvAutoencoder, Posterior
from musicvae_jax.runtime.devices import make_mesh
from musicvae_jax.training import DivergenceError, check_finite, streaming
from musicvae_jax.training.streaming import crops as crops_module
from musicvae_jax.training.streaming import loop

LENGTHS = np.array([150, 130, 40, 200, 128, 140, 160])
TRAIN, HELDOUT = np.array([0, 2, 3, 5, 6]), np.array([1, 4])
# Three visits of five songs in batches of four: three full ones and one of three.
CROPS = CropConfig(per_song=3, encoded=2)
CONFIG = TrainConfig(epochs=3, batch_size=4, learning_rate=(1e-3,))
BATCH_BYTES = 4 * 128 * 128 * 2


class Tiny(ConvAutoencoder):
    """Of the same methods, but small enough to compile and train in no time."""

    def setup(self):
        self.encoder = nn.Dense(2 * self.latent)
        self.decoder = nn.Dense(self.bands * self.frames)

    def encode(self, x, condition=None):
        pooled = x.reshape(*x.shape[:-2], 16, 8, self.frames).mean(axis=(-2, -1))
        return Posterior(*jnp.split(self.encoder(pooled), 2, axis=-1))

    def decode(self, z, condition=None):
        return self.decoder(z).reshape(*z.shape[:-1], self.bands, self.frames)


MODEL = Tiny(latent=2)


@cache
def source():
    """Songs that hold one chord each: the loudness of bands is all there is to learn."""
    rng = np.random.default_rng(0)
    chords = [rng.uniform(-60, -5, 128) for _ in LENGTHS]
    frames = np.concatenate([np.tile(c, (n, 1)) for c, n in zip(chords, LENGTHS, strict=True)])
    lengths = np.array(LENGTHS)
    starts = np.cumsum(lengths) - lengths
    noisy = np.clip(frames + rng.normal(0, 1, frames.shape), -80, 0).astype(np.float16)
    store = CropStore((noisy,), np.zeros_like(starts), starts, lengths, 80.0)
    return streaming.CropSource(store, TRAIN, HELDOUT, fit_crop_scaler(store, TRAIN), CROPS)


def run(config=CONFIG, seed=0, beta=1.0, **options):
    member = Member(beta, config.learning_rate[0], seed)
    return streaming.train_streamed(MODEL, config, source(), member, **options)


@cache
def trained():
    return run()


def assert_trees_equal(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.mark.parametrize("steps_per_chunk", [1, 3])
def test_the_size_of_a_chunk_does_not_change_the_numbers(steps_per_chunk):
    found = run(chunk_bytes=steps_per_chunk * BATCH_BYTES)
    # Other shapes are compiled apart, and may round apart.
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), found, trained()
    )


def test_the_same_key_gives_the_same_numbers_and_another_does_not():
    assert_trees_equal(run(), trained())
    assert np.all(run(seed=1)[1].train.negative_elbo != trained()[1].train.negative_elbo)


def test_members_share_one_compilation():
    trained()
    before = loop._run_steps._cache_size()
    run(seed=3, beta=4.0)
    assert loop._run_steps._cache_size() == before


@pytest.mark.parametrize("n_devices", [1, 2])
def test_members_are_single_runs_in_their_order(n_devices):
    members = [Member(1.0, 1e-3, 1), Member(4.0, 1e-3, 1), Member(1.0, 1e-3, 0)]
    calls = []
    mesh = make_mesh(len(members), n_devices)
    found = streaming.train_streamed_members(MODEL, CONFIG, source(), members, calls.append, mesh)
    assert_trees_equal(jax.tree.map(lambda leaf: leaf[2], found), trained())
    assert_trees_equal(jax.tree.map(lambda leaf: leaf[1], found), run(seed=1, beta=4.0))
    assert sum(calls) == 3 * CONFIG.epochs


def test_an_error_does_not_wait_for_the_other_members(monkeypatch):
    """The second of two members that train side by side fails in its first epoch."""
    calls, started = [], threading.Barrier(2, timeout=60)

    def fail_in_one(n_epochs):
        calls.append(n_epochs)
        if len(calls) <= 2 and started.wait() == 0:
            raise KeyboardInterrupt

    members = [Member(1.0, 1e-3, seed) for seed in range(5)]
    config = replace(CONFIG, epochs=2000)
    with pytest.raises(KeyboardInterrupt):
        streaming.train_streamed_members(MODEL, config, source(), members, fail_in_one)
    # Alone, each of the others would have been told 2,000 times.
    assert len(calls) < 2000


def windows_by_hand(order, positions):
    store, windows = source().store, []
    for crop, position in zip(order, positions, strict=True):
        song = crop // 3
        start = int(position * max(LENGTHS[song] - 127, 1))
        window = store.song(song)[start : start + 128]
        windows.append(np.pad(window, ((0, 128 - len(window)), (0, 0)), constant_values=-80))
    return np.stack(windows).astype(np.float32)


@pytest.mark.parametrize(
    ("options", "weights"),
    [({}, (1, 1, 1)), ({"kl_warmup": "linear", "free_bits": 0.1}, (1 / 3, 1, 1))],
)
def test_streamed_training_is_a_plain_python_loop(options, weights):
    """The same training as anyone would write it: one batch after the other, no padding."""
    config = replace(CONFIG, **options)
    init_key, order_key, noise_key, _ = jax.random.split(jax.random.key(0), 4)
    scaler, optimiser = source().scaler, optax.adam(1e-3)
    ids = np.concatenate([3 * song + np.arange(3) for song in TRAIN])
    params = MODEL.init(init_key, jnp.zeros((1, 128, 128)), jnp.zeros((1, 2)))
    opt_state, epoch_losses = optimiser.init(params), []

    def loss(params, x, noise, weight):
        out = MODEL.apply(params, x, noise)
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
    scaler, store = source().scaler, source().store
    crops = fixed_crops(store, HELDOUT, 128, streaming.HISTORY_CROPS).reshape(-1, 128, 128)
    x = (crops - scaler.mean[:, None]) / scaler.scale[:, None]
    heldout_key = jax.random.fold_in(jax.random.split(jax.random.key(0), 4)[3], 2)
    noise = jnp.stack(
        [jax.random.normal(jax.random.fold_in(heldout_key, i), (2,)) for i in range(len(x))]
    )
    output = MODEL.apply(state.params, x, noise)
    expected = np.sum((x - output.reconstruction) ** 2, axis=(1, 2)).mean()
    np.testing.assert_allclose(history.heldout.reconstruction[-1], expected, rtol=1e-5)
    latents = bridge.encode_crops(MODEL, state.params, store, TRAIN, CROPS, scaler)
    assert history.active_units[-1] == (latents.var(axis=0) > 0.01).sum()
    for side in (history.train, history.heldout):
        np.testing.assert_allclose(side.negative_elbo, side.reconstruction + side.kl, rtol=1e-5)
        assert side.kl.shape == (3,)


def test_the_loss_falls_on_both_sides():
    _, history = run(replace(CONFIG, epochs=40, learning_rate=(1e-2,)))
    for side in (history.train, history.heldout):
        assert side.negative_elbo[-1] < 0.8 * side.negative_elbo[0]


def test_divergence_stops_training_and_is_told():
    calls = []
    config = replace(CONFIG, epochs=6, learning_rate=(1e18,))
    _, history = run(config, on_epochs=calls.append)
    first_bad = np.argmin(np.isfinite(history.train.negative_elbo))
    assert not np.isfinite(history.train.negative_elbo[first_bad])
    assert np.all(np.isnan(history.train.kl[first_bad + 1 :]))
    assert sum(calls) == len(history.train.kl) == 6
    with pytest.raises(DivergenceError, match="seed 7, epoch"):
        check_finite(jax.tree.map(lambda leaf: leaf[None], history), [Member(1.0, 1e18, 7)])


def test_a_batch_larger_than_the_data_is_the_data():
    assert_trees_equal(run(replace(CONFIG, batch_size=64)), run(replace(CONFIG, batch_size=15)))


def test_latents_are_means_over_crops_whatever_the_block_size(monkeypatch):
    state, scaler = trained()[0], source().scaler
    index = np.array([6, 2, 0])
    crops = fixed_crops(source().store, index, 128, 2)
    x = (crops - scaler.mean[:, None]) / scaler.scale[:, None]
    expected = MODEL.apply(state.params, x, method="encode").mean.mean(axis=1)
    args = (MODEL, state.params, source().store, index, CROPS, scaler)
    found = bridge.encode_crops(*args)
    assert found.shape == (3, 2)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(bridge.encode_crops(*args), found)
    monkeypatch.setattr(crops_module, "_ENCODED_AT_ONCE", 4)
    np.testing.assert_allclose(bridge.encode_crops(*args), found, atol=1e-5)


def test_interpolation_goes_from_one_reconstruction_to_the_other():
    params, scaler = trained()[0].params, source().scaler
    crops = fixed_crops(source().store, HELDOUT, 128, 1)[:, 0]
    ends = bridge.reconstruct(MODEL, params, crops, scaler)
    line = bridge.interpolate(MODEL, params, *crops, 5, scaler)
    assert line.shape == (5, 128, 128)
    np.testing.assert_allclose(line[[0, -1]], ends, atol=1e-3)
    # This decoder is linear, so the middle of the latents is the middle of the crops.
    np.testing.assert_allclose(line[2], ends.mean(axis=0), atol=1e-3)
    x = (crops - scaler.mean[:, None]) / scaler.scale[:, None]
    z = MODEL.apply(params, x, method="encode").mean
    decoded = MODEL.apply(params, z, method="decode")
    expected = decoded * scaler.scale[:, None] + scaler.mean[:, None]
    np.testing.assert_allclose(ends, expected, atol=1e-3)
