from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pandas as pd
import pytest
from songfiles import songs_table, with_column, write

from musicvae_jax.config import (
    ClusterConfig,
    CropConfig,
    Experiment,
    FeatureConfig,
    LyricsConfig,
    ModelConfig,
)
from musicvae_jax.errors import InputError
from musicvae_jax.features import extract_features
from musicvae_jax.preprocess import audio_config, fit_transform, joined, split_inputs, transform
from musicvae_jax.runtime import cache
from musicvae_jax.songs import Split, load_songs

AUDIO = ("mfcc", "rhythm")
EXPERIMENT = Experiment(
    "x",
    features=FeatureConfig(blocks=AUDIO),
    lyrics=LyricsConfig(runtime="tfidf", components=3),
)
N_AUDIO, N_LYRICS = 156, 3
TRAIN = np.arange(4, 24)


def of(*blocks, **changes):
    return replace(EXPERIMENT, features=FeatureConfig(blocks=blocks), **changes)


def fitted(experiment, songs, split=None):
    features = extract_features(songs, audio_config(experiment))
    return fit_transform(experiment, songs, features, split or Split(TRAIN, np.arange(4)))


def changed(songs, **columns):
    return songs._replace(table=songs.table.assign(**columns))


def total_variance(x):
    return float(np.var(x, axis=0, dtype=np.float64).sum())


def test_a_single_block_is_only_standardised(songs):
    _, inputs, _ = fitted(of("mfcc"), songs)
    values = extract_features(songs, FeatureConfig(blocks=("mfcc",))).values
    # Deviations below 1 dB are not blown up.
    scale = np.maximum(values[TRAIN].std(axis=0), 1)
    expected = (values - values[TRAIN].mean(axis=0)) / scale
    np.testing.assert_allclose(inputs.x, expected, atol=1e-5)
    np.testing.assert_array_equal(inputs.x, inputs.audio.points[0])
    assert inputs.mask is None
    assert inputs.condition is None
    assert inputs.shape == (60,)


def test_audio_and_text_carry_half_of_the_variance_each(songs):
    everyone = changed(songs, lyrics=[f"word{i} of {i * i} songs" for i in range(24)])
    _, inputs, _ = fitted(of(*AUDIO, "lyrics"), everyone)
    assert inputs.x.shape == (24, N_AUDIO + N_LYRICS)
    assert inputs.mask is None
    half = (N_AUDIO + N_LYRICS) / 2
    text = inputs.x[TRAIN, N_AUDIO:]
    assert total_variance(text) == pytest.approx(half, rel=1e-3)
    # What standardisation makes of audio counts as of unit variance.
    ratio = inputs.x[:, :N_AUDIO] / inputs.audio.points[0]
    np.testing.assert_allclose(ratio, np.sqrt(half / N_AUDIO), rtol=1e-3)


def test_blocks_of_lyrics_share_the_variance_of_text(songs):
    everyone = changed(songs, lyrics=[f"word{i} of {i * i} songs" for i in range(24)])
    both = of("lyrics", "lyrics_centred")
    _, inputs, _ = fitted(both, everyone)
    assert inputs.x.shape == (24, 2 * N_LYRICS)
    found = [total_variance(part) for part in np.split(inputs.x[TRAIN], 2, axis=1)]
    assert found == pytest.approx([N_LYRICS, N_LYRICS], rel=1e-3)


def of_mfa(*blocks, **changes):
    return replace(EXPERIMENT, features=FeatureConfig(blocks=blocks, balance="mfa"), **changes)


def largest_variance(x):
    """That of any direction, of points `[songs, dimensions]`."""
    return np.linalg.svd(x - x.mean(axis=0), compute_uv=False)[0] ** 2 / len(x)


