from dataclasses import replace

import jax
import numpy as np
import pytest
from songfiles import songs_table, with_column, write

from musicvae_jax import lyrics
from musicvae_jax.bridge import encode, encode_songs
from musicvae_jax.checkpoints import Checkpoint, save_checkpoint
from musicvae_jax.config import (
    CropConfig,
    Experiment,
    FeatureConfig,
    LyricsConfig,
    ModelConfig,
    TrainConfig,
)
from musicvae_jax.errors import InputError
from musicvae_jax.features import extract_features, fit_scaler, one_hot, vocabulary
from musicvae_jax.fusion import input_scaler, model_input
from musicvae_jax.songs import load_songs
from musicvae_jax.training import Examples, History, Losses, init_state, make_model


@pytest.fixture
def songs(song_path):
    return load_songs(song_path)


def saved(tmp_path, songs, condition="none", inputs="audio"):
    """An untrained checkpoint of two betas and two seeds, its states and what it encodes."""
    experiment = Experiment(
        "x",
        features=FeatureConfig(audio=("statistics", "mfcc"), cache_dir=tmp_path / "cache"),
        lyrics=LyricsConfig(runtime="tfidf", components=4),
        model=ModelConfig(hidden=(8,), latent=3, condition=condition, inputs=inputs),
        train=TrainConfig(beta=(1.0, 4.0)),
        seeds=(2, 7),
    )
    features = extract_features(songs, experiment.features)
    table = features.table
    transform = vectors = None
    if inputs != "audio":
        transform, vectors = lyrics.fit_transform(
            table["lyrics"], table["language"], np.arange(24), experiment.lyrics, tmp_path
        )
    scaler = input_scaler(fit_scaler(features.values, features.widths, 1.0), 4, inputs)
    x, _ = model_input(features.values, vectors, inputs, scaler, tmp_path)
    names = () if condition == "none" else vocabulary(table[condition])
    labels = one_hot(table[condition], names, condition) if names else None
    model = make_model(experiment.model, CropConfig(), x.shape[1])
    seeds = np.arange(4, dtype=np.uint32)
    state = jax.vmap(
        lambda seed: init_state(model, jax.random.key(seed), Examples(x, labels), 1e-3)
    )(seeds)
    numbers = np.zeros((4, experiment.train.epochs), np.float32)
    history = History(Losses(*[numbers] * 3), Losses(*[numbers] * 3), numbers.astype(np.int32))
    checkpoint = Checkpoint(
        experiment, state, history, scaler, {condition: names}, transform, "key"
    )
    save_checkpoint(tmp_path / "c", checkpoint)
    return model, state, x, labels


@pytest.mark.parametrize(
    ("condition", "inputs"), [("none", "audio"), ("genre", "audio"), ("none", "audio+lyrics")]
)
def test_latents_are_the_posterior_means_of_the_chosen_member(tmp_path, songs, condition, inputs):
    model, state, x, labels = saved(tmp_path, songs, condition, inputs)
    for member, (beta, seed) in enumerate([(1, 2), (1, 7), (4, 2), (4, 7)]):
        params = jax.tree.map(lambda leaf, m=member: leaf[m], state.params)
        expected = model.apply(params, x, labels, method="encode").mean
        found = encode_songs(tmp_path / "c", songs, seed, beta)
        assert isinstance(found.latents, np.ndarray)
        np.testing.assert_allclose(found.latents, expected, atol=1e-5)
        assert found.table["music_id"].tolist() == songs.table["music_id"].tolist()


def test_the_first_seed_and_beta_are_the_default(tmp_path, songs):
    saved(tmp_path, songs)
    first = encode_songs(tmp_path / "c", songs).latents
    np.testing.assert_array_equal(first, encode_songs(tmp_path / "c", songs, 2, 1.0).latents)
    assert np.any(first != encode_songs(tmp_path / "c", songs, 7).latents)


