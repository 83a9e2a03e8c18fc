"""Tables of features as songs: layouts, roles of columns, and everything that can be wrong."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tablefiles import NAMES, features, fma_like, gtzan_like, spotify_like, write, write_text

from musicvae_jax.config import DataConfig
from musicvae_jax.errors import InputError
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import load_songs, reader_of
from musicvae_jax.songs.feature_table import files
from musicvae_jax.songs.paths import songs_name


def opened(path, *columns):
    return load_songs(path, DataConfig(columns=columns))


def notice_of(path, capsys, *columns):
    """The line that says what was taken for what."""
    load_songs(path, DataConfig(columns=columns), terminal=Terminal())
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err.strip()


def fails(path, message, *columns):
    with pytest.raises(InputError, match=message) as caught:
        opened(path, *columns)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "CSV"])
def test_gtzans_table_reads_as_it_is(tmp_path, capsys, suffix):
    table = gtzan_like()
    path = write(tmp_path / f"features_30_sec.{suffix}", table)
    songs = load_songs(path)
    assert not songs.has_mels
    assert songs.features.names == NAMES
    assert songs.features.values.dtype == np.float32
    np.testing.assert_allclose(songs.features.values, table[list(NAMES)], rtol=1e-6)
    assert songs.features.faults == {}
    assert songs.table["music_id"].tolist() == table["filename"].tolist()
    assert songs.table["genre"].tolist() == table["label"].tolist()
    others = songs.table.drop(columns=["music_id", "genre"])
    assert others.isna().all(axis=None)
    assert {"artist", "audio_path", "language_source"} <= set(others)
    assert notice_of(path, capsys) == (
        "notice: read as: music_id=filename, genre=label; 4 features: tempo, rms_mean, rms_var, "
        "mfcc1_mean; left out: length (duration); --data.columns changes it"
    )


def test_fmas_three_header_lines_read_as_they_are(tmp_path):
    path = write(tmp_path / "features.csv", fma_like(), index=True)
    assert path.read_text().splitlines()[3] == "track_id,,,,"
    songs = load_songs(path)
    assert songs.features.names == ("mfcc_mean_01", "mfcc_mean_02", "mfcc_std_01", "zcr_mean_01")
    np.testing.assert_allclose(songs.features.values, fma_like(), rtol=1e-6)
    assert songs.table["music_id"].tolist()[:2] == ["2", "5"]


def test_header_lines_without_names_of_their_own_are_joined_too(tmp_path):
    """As in FMA's tracks.csv and echonest.csv."""
    table = fma_like().rename_axis(columns=[None] * 3)
    songs = load_songs(write(tmp_path / "echonest.csv", table, index=True))
    assert songs.features.names[-1] == "zcr_mean_01"
    assert len(songs.table) == len(table)


def test_spotifys_table_reads_as_it_is_and_a_song_in_two_genres_counts_once(tmp_path, capsys):
    path = write(tmp_path / "dataset.csv", spotify_like(), index=True)
    songs = load_songs(path)
    assert songs.features.names == ("tempo", "danceability", "energy", "mfcc1_mean")
    assert songs.table.loc[1, ["title", "artist"]].tolist() == ["Song, no. 1", "artist 1;guest"]
    rows, rejected = songs.usable_rows(songs.features.faults)
    assert len(rows) == 20
    assert [one.reason for one in rejected[:1]] == ["music_id is a duplicate of row 4"]
    assert notice_of(path, capsys) == (
        "notice: read as: music_id=track_id, title=track_name, artist_name=artists, "
        "genre=track_genre; 4 features: tempo, danceability, energy, mfcc1_mean; left out: "
        "unnamed 0 (id or number), popularity (reception), duration_ms (duration), "
        "album_name (text), explicit (text); --data.columns changes it"
    )


def test_true_and_false_are_no_numbers(tmp_path, capsys):
    path = write(tmp_path / "dataset.parquet", spotify_like())
    assert "explicit (true or false)" in notice_of(path, capsys)


def test_settings_come_before_guesses(tmp_path):
    table = gtzan_like().assign(singer="Ana", year=np.arange(24), kind="x")
    columns = (
        *("genre=kind", "artist=singer", "title=filename", "music_id=filename"),
        *("feature=length", "drop=tempo", "factor_era=year", "factor_old=label"),
    )
    songs = opened(write(tmp_path / "t.csv", table), *columns)
    assert songs.table.loc[0, ["genre", "artist", "title"]].tolist() == [
        "x",
        "Ana",
        "song.00000.wav",
    ]
    assert songs.features.names == ("length", *NAMES[1:])
    assert songs.table["factor_era"].tolist() == list(range(24))
    assert songs.table["factor_old"].tolist() == table["label"].tolist()


