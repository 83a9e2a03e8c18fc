from dataclasses import replace
from functools import partial

import jax
import numpy as np
import pytest
from songfiles import songs_table, with_column, write
from trainedmodels import AUDIO, CROPS, SWEEP, by_hand, fresh, sweep_of

from musicvae_jax.config import CropConfig, FeatureConfig, ModelConfig, TrainConfig
from musicvae_jax.errors import InputError
from musicvae_jax.songs import load_songs
from musicvae_jax.trained import Trained


@pytest.mark.parametrize(
    ("blocks", "condition"), [(AUDIO, "none"), (AUDIO, "genre"), ((*AUDIO, "lyrics"), "none")]
)
def test_latents_are_the_posterior_means_of_every_seed_of_a_beta(songs, blocks, condition):
    trained, inputs, _ = fresh(sweep_of(blocks, condition), songs)
    for first, beta in ((0, 1.0), (2, 4.0)):
        found = trained.encode(songs, beta=beta)
        expected = [
            trained.model.apply(
                trained.params(member), inputs.x, inputs.condition, method="encode"
            ).mean
            for member in (first, first + 1)
        ]
        np.testing.assert_allclose(found.points, expected, atol=1e-5)
        assert isinstance(found.points, np.ndarray)
        assert found.songs.tolist() == songs.table["music_id"].tolist()


def test_the_first_representation_is_the_default_and_each_has_its_name(songs):
    trained, _, _ = fresh(SWEEP, songs)
    assert trained.names == ("vae", "beta_vae_4")
    one, other = trained.representations(songs)
    assert (one.name, other.name) == trained.names
    np.testing.assert_array_equal(trained.encode(songs).points, one.points)
    np.testing.assert_array_equal(trained.encode(songs, "beta_vae_4").points, other.points)
    np.testing.assert_array_equal(trained.encode(songs, beta=4.0).points, other.points)
    assert np.any(one.points != other.points)


def test_a_beta_under_several_learning_rates_is_that_of_the_first(songs):
    train = TrainConfig(beta=(1.0, 4.0), learning_rate=(1e-2, 1e-3))
    trained, _, _ = fresh(replace(SWEEP, train=train), songs)
    found = trained.encode(songs, beta=4.0)
    assert found.name == "beta_vae_4_lr_0.01"
    np.testing.assert_array_equal(found.points, trained.encode(songs, found.name).points)


@pytest.mark.parametrize(
    ("blocks", "condition", "columns"),
    [
        (AUDIO, "none", ("melspectrogram",)),
        (AUDIO, "language", ("melspectrogram", "language")),
        ((*AUDIO, "lyrics"), "none", ("melspectrogram", "lyrics")),
        (("lyrics_centred", "mfcc"), "genre", ("lyrics", "language", "melspectrogram", "genre")),
        (("tfidf",), "none", ("lyrics",)),
    ],
)
def test_latents_know_what_they_were_computed_from(songs, blocks, condition, columns):
    trained, _, _ = fresh(sweep_of(blocks, condition), songs)
    assert {one.columns_seen for one in trained.representations(songs)} == {columns}


def test_encoding_draws_nothing_and_does_not_depend_on_the_other_songs(tmp_path, songs):
    trained, _, _ = fresh(sweep_of((*AUDIO, "lyrics")), songs)
    once = trained.encode(songs).points
    np.testing.assert_array_equal(once, trained.encode(songs).points)
    fewer = load_songs(write(tmp_path / "few.parquet", songs_table().slice(5, 7)))
    np.testing.assert_allclose(trained.encode(fewer).points, once[:, 5:12], atol=1e-4)


def test_songs_without_lyrics_are_encoded_from_their_audio(tmp_path, songs):
    trained, _, _ = fresh(sweep_of((*AUDIO, "lyrics")), songs)
    silent = with_column(songs_table(), "music_lyrics", [None] * 24)
    found = trained.encode(load_songs(write(tmp_path / "s.parquet", silent)))
    assert np.isfinite(found.points).all()
    assert found.known.all()


