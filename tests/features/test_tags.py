import numpy as np
import pandas as pd
import pytest
from songfiles import tagged_table, with_column, write

import musicvae_jax as mv
from musicvae_jax.config import Experiment, FeatureConfig, LyricsConfig, ModelConfig, TrainConfig
from musicvae_jax.errors import InputError
from musicvae_jax.features import apply_tags, fit_tags

# Of 12 songs with tags "all" has all, "most" all but four, "half" six, "five" five, "four" four.
FIRST_OF = {"all": 12, "most": 8, "half": 6, "five": 5, "four": 4}
TAGS = pd.Series(
    [tuple(tag for tag, n in FIRST_OF.items() if i < n) for i in range(12)] + [None, ("four",)] * 3,
    dtype=object,
)
TRAIN = np.arange(13)


def test_tags_that_five_training_songs_have_and_five_have_not_are_dimensions():
    """Tags of held-out songs do not count: only they make "four" frequent."""
    assert fit_tags(TAGS, TRAIN).vocabulary == ("five", "half")
    assert fit_tags(TAGS, np.arange(18)).vocabulary == ("five", "four", "half", "most")


def test_values_are_centred_multi_hot_vectors_of_one_scale():
    fitted = fit_tags(TAGS, TRAIN)
    found = apply_tags(fitted, TAGS)
    hot = np.array([[i < 5, i < 6] for i in range(12)], float)
    centred = hot - [5 / 12, 6 / 12]
    np.testing.assert_allclose(found.values[:12], centred / np.sqrt(np.mean(centred**2)), rtol=1e-5)
    # The rarer tag is not blown up to the variance of the other.
    assert found.values[:12, 0].var() < found.values[:12, 1].var()
    assert found.values[:12].var(axis=0).sum() == pytest.approx(2, rel=1e-5)


def test_songs_without_tags_are_unknown_and_new_tags_are_ignored():
    fitted = fit_tags(TAGS, TRAIN)
    new = pd.Series([("half", "unheard of"), ("half",), ("unheard of",), None], dtype=object)
    found = apply_tags(fitted, new)
    assert found.known.tolist() == [True, True, True, False]
    assert found.values.dtype == np.float32
    np.testing.assert_array_equal(found.values[0], found.values[1])
    np.testing.assert_array_equal(found.values[2], -fitted.scaler.mean / fitted.scaler.scale)
    np.testing.assert_array_equal(found.values[3], 0)


def test_no_song_with_tags_is_one_clear_error():
    with pytest.raises(InputError) as caught:
        fit_tags(pd.Series([None] * 7, dtype=object), np.arange(5))
    assert str(caught.value) == (
        "tags: musicnn_tags is null or empty in 7 of 7 songs; expected tags, or an experiment "
        "without them"
    )


@pytest.mark.parametrize("tags", [TAGS, pd.Series([None] * 14 + [("a",)] * 4, dtype=object)])
def test_tags_that_are_all_rare_are_one_clear_error(tags):
    train = np.arange(4, 13)
    n_tagged = tags.iloc[train].notna().sum()
    with pytest.raises(InputError) as caught:
        fit_tags(tags, train)
    assert str(caught.value) == (
        f"tags: {n_tagged} of 9 training songs have tags (musicnn_tags is null or empty in "
        f"{tags.isna().sum()} of all 18 songs), expected a tag that 5 of them have and 5 have not"
    )


@pytest.fixture
def songs(tmp_path):
    return mv.load_songs(write(tmp_path / "songs.parquet", tagged_table(48)))


def experiment(*blocks, **changes):
    settings = {
        "features": FeatureConfig(blocks),
        "lyrics": LyricsConfig(runtime="tfidf", components=3),
        "model": ModelConfig(hidden=(4,), latent=2),
        "train": TrainConfig(epochs=1),
    }
    return Experiment("mine", **settings | changes)


def test_tags_alone_are_a_representation(songs):
    model = mv.fit(experiment("tags", model=ModelConfig(kind="raw")), songs, quiet=True)
    found = model.encode(songs)
    assert found.name == "tags"
    assert found.columns_seen == ("musicnn_tags",)
    assert found.points.shape == (1, 48, 5)
    np.testing.assert_array_equal(found.known, np.arange(48) % 4 > 0)
    np.testing.assert_array_equal(found.points[0, ~found.known], 0)


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (experiment("statistics", "tags"), ("multimodal_vae",)),
        (experiment("mfcc", "tags", "lyrics"), ("multimodal_vae",)),
        (experiment("tags", "lyrics"), ("multimodal_vae",)),
        (experiment("tags"), ("tags_vae",)),
        (experiment("mfcc", fuse=("tags",)), ("vae+tags_pca", "vae+tags")),
        (experiment("mfcc", alone=("tags", "tfidf")), ("vae", "tags", "lyrics_tfidf")),
    ],
)
@pytest.mark.slow
def test_tags_can_stand_where_lyrics_can_and_come_back_from_a_checkpoint(
    songs, tmp_path, made, names
):
    model = mv.fit(made, songs, quiet=True)
    assert model.names == names
    model.save(tmp_path / "checkpoint")
    few = tagged_table(48).slice(5, 7)
    unheard = [[*tags, "unheard of"] if tags else tags for tags in few["musicnn_tags"].to_pylist()]
    few = mv.load_songs(write(tmp_path / "few.parquet", with_column(few, "musicnn_tags", unheard)))
    again = mv.load(tmp_path / "checkpoint").representations(few)
    for found, expected in zip(again, model.representations(songs), strict=True):
        assert found.columns_seen == expected.columns_seen
        np.testing.assert_array_equal(found.known, expected.known[5:12])
        np.testing.assert_allclose(
            found.points[:, found.known], expected.points[:, 5:12][:, found.known], atol=1e-4
        )


def test_audio_and_tags_have_half_of_the_variance_each(songs):
    model = mv.fit(experiment("mfcc", "tags", model=ModelConfig(kind="raw")), songs, quiet=True)
    points = model.encode(songs).points[0]
    assert points.shape == (48, 65)
    tagged = np.arange(48) % 4 > 0
    np.testing.assert_array_equal(points[~tagged, 60:], 0)
    # All 48 songs, of which the training songs are most.
    assert points[tagged, 60:].var(axis=0).sum() == pytest.approx(65 / 2, rel=0.1)


def test_songs_that_all_lack_tags_are_refused(song_path):
    with pytest.raises(InputError, match=r"^tags: musicnn_tags is null or empty in 24 of 24 songs"):
        mv.fit(experiment("mfcc", "tags"), mv.load_songs(song_path), quiet=True)