def test_factor_columns_are_kept_and_are_no_features(tmp_path):
    table = gtzan_like().assign(factor_bpm=np.arange(24.0))
    songs = load_songs(write(tmp_path / "t.parquet", table))
    assert songs.table["factor_bpm"].tolist() == list(range(24))
    assert songs.features.names == NAMES


def test_words_for_what_is_missing_are_no_labels(tmp_path):
    table = gtzan_like(4).assign(label=["NA", "rock", "nan", "Unknown"], title="None")
    songs = load_songs(write(tmp_path / "t.csv", table))
    assert songs.table["genre"].tolist() == [None, "rock", None, None]
    assert songs.table["title"].tolist() == ["None"] * 4


def test_without_ids_the_row_is_the_id(tmp_path, capsys):
    path = write(tmp_path / "t.csv", features())
    assert load_songs(path).table["music_id"].tolist()[:2] == ["row 0", "row 1"]
    assert "read as: music_id=row; 4 features: tempo, " in notice_of(path, capsys)


def test_lyrics_may_have_commas_quotes_and_line_breaks(tmp_path):
    words = 'Oh, "you"\r\nand I\n\nforever'
    table = gtzan_like(4).assign(lyrics=[words, None, " ", "la"])
    lyrics = load_songs(write(tmp_path / "t.csv", table)).table["lyrics"]
    assert lyrics[0] == words
    assert lyrics.notna().tolist() == [True, False, False, True]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    text = gtzan_like(4).to_csv(index=False)
    songs = load_songs(write_text(tmp_path / "t.csv", text, "utf-8-sig"))
    assert songs.table["music_id"][0] == "song.00000.wav"


@pytest.mark.parametrize(("mark", "word"), [(";", "semicolons"), ("\t", "tabs")])
def test_other_delimiters_are_found_and_said(tmp_path, capsys, mark, word):
    path = write(tmp_path / "t.csv", gtzan_like(4), sep=mark)
    assert load_songs(path).features.names == NAMES
    assert f"notice: its cells are separated by {word}; read as: " in notice_of(path, capsys)


def test_ways_to_write_numbers(tmp_path):
    cells = ["1", " 2 ", "3e0", "+4", "-.5", "6."]
    text = "a,b\n" + "".join(f"{cell},1\n" for cell in cells)
    songs = load_songs(write_text(tmp_path / "t.csv", text))
    assert songs.features.values[:, 0].tolist() == [1, 2, 3, 4, -0.5, 6]


@pytest.mark.parametrize("gap", ["", "NaN", "nan", "NA", "null", "  "])
def test_a_row_without_a_number_is_rejected_with_its_column(tmp_path, gap):
    text = f"filename,a,b\nx,1,2\ny,{gap},2\nz,3,inf\nw,3,1e300\nv,5,6\nu,7,8\nt,9,9\n"
    songs = load_songs(write_text(tmp_path / "t.csv", text))
    assert songs.features.faults == {
        1: "column 'a' has no number",
        2: "column 'b' is infinite or beyond float32 (3.4e38)",
        3: "column 'b' is infinite or beyond float32 (3.4e38)",
    }
    rows, rejected = songs.usable_rows(songs.features.faults)
    assert rows.tolist() == [0, 4, 5, 6]
    assert tuple(rejected[0]) == ("t.csv", 1, "y", "column 'a' has no number")


def test_nulls_in_parquet_are_missing_numbers_too(tmp_path):
    table = gtzan_like().astype({"length": "Int64"})
    table.loc[3, "length"] = pd.NA
    songs = opened(write(tmp_path / "t.parquet", table), "feature=length")
    assert songs.features.faults == {3: "column 'length' has no number"}


def test_columns_without_any_number_are_left_out(tmp_path, capsys):
    table = gtzan_like().assign(nothing=np.nan)
    for suffix in ("csv", "parquet"):
        path = write(tmp_path / f"t.{suffix}", table)
        assert load_songs(path).features.names == NAMES
        assert "nothing (empty)" in notice_of(path, capsys)


def test_text_among_numbers_is_an_error_with_row_and_column(tmp_path):
    table = gtzan_like().astype({"tempo": object})
    table.loc[5, "tempo"] = "fast"
    table.loc[7, "tempo"] = "slow"
    path = write(tmp_path / "t.csv", table)
    fails(
        path,
        r"t\.csv: row 5: column 'tempo' is 'fast', expected a number \(and 1 more\); "
        "--data.columns drop=tempo",
    )
    assert opened(path, "drop=tempo").features.names == NAMES[1:]