def test_a_model_of_lyrics_alone_knows_nothing_of_songs_without_any(songs):
    trained, _, _ = fresh(sweep_of(("lyrics",)), songs)
    found = trained.encode(songs)
    np.testing.assert_array_equal(found.known, songs.table["lyrics"].notna())


def of_blocks(**model):
    return replace(
        SWEEP,
        features=FeatureConfig(blocks=(*AUDIO, "lyrics", "style"), balance="mfa"),
        train=TrainConfig(epochs=1),
        model=ModelConfig(hidden=(6,), latent=3, **model),
    )


@pytest.mark.slow
def test_a_model_of_blocks_encodes_songs_from_any_of_them(tmp_path, songs):
    trained, inputs, _ = fresh(of_blocks(kind="mvtcae"), songs)
    assert trained.experiment.modalities == ("audio", "lyrics", "style")
    everything = trained.encode(songs).points
    known = inputs.blocks["lyrics"].known
    audio = trained.encode(songs, given="audio")
    assert audio.known.all()
    assert audio.columns_seen == ("melspectrogram",)
    # Songs without lyrics have nothing else.
    np.testing.assert_allclose(audio.points[:, ~known], everything[:, ~known], atol=1e-5)
    assert np.all(np.any(audio.points[:, known] != everything[:, known], axis=2))
    lyrics = trained.encode(songs, given=("lyrics",))
    assert lyrics.known.tolist() == known.tolist()
    assert lyrics.columns_seen == ("lyrics",)
    silent = with_column(songs_table(), "music_lyrics", [None] * 24)
    of_silent = trained.encode(load_songs(write(tmp_path / "s.parquet", silent)))
    np.testing.assert_allclose(of_silent.points, audio.points, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("mvae", ("tags",), "given: got tags, expected some of audio, lyrics, style"),
        ("mvae", (), "given: got nothing, expected some of audio, lyrics, style"),
        ("vae", ("audio",), "given: got a model of kind 'vae', expected one of blocks"),
    ],
)
def test_modalities_that_are_not_there_are_named(songs, kind, given, message):
    trained, _, _ = fresh(of_blocks(kind=kind), songs)
    with pytest.raises(InputError, match=message):
        trained.encode(songs, given=given)


def test_a_block_beside_the_model_is_not_encoded_from_something_else(songs):
    trained, _, _ = fresh(replace(of_blocks(kind="mvae"), alone=("tfidf",)), songs)
    with pytest.raises(InputError, match="given: got the block 'lyrics_tfidf' beside it"):
        trained.encode(songs, "lyrics_tfidf", given="audio")


@pytest.mark.parametrize("kind", ["vae", "mopoe"])
def test_decoded_features_are_a_representation_too(songs, kind):
    trained, inputs, _ = fresh(of_blocks(kind=kind, decoded=True), songs)
    latents, decoded = trained.representations(songs)
    assert trained.names == (latents.name, decoded.name)
    assert decoded.name == f"{latents.name}_decoded"
    assert decoded.columns_seen == latents.columns_seen
    for member, points in enumerate(decoded.points):
        expected = trained.model.apply(
            trained.params(member), latents.points[member], method="decode"
        )
        np.testing.assert_allclose(points, expected, atol=1e-5)
    assert decoded.points.shape[1:] == inputs.x.shape
    np.testing.assert_array_equal(trained.encode(songs, decoded.name).points, decoded.points)


def test_unusable_rows_are_left_out(tmp_path, songs):
    trained, _, _ = fresh(SWEEP, songs)
    ids = [f"id {i}" for i in range(24)]
    ids[4] = None
    path = write(tmp_path / "s.parquet", with_column(songs_table(), "music_id", ids))
    found = trained.encode(load_songs(path))
    assert found.songs.tolist() == [*ids[:4], *ids[5:]]
    kept = np.delete(trained.encode(songs).points, 4, axis=1)
    np.testing.assert_allclose(found.points, kept, atol=1e-4)


