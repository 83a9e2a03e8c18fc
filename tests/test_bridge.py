import jax
import numpy as np
import pandas as pd
import pytest

from musicvae_jax.bridge import encode, encode_songs
from musicvae_jax.checkpoints import Checkpoint, save_checkpoint
from musicvae_jax.config import Experiment, FeatureConfig, ModelConfig
from musicvae_jax.errors import InputError
from musicvae_jax.features import extract_features, fit_scaler, one_hot, standardise, vocabulary
from musicvae_jax.songs import load_songs
from musicvae_jax.training import Examples, init_state, make_model


@pytest.fixture
def songs(song_path, tmp_path):
    return extract_features(load_songs(song_path), FeatureConfig(cache_dir=tmp_path / "cache"))


def saved(tmp_path, songs, condition="none"):
    """An untrained two-seed checkpoint, its states and its scaler."""
    experiment = Experiment(
        "x", model=ModelConfig(hidden=(8,), latent=3, condition=condition), seeds=(2, 7)
    )
    model = make_model(experiment.model, songs.values.shape[1])
    names = () if condition == "none" else vocabulary(songs.table[condition])
    labels = one_hot(songs.table[condition], names, condition) if names else None
    examples = Examples(songs.values, labels)
    state = jax.vmap(
        lambda seed: init_state(model, experiment.train, jax.random.key(seed), examples)
    )(np.array(experiment.seeds, np.uint32))
    scaler = fit_scaler(songs.values)
    save_checkpoint(tmp_path / "c", Checkpoint(experiment, state, scaler, {condition: names}))
    return model, state, standardise(songs.values, scaler), labels


@pytest.mark.parametrize("condition", ["none", "genre"])
def test_latents_are_the_posterior_means_of_the_chosen_seed(tmp_path, songs, condition):
    model, state, x, labels = saved(tmp_path, songs, condition)
    for member, seed in enumerate((2, 7)):
        params = jax.tree.map(lambda leaf, m=member: leaf[m], state.params)
        expected = model.apply(params, x, labels, method="encode").mean
        found = encode_songs(tmp_path / "c", songs, seed)
        assert isinstance(found, np.ndarray)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_first_seed_is_the_default(tmp_path, songs):
    saved(tmp_path, songs)
    first = encode_songs(tmp_path / "c", songs)
    np.testing.assert_array_equal(first, encode_songs(tmp_path / "c", songs, 2))
    assert np.any(first != encode_songs(tmp_path / "c", songs, 7))


def test_encoding_draws_nothing_and_keeps_order(tmp_path, songs):
    saved(tmp_path, songs)
    once = encode_songs(tmp_path / "c", songs)
    np.testing.assert_array_equal(once, encode_songs(tmp_path / "c", songs))
    order = np.random.default_rng(0).permutation(len(once))
    shuffled = songs._replace(table=songs.table.iloc[order], values=songs.values[order])
    np.testing.assert_allclose(encode_songs(tmp_path / "c", shuffled), once[order], atol=1e-5)


def test_a_song_without_label_is_encoded_and_a_new_label_is_named(tmp_path, songs):
    saved(tmp_path, songs, "genre")
    unlabelled = songs.table.assign(genre=pd.Series([None] * len(songs.table), dtype=object))
    assert np.isfinite(encode_songs(tmp_path / "c", songs._replace(table=unlabelled))).all()
    renamed = songs.table.assign(genre="Polka")
    with pytest.raises(InputError, match=r"genre 'Polka' .*expected one of Drone, March, Waltz"):
        encode_songs(tmp_path / "c", songs._replace(table=renamed))


def test_features_of_other_settings_are_refused(tmp_path, song_path, songs):
    saved(tmp_path, songs)
    other = FeatureConfig(db_range=20.0, cache_dir=tmp_path / "cache")
    with pytest.raises(InputError, match=r"'db_range': 20.0.*expected those.*'db_range': 80.0"):
        encode_songs(tmp_path / "c", extract_features(load_songs(song_path), other))


def test_an_unknown_seed_is_named(tmp_path, songs):
    saved(tmp_path, songs)
    with pytest.raises(InputError, match="has no seed 1; expected one of 2, 7"):
        encode_songs(tmp_path / "c", songs, seed=1)


def test_members_are_stacked_in_order(tmp_path, songs):
    model, state, x, _ = saved(tmp_path, songs)
    both = encode(model, state.params, x, None)
    assert both.shape == (2, len(x), 3)
    one = jax.tree.map(lambda leaf: leaf[1:], state.params)
    np.testing.assert_array_equal(encode(model, one, x, None)[0], both[1])