def test_decimal_commas_are_the_reason_why_numbers_are_text(tmp_path, capsys):
    path = write(tmp_path / "t.csv", gtzan_like(4), sep=";", decimal=",")
    fails(path, r"expected some besides .*tempo \(decimal commas, not points\)")
    titles = write_text(tmp_path / "u.csv", "a;b;c\n1;x, y;1,5\n2;1,5;2,5\n3;z;3,5\n")
    assert "left out: b (text), c (decimal commas, not points)" in notice_of(titles, capsys)


def test_the_row_of_text_is_counted_over_all_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_BLOCK_BYTES", 300)
    table = gtzan_like(40).astype({"tempo": object})
    table.loc[37, "tempo"] = "fast"
    fails(write(tmp_path / "t.csv", table), "row 37: column 'tempo' is 'fast', expected a number;")


def test_batches_are_put_together_in_order(tmp_path, monkeypatch):
    table = gtzan_like(40)
    path = write(tmp_path / "t.csv", table)
    whole = load_songs(path)
    monkeypatch.setattr(files, "_BLOCK_BYTES", 300)
    monkeypatch.setattr(files, "_ROWS_PER_BATCH", 7)
    for one in (path, write(tmp_path / "t.parquet", table)):
        found = load_songs(one)
        np.testing.assert_allclose(found.features.values, whole.features.values, rtol=1e-6)
        pd.testing.assert_frame_equal(found.table, whole.table)


@pytest.mark.parametrize(("n_texts", "is_text"), [(2, False), (3, True)])
def test_below_nine_numbers_in_ten_a_column_is_text(tmp_path, capsys, n_texts, is_text):
    table = gtzan_like(20).astype({"tempo": object})
    table.loc[: n_texts - 1, "tempo"] = "?"
    path = write(tmp_path / "t.csv", table)
    if is_text:
        assert "tempo (text)" in notice_of(path, capsys)
    else:
        fails(path, "row 0: column 'tempo' is '\\?', expected a number")


BAD = {
    "is empty": "",
    "has no rows": "filename,a\n",
    "numbers only": "1,2\n3,4\n",
    "the first line is empty": "\nfilename,a\nx,1\n",
    "the first lines are no table \\(field larger than": f"filename,a\n{'x' * 200_000},1\n",
    "column 'a' appears 2 times": "filename,a,a\nx,1,2\n",
    r"row 1 has 2 cells; .* 3 cells": "filename,a,b\nx,1,2\ny,1\nz,1,2\n",
    "no column of numbers that may be a feature; .* kind \\(text\\)": "filename,kind\nx,a\ny,b\n",
    "besides year \\(time of release\\)": "filename,year\nx,1990\ny,1991\n",
}


@pytest.mark.parametrize("message", BAD)
def test_what_is_no_table_of_features_is_one_clear_error(tmp_path, message):
    fails(write_text(tmp_path / "t.csv", BAD[message]), f"t\\.csv: .*{message}")


def test_a_broken_row_is_counted_from_the_first_song(tmp_path):
    path = write(tmp_path / "features.csv", fma_like(), index=True)
    lines = path.read_text().splitlines()
    lines[4 + 6] += ",9"
    fails(write_text(path, "\n".join(lines)), "row 6 has 6 cells; .* 5 cells")


@pytest.mark.parametrize("n_songs", [3, 30_000])
def test_text_that_is_not_utf8_is_an_error(tmp_path, n_songs):
    text = "filename,a\n" + "x,1\n" * n_songs + "é,2\n"
    fails(write_text(tmp_path / "t.csv", text, "latin-1"), r"t\.csv: not UTF-8 text.*expected")
    fails(write_text(tmp_path / "t.csv", text, "utf-16"), r"t\.csv: not UTF-8 text.*expected")


@pytest.mark.parametrize("name", ["gone.csv", "gone.tsv"])
def test_a_missing_table_is_named(tmp_path, name):
    fails(tmp_path / name, f"{name}: no such file; expected a table")


def test_a_folder_is_no_table(tmp_path):
    (tmp_path / "t.csv").mkdir()
    fails(tmp_path / "t.csv", r"t\.csv: neither an audio file nor")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["genre=style"], "genre=style, but .* no column 'style'; it has filename, length, tempo"),
        (["feature=label"], "feature=label, but the column holds no numbers .*text"),
        (["drop=tempo", "feature=tempo"], "'tempo' twice"),
        (["drop=label", "genre=label"], "'label' twice"),
    ],
)
def test_settings_that_do_not_fit_the_table_are_errors(tmp_path, columns, message):
    fails(write(tmp_path / "t.csv", gtzan_like()), f"data.columns: got {message}", *columns)