def test_a_song_without_label_is_encoded_and_a_new_label_is_named(tmp_path, songs):
    trained, _, _ = fresh(sweep_of(condition="genre"), songs)
    unlabelled = with_column(songs_table(), "main_genre", [None] * 24)
    found = trained.encode(load_songs(write(tmp_path / "u.parquet", unlabelled)))
    assert np.isfinite(found.points).all()
    renamed = with_column(songs_table(), "main_genre", ["Polka"] * 24)
    path = write(tmp_path / "r.parquet", renamed)
    with pytest.raises(InputError, match=r"genre 'Polka' .*expected one of Drone, March, Waltz"):
        trained.encode(load_songs(path))


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"name": "cvae"}, r"^name: got 'cvae', expected one of vae, beta_vae_4$"),
        ({"beta": 2.0}, r"^beta: got 2\.0, expected one of 1\.0, 4\.0$"),
        ({"name": "vae", "beta": 1.0}, r"^name and beta: got 'vae' and 1\.0, expected one of"),
    ],
)
def test_a_representation_that_is_not_there_is_named(songs, wanted, message):
    trained, _, _ = fresh(SWEEP, songs)
    with pytest.raises(InputError, match=message):
        trained.encode(songs, **wanted)


def test_a_model_that_is_not_trained_has_no_beta_and_decodes_nothing(songs):
    untrained = replace(SWEEP, model=ModelConfig(kind="raw"))
    trained, inputs, _ = fresh(untrained, songs)
    np.testing.assert_array_equal(trained.encode(songs).points, inputs.x[None])
    with pytest.raises(InputError, match=r"^beta: got 1\.0, expected none"):
        trained.encode(songs, beta=1.0)
    for call in (lambda: trained.decode(inputs.x), lambda: trained.sample(jax.random.key(0), 1)):
        with pytest.raises(
            InputError, match=r"got a model of kind 'raw', expected a neural network"
        ):
            call()


@pytest.mark.slow
def test_a_model_of_crops_averages_the_crops_of_a_song(songs):
    """Crops of 128 frames from songs of 8 to 12: padded with silence, and all the same."""
    trained, _, _ = fresh(CROPS, songs)
    found = trained.encode(songs).points
    assert found.shape == (2, 24, 3)
    np.testing.assert_array_equal(found, trained.encode(songs).points)
    one_crop = replace(trained.experiment, crops=CropConfig(encoded=1))
    single = trained._replace(preprocessor=trained.preprocessor._replace(experiment=one_crop))
    np.testing.assert_allclose(found, single.encode(songs).points, atol=1e-5)


@pytest.mark.parametrize("songs", ["songs.parquet", np.zeros((2, 7))])
def test_what_is_no_songs_is_named(songs):
    trained = by_hand(SWEEP)
    for call in (trained.encode, trained.representations):
        with pytest.raises(InputError, match=r"^songs: got (str|ndarray), expected Songs$"):
            call(songs)


@pytest.mark.parametrize("member", [-1, 4])
def test_a_member_that_is_not_there_is_named(member):
    trained, expected = by_hand(SWEEP), rf"^member: got {member}, expected a place from 0 to 3$"
    for call in (partial(trained.decode, np.zeros((2, 3))), trained.params):
        with pytest.raises(InputError, match=expected):
            call(member)


def test_one_beta_of_a_sweep_is_a_model_of_its_own():
    sweep = by_hand(SWEEP)
    part = sweep.of_beta(4.0)
    assert isinstance(part, Trained)
    assert part.experiment.members == ((4.0, 1e-3, 2), (4.0, 1e-3, 7))
    np.testing.assert_array_equal(part.history.train.kl, sweep.history.train.kl[2:])
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a, b[2:]), part.state, sweep.state)
    points = np.zeros((1, 3))
    np.testing.assert_array_equal(part.decode(points, 1), sweep.decode(points, 3))
    assert part.names == ("beta_vae_4",)
    assert part.key != sweep.key


def test_a_beta_that_the_sweep_lacks_is_named():
    with pytest.raises(InputError, match=r"^beta: got 3\.0, expected one of 1\.0, 4\.0$"):
        by_hand(SWEEP).of_beta(3.0)