def test_factor_analysis_gives_blocks_an_equal_largest_singular_value(songs):
    preprocessor, inputs, _ = fitted(of_mfa(*AUDIO, "lyrics", "style"), songs)
    assert [part.dtype for part in preprocessor.scaler] == [np.float32] * 2
    known = inputs.blocks["lyrics"].known[TRAIN]
    audio, lyrics, style = np.split(inputs.x[TRAIN], [N_AUDIO, N_AUDIO + N_LYRICS], axis=1)
    parts = (audio, lyrics[known], style[known])
    found = list(map(largest_variance, parts))
    assert found == pytest.approx([found[0]] * 3, rel=1e-3)
    assert sum(map(total_variance, parts)) == pytest.approx(inputs.x.shape[1], rel=1e-3)
    # A song without lyrics is at their mean.
    assert not np.any(inputs.x[~inputs.blocks["lyrics"].known, N_AUDIO:])


def test_a_block_that_does_not_vary_cannot_be_balanced(songs):
    alike = changed(songs, lyrics=["the same song"] * 24)
    with pytest.raises(
        InputError, match=r"style is the same for all 20 training songs.*singular value$"
    ):
        fitted(of_mfa(*AUDIO, "style"), alike)


@pytest.mark.parametrize(("scored", "n_scored"), [("complete", 19), ("all", 24)])
def test_songs_without_lyrics_are_scored_where_all_are_asked_for(songs, scored, n_scored):
    _, inputs, _ = fitted(of_mfa(*AUDIO, "lyrics", cluster=ClusterConfig(songs=scored)), songs)
    assert len(inputs.scored) == n_scored


@pytest.mark.parametrize(
    ("blocks", "shape"),
    [((*AUDIO, "lyrics", "style"), (N_AUDIO, N_LYRICS, 10)), (("style", "lyrics"), (10, N_LYRICS))],
)
def test_a_model_of_blocks_is_told_their_widths(songs, blocks, shape):
    _, inputs, _ = fitted(of_mfa(*blocks, model=ModelConfig(kind="mvae")), songs)
    assert inputs.shape == shape
    assert inputs.x.shape[1] == sum(shape)


def test_missing_lyrics_weigh_nothing(songs):
    _, inputs, _ = fitted(of(*AUDIO, "lyrics"), songs)
    has_lyrics = songs.table["lyrics"].notna().to_numpy()
    assert 0 < has_lyrics.sum() < 24
    assert np.all(inputs.mask[:, :N_AUDIO] == 1)
    np.testing.assert_array_equal(
        inputs.mask[:, N_AUDIO:], np.repeat(has_lyrics[:, None], N_LYRICS, axis=1)
    )
    assert np.all(inputs.x[~has_lyrics, N_AUDIO:] == 0)
    assert inputs.readable.all()
    np.testing.assert_array_equal(inputs.known, has_lyrics)


def test_lyrics_alone_leave_audio_out(songs):
    _, inputs, split = fitted(of("lyrics"), songs)
    has_lyrics = songs.table["lyrics"].notna().to_numpy()
    assert inputs.x.shape == inputs.mask.shape == (24, N_LYRICS)
    np.testing.assert_array_equal(inputs.x, inputs.blocks["lyrics"].points[0])
    np.testing.assert_array_equal(inputs.readable, has_lyrics)
    assert split.train.tolist() == [i for i in TRAIN if has_lyrics[i]]
    assert split.heldout.tolist() == [i for i in range(4) if has_lyrics[i]]


def test_a_side_of_the_split_without_lyrics_is_named(songs):
    silent = changed(songs, lyrics=[None] * 4 + [f"word{i} of {i * i}" for i in range(20)])
    with pytest.raises(InputError, match=r"^lyrics: got 20 songs with lyrics, none of them on the"):
        fitted(of("lyrics"), silent)
    untagged = changed(songs, musicnn_tags=[None] * 4 + [("a",), ("b",)] * 10)
    with pytest.raises(
        InputError, match=r"^tags: got 20 songs with tags, none .* the heldout side"
    ):
        fitted(of("tags"), untagged)
    both = changed(silent, musicnn_tags=untagged.table["musicnn_tags"])
    with pytest.raises(
        InputError, match=r"^lyrics or tags: got 20 songs with lyrics or tags, none"
    ):
        fitted(of("lyrics", "tags"), both)