def test_encoding_draws_nothing_and_does_not_depend_on_the_other_songs(tmp_path, songs):
    saved(tmp_path, songs, inputs="audio+lyrics")
    once = encode_songs(tmp_path / "c", songs).latents
    np.testing.assert_array_equal(once, encode_songs(tmp_path / "c", songs).latents)
    fewer = load_songs(write(tmp_path / "few.parquet", songs_table().slice(5, 7)))
    np.testing.assert_allclose(encode_songs(tmp_path / "c", fewer).latents, once[5:12], atol=1e-4)


def test_songs_without_lyrics_are_encoded_from_their_audio(tmp_path, songs):
    saved(tmp_path, songs, inputs="audio+lyrics")
    silent = with_column(songs_table(), "music_lyrics", [None] * 24)
    found = encode_songs(tmp_path / "c", load_songs(write(tmp_path / "s.parquet", silent)))
    assert np.isfinite(found.latents).all()


def test_unusable_rows_come_back_as_rejected(tmp_path, songs):
    saved(tmp_path, songs)
    ids = [f"id {i}" for i in range(23)] + [None]
    path = write(tmp_path / "s.parquet", with_column(songs_table(), "music_id", ids))
    found = encode_songs(tmp_path / "c", load_songs(path))
    assert len(found.table) == len(found.latents) == 23
    assert [r.row for r in found.rejected] == [23]


def test_a_song_without_label_is_encoded_and_a_new_label_is_named(tmp_path, songs):
    saved(tmp_path, songs, "genre")
    unlabelled = with_column(songs_table(), "main_genre", [None] * 24)
    path = write(tmp_path / "u.parquet", unlabelled)
    assert np.isfinite(encode_songs(tmp_path / "c", load_songs(path)).latents).all()
    renamed = write(
        tmp_path / "r.parquet", with_column(songs_table(), "main_genre", ["Polka"] * 24)
    )
    with pytest.raises(InputError, match=r"genre 'Polka' .*expected one of Drone, March, Waltz"):
        encode_songs(tmp_path / "c", load_songs(renamed))


@pytest.mark.parametrize(
    ("seed", "beta", "message"),
    [(1, None, "has no seed 1; expected one of 2, 7"), (None, 2.0, r"has no beta 2\.0; expected")],
)
def test_an_unknown_member_is_named(tmp_path, songs, seed, beta, message):
    saved(tmp_path, songs)
    with pytest.raises(InputError, match=message):
        encode_songs(tmp_path / "c", songs, seed, beta)


def test_members_are_stacked_in_order(tmp_path, songs):
    model, state, x, _ = saved(tmp_path, songs)
    everyone = encode(model, state.params, x, None)
    assert everyone.shape == (4, len(x), 3)
    one = jax.tree.map(lambda leaf: leaf[1:2], state.params)
    np.testing.assert_array_equal(encode(model, one, x, None)[0], everyone[1])


def test_a_checkpoint_of_crops_encodes_songs(tmp_path, songs):
    """Crops of 128 frames from songs of 8 to 12: padded with silence."""
    experiment = Experiment(
        "x",
        features=FeatureConfig(cache_dir=tmp_path / "cache"),
        crops=CropConfig(encoded=2),
        model=ModelConfig(kind="conv_vae", latent=3),
        train=replace(TrainConfig(), epochs=1),
    )
    model = make_model(experiment.model, experiment.crops, 0)
    examples = Examples(np.zeros((1, 128, 128), np.float32))
    state = jax.vmap(lambda seed: init_state(model, jax.random.key(seed), examples, 1e-3))(
        np.arange(1, dtype=np.uint32)
    )
    numbers = np.zeros((1, 1), np.float32)
    history = History(Losses(*[numbers] * 3), Losses(*[numbers] * 3), numbers.astype(np.int32))
    ones = np.ones(128, np.float32)
    from musicvae_jax.features import Scaler

    save_checkpoint(
        tmp_path / "c",
        Checkpoint(experiment, state, history, Scaler(-40 * ones, ones * 20), {}, None, ""),
    )
    found = encode_songs(tmp_path / "c", songs)
    assert found.latents.shape == (24, 3)
    np.testing.assert_array_equal(found.latents, encode_songs(tmp_path / "c", songs).latents)