def test_one_table_at_a_time(tmp_path):
    for name in ("a.csv", "b.csv"):
        write(tmp_path / name, gtzan_like())
    fails(tmp_path / "*.csv", "got 2 tables of features, expected one")


def test_columns_are_for_tables_only(song_path):
    fails(song_path, "data.columns: got genre=x, expected none .* no table of features", "genre=x")


def test_the_reader_is_known_without_reading(tmp_path, song_path):
    table = write(tmp_path / "t.parquet", gtzan_like())
    labels = gtzan_like()[["filename", "length", "label"]]
    assert not reader_of(table).has_mels
    assert not reader_of(tmp_path / "gone.csv").has_mels
    assert reader_of(song_path).has_mels
    assert reader_of(write(tmp_path / "labels.parquet", labels)).has_mels
    assert reader_of(tmp_path / "gone.parquet").has_mels
    assert reader_of(tmp_path).has_mels


def test_a_parquet_file_with_neither_mels_nor_features_says_what_is_missing(tmp_path):
    labels = gtzan_like()[["filename", "length", "label"]].rename(columns={"filename": "music_id"})
    path = write(tmp_path / "labels.parquet", labels)
    fails(path, "'melspectrogram' is missing; .* music_id, length, label, none of them numbers")


def test_a_damaged_parquet_file_is_the_other_readers(tmp_path):
    path = write(tmp_path / "t.parquet", gtzan_like())
    path.write_bytes(path.read_bytes()[:-100])
    fails(path, "not a complete parquet file")


def test_fingerprint_and_origin_follow_the_file(tmp_path):
    songs = load_songs(write(tmp_path / "t.csv", gtzan_like()))
    again = load_songs(write(tmp_path / "u.csv", gtzan_like()))
    assert songs.fingerprint == again.fingerprint
    assert songs.origin(7) == ("t.csv", 7)
    assert json.dumps(songs.parts[0].key) == json.dumps([songs.fingerprint])
    with pytest.raises(InputError, match="no mel spectrograms"):
        next(songs.parts[0].mel_blocks())


def test_a_pipe_is_no_table(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    fails(tmp_path / "pipe.csv", "is not a file")


def test_features_by_name(tmp_path):
    found = load_songs(write(tmp_path / "t.csv", gtzan_like())).features
    assert found.columns(found.names) is found
    np.testing.assert_array_equal(found.columns(NAMES[::-1]).values, found.values[:, ::-1])
    with pytest.raises(InputError, match=r"no column 'loudness' of numbers \(1 of 2 are missing\)"):
        found.columns(["tempo", "loudness"])


def test_only_the_columns_in_use_can_be_at_fault(tmp_path):
    songs = load_songs(write(tmp_path / "t.csv", gtzan_like()))
    songs.features.values[2, 0] = np.nan
    assert list(songs.features.faults) == [2]
    assert songs.features.columns(NAMES[1:]).faults == {}


def test_numbers_whose_sum_overflows_are_no_fault(tmp_path):
    found = load_songs(write(tmp_path / "t.csv", gtzan_like())).features
    large = found._replace(values=np.full_like(found.values, 3e38))
    assert large.faults == {}


@pytest.mark.parametrize("name", ["t.parquet", "t.csv", "t.tsv", "t.CSV", "t"])
def test_titles_leave_out_the_suffix(name):
    assert songs_name(Path(name)) == "t"


def test_of_many_features_the_first_are_named(tmp_path, capsys):
    columns = {f"f{place}": np.arange(4) + place / 7 for place in range(9)}
    path = write(tmp_path / "t.csv", pd.DataFrame(columns))
    assert "; 9 features: f0, f1, f2, f3, f4, f5 and 3 more; " in notice_of(path, capsys)


def test_rows_that_repeat_an_earlier_one_are_told_and_count(tmp_path, capsys):
    table = gtzan_like()
    again = table.iloc[[3, 5, 5, 6, 7, 8]].assign(filename=list("abcdef"))
    # Neither another label, nor a row that is rejected anyway, is a repetition.
    again.iloc[3, again.columns.get_loc("label")] = "samba"
    again.iloc[4, again.columns.get_loc("tempo")] = np.nan
    again.iloc[5, again.columns.get_loc("filename")] = table["filename"][8]
    path = write(tmp_path / "t.csv", pd.concat([table, again]))
    songs = load_songs(path, terminal=Terminal())
    assert capsys.readouterr().err.splitlines()[1:] == [
        "notice: 3 song(s) repeat an earlier one but for the id, and count all the same: row 24 is "
        "as row 3"
    ]
    assert len(songs.usable_rows(songs.features.faults)[0]) == 28