@pytest.mark.parametrize("blocks", [AUDIO, ("lyrics",), (*AUDIO, "lyrics")])
def test_an_input_larger_than_memory_is_left_on_disk(songs, blocks, monkeypatch):
    experiment = of(*blocks)
    _, expected, _ = fitted(experiment, songs)
    folder = experiment.features.cache_dir
    files = set(folder.rglob("*"))
    monkeypatch.setattr(cache, "MOST_BYTES_IN_MEMORY", 0)
    monkeypatch.setattr(joined, "_SONGS_AT_ONCE", 7)
    _, found, _ = fitted(experiment, songs)
    for part, whole in ((found.x, expected.x), (found.mask, expected.mask)):
        assert (part is None) == (whole is None)
        if part is not None:
            assert isinstance(part, np.memmap)
            np.testing.assert_array_equal(part, whole)
    # The files have no name, so nobody has to remove them.
    assert set(folder.rglob("*")) == files


def test_a_folder_for_it_that_cannot_be_written_is_named(songs, monkeypatch):
    features = extract_features(songs, EXPERIMENT.features)
    monkeypatch.setattr(cache, "MOST_BYTES_IN_MEMORY", 0)
    Path("file").write_text("")
    elsewhere = replace(EXPERIMENT.features, cache_dir=Path("file"))
    experiment = replace(EXPERIMENT, features=elsewhere)
    with pytest.raises(InputError, match=r"features\.cache_dir: cannot write to file"):
        fit_transform(experiment, songs, features, Split(TRAIN, np.arange(4)))


@pytest.mark.parametrize(
    "experiment",
    [
        of("mfcc"),
        of(*AUDIO, "lyrics_centred"),
        of("mfcc", fuse=("lyrics", "genre")),
        of("mfcc", model=ModelConfig(condition="language")),
    ],
)
def test_the_songs_of_the_fit_are_transformed_to_the_same_inputs(songs, experiment):
    preprocessor, inputs, _ = fitted(experiment, songs)
    again = transform(preprocessor, songs)
    np.testing.assert_array_equal(again.x, inputs.x)
    jax.tree.map(np.testing.assert_array_equal, again.mask, inputs.mask)
    jax.tree.map(np.testing.assert_array_equal, again.condition, inputs.condition)
    assert again.blocks.keys() == inputs.blocks.keys()
    for name, block in inputs.blocks.items():
        np.testing.assert_array_equal(again.blocks[name].points, block.points)
        assert again.blocks[name].columns_seen == block.columns_seen


def test_crops_are_transformed_with_the_deviation_of_the_training_songs(songs):
    model = ModelConfig(kind="conv_vae", latent=3)
    experiment = Experiment("x", crops=CropConfig(encoded=1), model=model)
    preprocessor, inputs, _ = fitted(experiment, songs)
    again = transform(preprocessor, songs)
    assert inputs.shape == again.shape == (128, 128)
    assert inputs.x.shape == (24, 0)
    assert again.scaler is preprocessor.scaler
    np.testing.assert_array_equal(again.crops.song(5), inputs.crops.song(5))


@pytest.mark.parametrize("balanced", [of, of_mfa])
def test_held_out_songs_change_nothing_that_is_fitted(songs, balanced):
    experiment = balanced("mfcc", "lyrics", model=ModelConfig(condition="genre"))
    features = extract_features(songs, audio_config(experiment))
    split = Split(TRAIN, np.arange(4))
    first, _, _ = fit_transform(experiment, songs, features, split)
    values = features.values.copy()
    values[:4] += 30
    table = features.table.copy()
    table.loc[:3, ["lyrics", "genre"]] = ["other words entirely", "Polka"]
    changed = features._replace(values=values, table=table)
    second, inputs, _ = fit_transform(experiment, songs, changed, split)
    jax.tree.map(
        np.testing.assert_array_equal,
        (first.audio, first.scaler, first.texts["lyrics_tfidf"][4:]),
        (second.audio, second.scaler, second.texts["lyrics_tfidf"][4:]),
    )
    assert first.vocabularies["genre"] == second.vocabularies["genre"]
    assert np.all(inputs.condition[:4] == 0)


