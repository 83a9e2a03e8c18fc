from dataclasses import replace

import librosa
import numpy as np
import pandas as pd
import pytest
import tablefiles
from hypothesis import given
from hypothesis import strategies as st
from songfiles import mel, songs_table, with_column, with_mel, write

from musicvae_jax import features
from musicvae_jax.config import BLOCKS, BlockTraits, FeatureConfig
from musicvae_jax.errors import InputError
from musicvae_jax.songs import load_songs
from musicvae_jax.songs.parquet.parts import ParquetPart


@pytest.fixture
def config(tmp_path):
    return FeatureConfig(cache_dir=tmp_path / "cache")


@pytest.mark.parametrize("db_range", [80.0, 20.0])
def test_decibels_agree_with_librosa(db_range):
    power = mel(np.random.default_rng(0), frames=30)
    power[3, :5] = 0.0
    expected = librosa.power_to_db(power, ref=np.max, amin=1e-30, top_db=db_range)
    np.testing.assert_allclose(features.mel_db(power, db_range), expected, atol=1e-4)


@pytest.mark.parametrize("db_range", [80.0, 300.0])
@pytest.mark.parametrize("loudest", [1e-37, 1.0, 1e38])
def test_decibels_stay_in_their_range_at_the_ends_of_float32(db_range, loudest):
    power = np.array([[0.0, loudest], [loudest / 10, loudest / 100]], np.float32)
    expected = [[-db_range, 0], [-10, -20]]
    np.testing.assert_allclose(features.mel_db(power, db_range), expected, atol=1e-3)


def test_decibels_do_not_depend_on_loudness():
    power = mel(np.random.default_rng(0))
    louder = features.mel_db(power * np.float32(1000.0), 80.0)
    np.testing.assert_allclose(louder, features.mel_db(power, 80.0), atol=1e-4)


def test_statistics_by_hand():
    power = np.ones((128, 2), np.float32)
    power[0] = [1.0, 0.01]
    power[1] = [0.0, 0.1]
    found = features.mel_statistics(features.mel_db(power, 80.0)).reshape(4, 128)
    np.testing.assert_allclose(found[:, 0], [-10.0, 10.0, -20.0, 0.0], atol=1e-5)
    np.testing.assert_allclose(found[:, 1], [-45.0, 35.0, -80.0, -10.0], atol=1e-5)
    np.testing.assert_allclose(found[:, 2:], 0.0, atol=1e-5)


def test_extraction_keeps_file_order_and_lists_rejections(tmp_path, config):
    table = with_mel(songs_table(20), 4, None)
    songs = load_songs(write(tmp_path / "s.parquet", table))
    found = features.extract_features(songs, config)
    assert found.values.shape == (19, features.N_STATISTICS)
    assert found.values.dtype == np.float32
    assert found.table["music_id"].tolist() == [f"song {i:02d}" for i in range(20) if i != 4]
    assert [(r.row, r.reason) for r in found.rejected] == [(4, "melspectrogram is null")]
    expected = np.array(table["melspectrogram"][7].as_py(), np.float32)
    np.testing.assert_array_equal(
        found.values[6], features.mel_statistics(features.mel_db(expected, 80.0))
    )


def test_a_second_extraction_reads_no_mels(song_path, config, monkeypatch):
    first = features.extract_features(load_songs(song_path), config)
    monkeypatch.setattr(ParquetPart, "mel_blocks", lambda self: pytest.fail("mels were read"))
    second = features.extract_features(load_songs(song_path), config)
    assert (first.from_cache, second.from_cache) == (False, True)
    np.testing.assert_array_equal(first.values, second.values)
    pd.testing.assert_frame_equal(first.table, second.table)
    assert first.rejected == second.rejected


def test_other_settings_and_other_data_are_not_served_from_the_cache(tmp_path, song_path, config):
    features.extract_features(load_songs(song_path), config)
    narrow = FeatureConfig(db_range=20.0, cache_dir=config.cache_dir)
    assert not features.extract_features(load_songs(song_path), narrow).from_cache
    other = write(tmp_path / "o.parquet", songs_table(23))
    assert not features.extract_features(load_songs(other), config).from_cache


@pytest.mark.parametrize("content", [b"", b"junk", "cut"])
def test_a_damaged_cache_is_made_again_with_a_notice(song_path, config, content):
    first = features.extract_features(load_songs(song_path), config)
    (path,) = config.cache_dir.glob("mel-statistics-*")
    path.write_bytes(path.read_bytes()[:-200] if content == "cut" else content)
    notices = []
    second = features.extract_features(load_songs(song_path), config, on_notice=notices.append)
    assert not second.from_cache
    assert len(notices) == 1
    assert str(path) in notices[0]
    np.testing.assert_array_equal(first.values, second.values)
    assert features.extract_features(load_songs(song_path), config).from_cache


WIDTHS = {"statistics": 512, "mfcc": 60, "rhythm": 96}


