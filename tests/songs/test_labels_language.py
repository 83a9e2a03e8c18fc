"""The language of lyrics, and how a folder writes it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelfolders import label, write_audio
from listings import list_songs, represent

from musicvae_jax.pipeline.listing import marks
from musicvae_jax.songs.demo_lyrics import LANGUAGES, write_lyrics
from musicvae_jax.songs.language import as_written, detect_language, language_code
from musicvae_jax.songs.table import song_frame

LYRICS = {
    "en": "We were walking in the garden when the evening came around",
    "es": "Caminábamos por el jardín cuando llegó la noche oscura",
    "pt": "Nós caminhávamos pelo jardim quando a noite chegou",
    "de": "Wir gingen durch den Garten, als der Abend langsam kam",
    "fr": "Nous marchions dans le jardin quand le soir est arrivé",
    "ja": "僕たちは庭を歩いていた 夜が静かに訪れるまで ずっと手をつないで",
    "ru": "Мы гуляли по саду, когда наступил тихий вечер",
}


@pytest.mark.parametrize("code", LYRICS)
def test_languages_are_detected(code):
    assert detect_language(LYRICS[code]) == code
    assert detect_language(LYRICS[code].upper()) == code


@pytest.mark.parametrize(
    "text", ["", "la la", "Oh yeah", "[00:01.00]", "1 2 3 4 5 6 7 8 9", "ja " * 3, "x" * 200]
)
def test_too_little_text_has_no_language(text):
    assert detect_language(text) is None


@given(st.text(max_size=100))
def test_any_text_has_one_language_or_none(text):
    code = detect_language(text)
    assert code == detect_language(text)
    assert code is None or code == language_code(code)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_demo_sets_languages_are_detected(language):
    for topic in LANGUAGES[language].topics:
        lyrics = write_lyrics(language, topic, np.random.default_rng(0))
        assert detect_language(lyrics) == language.partition("-")[0]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("pt-BR", "pt-br"),
        (" ENG ", "en"),
        ("fre", "fr"),
        ("fra", "fr"),
        ("por_BR", "pt-br"),
        ("Portuguese", "pt"),
        ("tlh", "tlh"),
        ("und", None),
        ("", None),
        ("\n", None),
    ],
)
def test_languages_of_tags_become_the_codes_of_detection(text, code):
    assert language_code(text) == code


def test_codes_are_written_as_most_songs_write_them():
    given_languages = ["English", "en", "en", "pt-br", "pt", "pt-br", "Elvish"]
    assert as_written(["en", "pt", "es", "es"], given_languages) == {
        "en": "en",
        "pt": "pt-br",
        "es": "es",
    }


def test_only_languages_that_nothing_gives_are_detected_and_say_so(tmp_path):
    songs = [write_audio(tmp_path / f"{n}.wav") for n in range(5)]
    texts = (LYRICS["pt"], LYRICS["pt"], LYRICS["de"], f"[la:eng]\n{LYRICS['fr']}", "la la la")
    for song, text in zip(songs, texts, strict=True):
        song.with_suffix(".txt").write_text(text)
    (tmp_path / "metadata.csv").write_text("file_name,music_lang\n0.wav,pt-br\n")
    columns, _, notices = label(tmp_path, songs)
    assert columns["language"] == ["pt-br", "pt-br", "de", "en", None]
    sources = ["metadata", "detected", "detected", "lyrics file", None]
    assert columns["language_source"] == sources
    assert notices == [
        "language: detected from the lyrics of 2 of 3 songs for which nothing gives one"
    ]


def test_one_language_is_written_in_one_way_whatever_gives_it(tmp_path):
    songs = [write_audio(tmp_path / f"{n}.wav") for n in range(4)]
    for song, text in zip(songs[1:], ("[la:eng]\nOh", "[la:ger]\nOh", LYRICS["en"]), strict=True):
        song.with_suffix(".lrc").write_text(text)
    (tmp_path / "metadata.csv").write_text("file_name,language\n0.wav,English\n")
    columns, _, _ = label(tmp_path, songs)
    assert columns["language"] == ["English", "English", "de", "English"]


def test_a_detected_language_is_marked_where_lyrics_were_read(tmp_path):
    songs = [write_audio(tmp_path / f"{code}{n}.wav") for code in LYRICS for n in range(2)]
    for song in songs:
        song.with_suffix(".txt").write_text(LYRICS[song.stem[:2]])
    table = song_frame(label(tmp_path, songs)[0], len(songs))
    assert set(table["language_source"]) == {"detected"}
    x = np.eye(len(songs))
    labels = list_songs(table, [represent("x", [x])]).labels
    for columns, derivable in [(("lyrics",), "language"), (("melspectrogram",), "")]:
        assert marks(represent("x", [x], columns), labels)["labels_derivable"] == derivable