def test_a_label_of_held_out_songs_alone_is_said_and_not_given(songs):
    renamed = changed(songs, genre=["Polka"] * 2 + songs.table["genre"].tolist()[2:])
    experiment, lines = of("mfcc", model=ModelConfig(condition="genre")), []
    features = extract_features(renamed, audio_config(experiment))
    preprocessor, inputs, _ = fit_transform(
        experiment, renamed, features, Split(TRAIN, np.arange(4)), on_notice=lines.append
    )
    assert preprocessor.vocabularies["genre"] == ("Drone", "March", "Waltz")
    assert lines == [
        "genre: 2 held-out song(s) have a genre that no training song has (Polka); the model does "
        "not see it"
    ]
    np.testing.assert_array_equal(inputs.condition.sum(axis=1), [0, 0] + [1] * 22)


@pytest.mark.parametrize(("genres", "named"), [(["Waltz"], r"1 .*\(Waltz\)"), ([None], "0 .*null")])
def test_a_condition_needs_two_labels(songs, genres, named):
    experiment = of("mfcc", model=ModelConfig(condition="genre"))
    with pytest.raises(InputError, match=rf"^model\.condition genre: got {named}.* expected at"):
        fitted(experiment, changed(songs, genre=genres * 24))


@pytest.mark.parametrize(
    ("genre", "found"),
    [(None, r"0 distinct value\(s\) \(all null\)"), ("Polka", r"1 .* \(Polka\)")],
)
def test_a_label_that_tells_no_songs_apart_is_not_fused(songs, genre, found):
    alike = changed(songs, genre=pd.Series([genre] * len(songs.table), dtype=object))
    with pytest.raises(InputError, match=f"^fuse genre: got {found} in the clustered songs, "):
        fitted(of("mfcc", fuse=("lyrics", "genre")), alike)


def test_fused_labels_are_those_of_the_clustered_songs(songs):
    lyrics = songs.table["lyrics"].where(songs.table.index != 1, None)
    genres = songs.table["genre"].where(songs.table.index != 1, "Polka")
    renamed = changed(songs, genre=genres, lyrics=lyrics)
    preprocessor, inputs, _ = fitted(of("mfcc", fuse=("lyrics", "genre")), renamed)
    assert preprocessor.fused_labels == {"genre": ("Drone", "March", "Waltz")}
    points = inputs.blocks["genre"].points[0]
    np.testing.assert_array_equal(points.sum(axis=1), np.arange(24) != 1)


def test_new_songs_are_read_as_the_training_songs_were(tmp_path, songs):
    experiment = of(*AUDIO, "lyrics", model=ModelConfig(condition="genre"))
    preprocessor, inputs, _ = fitted(experiment, songs)
    few = transform(
        preprocessor, load_songs(write(tmp_path / "few.parquet", songs_table().slice(5, 7)))
    )
    np.testing.assert_allclose(few.x, inputs.x[5:12], atol=1e-4)
    np.testing.assert_array_equal(few.mask, inputs.mask[5:12])
    np.testing.assert_array_equal(few.condition, inputs.condition[5:12])
    assert few.songs.tolist() == songs.table["music_id"].tolist()[5:12]


def test_rows_that_cannot_be_used_are_listed(tmp_path, songs):
    preprocessor, _, _ = fitted(of("mfcc"), songs)
    ids = [f"id {i}" for i in range(23)] + [None]
    path = write(tmp_path / "s.parquet", with_column(songs_table(), "music_id", ids))
    found = transform(preprocessor, load_songs(path))
    assert len(found.table) == len(found.x) == 23
    assert [one.row for one in found.rejected] == [23]


def test_an_artist_is_on_one_side_of_the_split(songs):
    table = extract_features(songs, EXPERIMENT.features).table
    split = split_inputs(EXPERIMENT, table)
    sides = [set(table["artist"].iloc[side]) for side in split]
    assert sides[0] | sides[1] == set(table["artist"])
    assert not sides[0] & sides[1]
