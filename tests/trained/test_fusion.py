from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicvae_jax import fusion
from musicvae_jax.errors import InputError
from musicvae_jax.features import Scaler, fit_scaler
from musicvae_jax.fusion import concatenate, input_scaler, model_input
from musicvae_jax.lyrics import LyricsVectors
from musicvae_jax.runtime import cache

N_SONGS, N_AUDIO, N_LYRICS = 40, 12, 3
FOLDER = Path("cache")


@pytest.fixture
def audio():
    return np.random.default_rng(0).normal(3, 5, (N_SONGS, N_AUDIO)).astype(np.float32)


@pytest.fixture
def lyrics():
    """Unit variance, as `fit_transform` leaves them; every third song has none."""
    values = np.random.default_rng(1).normal(size=(N_SONGS, N_LYRICS)).astype(np.float32)
    values /= values.std(axis=0)
    return LyricsVectors(values, np.arange(N_SONGS) % 3 > 0)


@pytest.fixture
def scaler(audio):
    return fit_scaler(audio, [N_AUDIO], 1.0)


def variance(x):
    return float(np.var(x, axis=0, dtype=np.float64).sum())


def test_audio_alone_is_only_standardised(audio, lyrics, scaler):
    x, weight = model_input(audio, None, "audio", input_scaler(scaler, 0, "audio"), FOLDER)
    np.testing.assert_allclose(x, (audio - scaler.mean) / scaler.scale, rtol=1e-6)
    assert weight is None


def test_each_modality_carries_half_of_the_variance(audio, lyrics, scaler):
    everyone = lyrics._replace(known=np.ones(N_SONGS, bool))
    x, weight = model_input(
        audio, everyone, "audio+lyrics", input_scaler(scaler, N_LYRICS, "audio+lyrics"), FOLDER
    )
    assert weight is None
    half = (N_AUDIO + N_LYRICS) / 2
    assert variance(x[:, :N_AUDIO]) == pytest.approx(half, rel=1e-3)
    assert variance(x[:, N_AUDIO:]) == pytest.approx(half, rel=1e-3)


def test_missing_lyrics_weigh_nothing_and_cannot_leak_their_placeholder(audio, lyrics, scaler):
    of_both = input_scaler(scaler, N_LYRICS, "audio+lyrics")
    x, weight = model_input(audio, lyrics, "audio+lyrics", of_both, FOLDER)
    assert np.all(weight[:, :N_AUDIO] == 1)
    np.testing.assert_array_equal(weight[:, N_AUDIO:].any(axis=1), lyrics.known)
    placeholder = np.where(lyrics.known[:, None], lyrics.values, 1e6).astype(np.float32)
    other = lyrics._replace(values=placeholder)
    np.testing.assert_array_equal(x, model_input(audio, other, "audio+lyrics", of_both, FOLDER)[0])


def test_lyrics_alone_leave_audio_out(audio, lyrics, scaler):
    x, weight = model_input(
        audio, lyrics, "lyrics", input_scaler(scaler, N_LYRICS, "lyrics"), FOLDER
    )
    assert x.shape == weight.shape == (N_SONGS, N_LYRICS)
    np.testing.assert_array_equal(x[lyrics.known], lyrics.values[lyrics.known])


@pytest.mark.parametrize("inputs", ["audio", "lyrics", "audio+lyrics"])
def test_an_input_larger_than_memory_is_left_on_disk(audio, lyrics, scaler, inputs, monkeypatch):
    arguments = (audio, lyrics, inputs, input_scaler(scaler, N_LYRICS, inputs), FOLDER)
    expected = model_input(*arguments)
    assert not FOLDER.exists()
    monkeypatch.setattr(cache, "MOST_BYTES_IN_MEMORY", 0)
    monkeypatch.setattr(fusion, "_SONGS_AT_ONCE", 7)
    found = model_input(*arguments)
    for part, whole in zip(found, expected, strict=True):
        assert (part is None) == (whole is None)
        if part is not None:
            assert isinstance(part, np.memmap)
            np.testing.assert_array_equal(part, whole)
    # The files have no name, so nobody has to remove them.
    assert list(FOLDER.iterdir()) == []


def test_a_folder_for_it_that_cannot_be_written_is_named(audio, scaler, monkeypatch):
    monkeypatch.setattr(cache, "MOST_BYTES_IN_MEMORY", 0)
    FOLDER.write_text("")
    with pytest.raises(InputError, match=r"features\.cache_dir: cannot write to cache"):
        model_input(audio, None, "audio", scaler, FOLDER)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.floats(1e-3, 1e3))
def test_no_block_drowns_another(widths, loudness):
    rng = np.random.default_rng(2)
    blocks = [rng.normal(i, 1 + i, (30, width)) for i, width in enumerate(widths)]
    blocks[0] = blocks[0] * loudness
    joined = concatenate(blocks)
    assert joined.dtype == np.float32
    for part in np.split(joined, np.cumsum(widths)[:-1], axis=1):
        assert variance(part) == pytest.approx(1, rel=1e-4)


def test_a_constant_block_adds_nothing():
    joined = concatenate([np.eye(4), np.full((4, 2), 7.0)])
    assert np.all(joined[:, 4:] == 0)
    assert np.isfinite(joined).all()


def test_distances_within_a_block_keep_their_proportions():
    block = np.random.default_rng(3).normal(size=(10, 5))
    scaled = concatenate([block])
    ratio = np.linalg.norm(scaled[1:] - scaled[0], axis=1) / np.linalg.norm(
        block[1:] - block[0], axis=1
    )
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-4)


def test_the_scaler_of_audio_and_lyrics_keeps_the_audio_means(scaler):
    joined = input_scaler(scaler, N_LYRICS, "audio+lyrics")
    assert isinstance(joined, Scaler)
    np.testing.assert_array_equal(joined.mean[:N_AUDIO], scaler.mean)
    np.testing.assert_array_equal(joined.mean[N_AUDIO:], 0)