def with_blocks(config, *names):
    return FeatureConfig(blocks=names, cache_dir=config.cache_dir)


@pytest.mark.parametrize("names", [("mfcc",), ("rhythm", "statistics"), tuple(WIDTHS)])
def test_blocks_stand_side_by_side_in_the_order_asked_for(song_path, config, names):
    found = features.extract_features(load_songs(song_path), with_blocks(config, *names))
    assert found.widths == tuple(WIDTHS[name] for name in names)
    assert found.values.shape == (24, sum(found.widths))
    first = next(load_songs(song_path).parts[0].mel_blocks())
    compute = {
        "statistics": features.mel_statistics,
        "mfcc": features.mfcc_statistics,
        "rhythm": features.rhythm_spectrum,
    }
    db = features.mel_db(first.mels[5], 80.0)
    np.testing.assert_array_equal(
        found.values[5], np.concatenate([compute[name](db) for name in names])
    )


def test_another_block_reads_the_mels_once_and_makes_only_what_is_missing(
    song_path, config, monkeypatch
):
    passes, made = [], []
    mel_blocks = ParquetPart.mel_blocks
    monkeypatch.setattr(
        ParquetPart, "mel_blocks", lambda self: passes.append(1) or mel_blocks(self)
    )
    load = BlockTraits.load

    def load_counted(block):
        compute = load(block)
        return lambda db: made.append(block.function.rsplit(".", 1)[1]) or compute(db)

    monkeypatch.setattr(BlockTraits, "load", load_counted)

    first = features.extract_features(load_songs(song_path), with_blocks(config, "rhythm"))
    assert (len(passes), set(made)) == (1, {"rhythm_spectrum"})
    made.clear()
    both = with_blocks(config, "mfcc", "rhythm", "statistics")
    second = features.extract_features(load_songs(song_path), both)
    assert (len(passes), sorted(made)) == (
        2,
        ["mel_statistics"] * 24 + ["mfcc_statistics"] * 24,
    )
    assert not second.from_cache
    np.testing.assert_array_equal(second.values[:, 60:156], first.values)
    third = features.extract_features(load_songs(song_path), both)
    assert third.from_cache
    assert len(passes) == 2
    np.testing.assert_array_equal(third.values, second.values)


def test_a_new_version_of_one_block_leaves_the_others_cached(song_path, config, monkeypatch):
    both = with_blocks(config, "mfcc", "rhythm")
    features.extract_features(load_songs(song_path), both)
    monkeypatch.setitem(BLOCKS, "rhythm", BLOCKS["rhythm"]._replace(version=99))
    mfcc = features.extract_features(load_songs(song_path), with_blocks(config, "mfcc"))
    assert mfcc.from_cache
    assert not features.extract_features(load_songs(song_path), both).from_cache


def test_a_failed_write_leaves_nothing_behind(song_path, config, monkeypatch):
    def fail(*args, **arrays):
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(InputError, match=r"^features\.cache_dir: cannot write.*disk full"):
        features.extract_features(load_songs(song_path), config)
    assert list(config.cache_dir.iterdir()) == []


def test_progress_counts_every_row(song_path, config):
    steps = []
    features.extract_features(load_songs(song_path), config, on_rows=steps.append)
    assert sum(steps) == 24


def test_half_of_the_rows_may_be_unusable_but_not_more(tmp_path, config):
    table = songs_table(6)
    for row in range(3):
        table = with_mel(table, row, None)
    half = load_songs(write(tmp_path / "half.parquet", table))
    assert len(features.extract_features(half, config).table) == 3
    more = load_songs(write(tmp_path / "more.parquet", with_mel(table, 3, None)))
    expected = r"4 of 6 rows cannot be used.*row 0 \(song 00\): melspectrogram is null"
    with pytest.raises(InputError, match=expected):
        features.extract_features(more, config)


def test_no_usable_row_and_no_row_at_all(tmp_path, config):
    nulls = with_column(songs_table(3), "music_id", [None, "", None])
    with pytest.raises(InputError, match="no usable song in 3 rows; row 0: music_id is null"):
        features.extract_features(load_songs(write(tmp_path / "n.parquet", nulls)), config)
    empty = songs_table(3).slice(0, 0)
    with pytest.raises(InputError, match="no usable song in 0 rows"):
        features.extract_features(load_songs(write(tmp_path / "e.parquet", empty)), config)


def test_a_cache_folder_that_cannot_be_made_is_named(tmp_path, song_path):
    (tmp_path / "file").write_text("")
    config = FeatureConfig(cache_dir=tmp_path / "file" / "cache")
    with pytest.raises(InputError, match=r"^features\.cache_dir: cannot write to"):
        features.extract_features(load_songs(song_path), config)


def test_standardised_training_features_have_mean_zero_and_deviation_one():
    values = np.random.default_rng(0).normal(5.0, 3.0, (50, 4)).astype(np.float32)
    values[:, 2] = 7.0
    scaled = features.standardise(values, features.fit_scaler(values, [values.shape[1]], [1.0]))
    np.testing.assert_allclose(scaled.mean(axis=0), 0.0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=0), [1, 1, 0, 1], atol=1e-5)


