"""One label that is written in several ways."""

import pytest
from labelfolders import write_audio
from songfiles import songs_table, with_column
from songfiles import write as write_songs
from tablefiles import gtzan_like
from tablefiles import write as write_table

from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import load_songs
from musicvae_jax.songs.table import song_frame

LANGUAGES = ["EN", " en", "eng", "English", "PT-BR", "pt_br", "und", " "]
CODES = ["en", "en", "en", "en", "pt-br", "pt-br", None, None]
GENRES = [" Rock ", "Rock", "rock", "Pop", "pop", "POP", "Jazz", ""]
TIDY_GENRES = ["Rock", "Rock", "rock", "Pop", "pop", "POP", "Jazz", None]


def a_table(folder):
    table = gtzan_like(8).assign(label=GENRES, language=LANGUAGES)
    return write_table(folder / "t.csv", table)


def a_song_file(folder):
    table = with_column(songs_table(8), "main_genre", GENRES)
    return write_songs(folder / "t.parquet", with_column(table, "music_lang", LANGUAGES))


def a_folder(folder):
    rows = ["file_name,genre,language"]
    for place, (genre, language) in enumerate(zip(GENRES, LANGUAGES, strict=True)):
        write_audio(folder / f"{place}.wav")
        rows.append(f"{place}.wav,{genre},{language}")
    (folder / "metadata.csv").write_text("\n".join(rows))
    return folder


@pytest.mark.parametrize("source", [a_table, a_song_file, a_folder])
def test_languages_are_codes_and_labels_have_no_blanks_around_them(tmp_path, capsys, source):
    path = source(tmp_path)
    songs = load_songs(path, cache_dir=tmp_path / "cache", terminal=Terminal())
    assert songs.table["language"].tolist() == CODES
    assert songs.table["genre"].tolist() == TIDY_GENRES
    expected = "genre: 'POP' and 'Pop' differ only in case and count as different (and 1 more)"
    assert f"notice: {expected}\n" in capsys.readouterr().err


def test_artists_are_compared_by_name_only_where_they_have_no_id(tmp_path, capsys):
    table = gtzan_like(4).assign(artist=["Abba", "ABBA", "Ana", "Ana"])
    load_songs(write_table(tmp_path / "t.csv", table), terminal=Terminal())
    assert "artist: 'ABBA' and 'Abba' differ only in case" in capsys.readouterr().err
    path = write_table(tmp_path / "u.csv", table.assign(artist_id=[1, 1, 2, 2]))
    load_songs(path, terminal=Terminal())
    assert "differ only in case" not in capsys.readouterr().err


def test_a_language_that_is_not_known_is_from_nowhere():
    table = song_frame({"language": ["und", "en"], "language_source": ["tags", "tags"]}, 2)
    assert table["language_source"].tolist() == [None, "tags"]