def test_a_nearly_constant_feature_is_not_blown_up():
    training = np.full((40, 1), -80.0, np.float32)
    training[0] += 0.01
    scaler = features.fit_scaler(training, [training.shape[1]], [1.0])
    assert abs(features.standardise(np.array([[-60.0]]), scaler).item() - 20.0) < 0.01


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_without_a_least_scale_a_feature_of_any_unit_has_deviation_one(unit):
    values = (np.random.default_rng(0).normal(5.0, 3.0, (50, 2)) * unit).astype(np.float32)
    scaled = features.standardise(values, features.fit_scaler(values, [2], [0.0]))
    np.testing.assert_allclose(scaled.std(axis=0), 1.0, rtol=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3e6, 1e-6])
def test_without_a_least_scale_a_constant_feature_is_divided_by_one(value):
    values = np.full((51, 1), value, np.float32)
    # As large as float32 rounds.
    values[0] = np.nextafter(values[0], np.inf, dtype=np.float32) if value else value
    assert features.fit_scaler(values, [1], [0.0]).scale == [1.0]


@pytest.fixture
def table_songs(tmp_path):
    """24 songs of a table, the fourth of which lacks a number."""
    songs = load_songs(tablefiles.write(tmp_path / "t.csv", tablefiles.gtzan_like()))
    songs.features.values[3, 1] = np.nan
    return songs


def test_a_tables_numbers_are_the_features_of_its_usable_songs(table_songs, config):
    table = replace(config, blocks=("table",))
    found = features.extract_features(table_songs, table)
    rows = [row for row in range(24) if row != 3]
    assert found.rows.tolist() == rows
    np.testing.assert_array_equal(found.values, table_songs.features.values[rows])
    assert (found.widths, found.names) == ((4,), tablefiles.NAMES)
    assert [tuple(one) for one in found.rejected] == [
        ("t.csv", 3, "song.00003.wav", "column 'rms_mean' has no number")
    ]
    assert found.table["music_id"].tolist() == [f"song.{row:05d}.wav" for row in rows]
    assert not found.from_cache
    assert not config.cache_dir.exists()


def test_over_half_of_a_table_without_numbers_is_an_error(table_songs, config):
    table_songs.features.values[:13, 0] = np.nan
    with pytest.raises(InputError, match=r"13 of 24 rows .*row 0 .*: column 'tempo' has no number"):
        features.extract_features(table_songs, replace(config, blocks=("table",)))


def test_blocks_that_the_songs_do_not_have_are_refused(table_songs, song_path, config):
    message = r"features.blocks: got statistics, expected table: .*t.csv is a table of features"
    for extract in (features.extract_features, features.build_features):
        with pytest.raises(InputError, match=message):
            extract(table_songs, config)
    for blocks in (("table",), ("mfcc", "table")):
        message = f"got {', '.join(blocks)}, expected some of statistics, mfcc, rhythm: .*tiny.parq"
        with pytest.raises(InputError, match=message):
            features.extract_features(load_songs(song_path), replace(config, blocks=blocks))


def test_block_weights_by_hand():
    np.testing.assert_allclose(features.block_weights([4]), [1.0])
    np.testing.assert_allclose(features.block_weights([1, 3]), np.sqrt([2.0, 2.0 / 3.0]))


@given(widths=st.lists(st.integers(1, 600), min_size=1, max_size=4))
def test_block_weights_share_the_variance_and_keep_its_total(widths):
    variance = np.array(widths) * features.block_weights(widths) ** 2
    np.testing.assert_allclose(variance, sum(widths) / len(widths))
    np.testing.assert_allclose(variance.sum(), sum(widths))


def test_standardised_blocks_have_the_same_total_variance():
    widths = tuple(WIDTHS.values())
    rng = np.random.default_rng(0)
    # Deviations above the least scale, under which a feature counts for less.
    deviations = rng.uniform(1.5, 9.0, sum(widths))
    values = rng.normal(-30.0, deviations, (40, sum(widths))).astype(np.float32)
    scaled = features.standardise(values, features.fit_scaler(values, widths, [1.0] * 3))
    blocks = np.split(scaled.var(axis=0), np.cumsum(widths)[:-1])
    np.testing.assert_allclose([block.sum() for block in blocks], 668 / 3, rtol=1e-2)


def test_one_hot_by_hand():
    labels = pd.Series(["b", None, "a"], dtype=object)
    names = features.vocabulary(labels)
    assert names == ("a", "b")
    assert features.one_hot(labels, names, "genre").tolist() == [[0, 1], [0, 0], [1, 0]]


def test_an_unknown_label_is_named():
    with pytest.raises(InputError, match=r"genre 'z' \(song 1\).*expected one of a, b"):
        features.one_hot(pd.Series(["a", "z"]), ("a", "b"), "genre")
