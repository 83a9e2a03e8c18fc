"""Which pieces are taken from music21's corpus, and that their rights allow it."""

import importlib.util
from collections import Counter
from fnmatch import fnmatchcase

import pytest

from musicvae_jax.errors import InputError
from musicvae_jax.songs.scores import selection
from musicvae_jax.songs.scores.repertoire import (
    COLLECTIONS,
    FORBIDDING,
    LEFT_OUT,
    MOST_TUNES,
    TUNE_BOOKS,
)
from musicvae_jax.songs.scores.rights import Rights, _name, read_rights
from musicvae_jax.songs.scores.selection import (
    corpus_files,
    corpus_folder,
    evenly,
    left_out,
    read_tunes,
    select_pieces,
    tune_field,
    tune_type,
)

CORPUS = corpus_folder()
MUSICXML = (
    "<score-partwise><identification><rights>{rights}</rights><encoding><encoder>Ann</encoder>"
    "</encoding></identification><credit><credit-words>{credit}</credit-words></credit>"
    "</score-partwise>"
)


@pytest.fixture(scope="module")
def pieces():
    return select_pieces(CORPUS)


def test_every_file_of_the_corpus_is_spoken_for():
    patterns = [one.pattern for one in (*COLLECTIONS, *TUNE_BOOKS, *LEFT_OUT)]
    files = corpus_files(CORPUS)
    assert [f for f in files if not any(fnmatchcase(f, pattern) for pattern in patterns)] == []


@pytest.mark.parametrize("entry", LEFT_OUT, ids=lambda entry: entry.pattern)
def test_what_is_left_out_exists_and_does_not_appear(entry, pieces):
    # Compiled files appear once music21 has been imported.
    if entry.pattern != "*.pyc":
        assert any(fnmatchcase(path, entry.pattern) for path in corpus_files(CORPUS))
    assert not [piece for piece in pieces if fnmatchcase(piece.path, entry.pattern)]


@pytest.mark.parametrize("collection", COLLECTIONS, ids=lambda entry: entry.pattern)
def test_every_collection_gives_pieces(collection, pieces):
    found = [
        (piece.genre, piece.composer, piece.language)
        for piece in pieces
        if fnmatchcase(piece.path, collection.pattern)
    ]
    said = (collection.genre, collection.composer, collection.language)
    assert 1 <= found.count(said) <= collection.most


def test_there_are_several_hundred_pieces_of_many_genres(pieces):
    genres = Counter(piece.genre for piece in pieces)
    assert 500 < len(pieces) < 800
    assert sum(n_pieces >= 20 for n_pieces in genres.values()) >= 8
    assert max(genres.values()) < len(pieces) / 5
    composers = Counter(piece.composer for piece in pieces if piece.composer)
    assert max(composers.values()) < len(pieces) / 4


def test_books_give_as_many_tunes_of_a_type_as_they_may(pieces):
    tunes = Counter((piece.composer, piece.genre) for piece in pieces if piece.tune)
    assert {book for book, _ in tunes} == {book.name for book in TUNE_BOOKS}
    assert max(tunes.values()) == MOST_TUNES


def test_ids_are_unique_and_no_title_of_a_book_and_type_repeats(pieces):
    assert len({piece.music_id for piece in pieces}) == len(pieces)
    titles = Counter((p.composer, p.genre, p.title.lower()) for p in pieces if p.tune)
    assert set(titles.values()) == {1}
    assert all(piece.title for piece in pieces)


def test_the_selection_is_the_same_for_every_call(pieces):
    assert select_pieces(CORPUS) == pieces


def test_no_chosen_file_forbids_what_is_done(pieces):
    for path in {piece.path for piece in pieces}:
        assert not read_rights(CORPUS / path).is_forbidding, path


@pytest.mark.parametrize(
    "path", ["palestrina/Kyrie_39.krn", "bach/bwv277.krn", "leadSheet/berlinAlexandersRagtime.mxl"]
)
def test_a_forbidding_file_is_recognised_by_its_own_words(path):
    assert read_rights(CORPUS / path).is_forbidding
    assert left_out(path)


def test_what_forbids_is_compared_in_lower_case():
    assert all(phrase == phrase.lower() for phrase in FORBIDDING)


@pytest.mark.parametrize("n_items", [0, 1, 2, 7, 100])
@pytest.mark.parametrize("most", [1, 3, 7])
def test_evenly_takes_as_many_as_there_may_be_in_order(n_items, most):
    taken = evenly(range(n_items), most)
    assert len(taken) == min(n_items, most)
    assert taken == sorted(set(taken))
    if taken:
        gaps = [b - a for a, b in zip(taken, [*taken[1:], n_items], strict=True)]
        assert max(gaps) - min(gaps) <= 1


def test_tunes_are_split_and_their_fields_read(tmp_path):
    book = tmp_path / "book.abc"
    book.write_bytes(
        "% a book\r\nX:1\r\nT: Caf\xe9\r\nR:\r\nX: 2\nT:Two\nT:or Deux\n".encode("latin-1")
    )
    first, second = read_tunes(book)
    assert tune_field(first, "T").startswith("Caf")
    assert tune_field(first, "R") == ""
    assert tune_field(second, "T") == "Two"
    assert tune_field(second, "Q") == ""


@pytest.mark.parametrize(
    ("kind", "title", "genre"),
    [
        ("REEL", "The Jig of Slurs", "Reel"),
        ("slipjig", "", "Slip Jig"),
        ("waltz", "March", None),
        ("", "Negroe Jig", "Jig"),
        ("", "A Reel in Strathspey time", "Strathspey"),
        ("", "The Quickstep", "March"),
        ("", "The Fair Maid", None),
        ("", "The Reeling Bogie", None),
    ],
)
def test_the_type_is_said_by_the_tune_or_by_a_word_of_its_title(kind, title, genre):
    assert tune_type(kind, title) == genre


def test_rights_and_encoders_of_musicxml(tmp_path):
    path = tmp_path / "a.musicxml"
    path.write_text(MUSICXML.format(rights="Public Domain", credit="© 2004 Ann &amp; Bo"))
    rights = read_rights(path)
    assert rights == Rights("Public Domain; © 2004 Ann & Bo", "Ann")
    assert rights.licence.startswith("Public Domain; © 2004 Ann & Bo; passed on in music21's")


def test_an_empty_statement_is_none(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(MUSICXML.format(rights="Copyright © ", credit="Allegro"))
    assert read_rights(path).statement == ""
    assert read_rights(path).licence.startswith("no statement in the file; passed on")


def test_a_broken_file_is_an_error(tmp_path):
    for name in ("a.xml", "a.mxl"):
        (tmp_path / name).write_text("<score")
        with pytest.raises(ValueError, match="not a MusicXML file"):
            read_rights(tmp_path / name)


def test_the_transcriber_of_a_tune_is_named_without_an_address(tmp_path):
    path = tmp_path / "book.abc"
    path.write_text("% Copyright (C) 1999 Ann\n% thanks\nX:1\nZ:Bo <bo:b.org> bo@b.org\nK:C\n")
    tune = read_tunes(path)[0]
    assert read_rights(path, tune) == Rights("Copyright (C) 1999 Ann", "Bo")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Transcribed by Bob Safranek, rjs@gsp.org", "Bob Safranek"),
        ('"Transcribed by Norbert Paap, norbertp@bdu.uva.nl"', "Norbert Paap"),
        ("Transcribed by henrik.norbeck@mailbox.swipnet.se", ""),
        ("abc 1.6", ""),
        ("Contributed 20080902 by John Chambers jc:jc.tzo.net", "John Chambers"),
        ("Jack Campin * www.campin.me.uk * 2009", "Jack Campin * www.campin.me.uk * 2009"),
        ("transcribed by John B. Walsh, walsh@math.ubc.ca 8/23/96", "John B. Walsh,  8/23/96"),
    ],
)
def test_names_are_what_a_line_says_beside_addresses(line, name):
    assert _name(line) == name


def test_without_music21_the_error_names_the_extra(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"not installed.*pip install 'musicvae_jax\[scores\]'"):
        corpus_folder()


def test_without_its_corpus_the_error_says_so(monkeypatch, tmp_path):
    (tmp_path / "corpus").mkdir()
    spec = importlib.util.spec_from_file_location("music21", tmp_path / "__init__.py")
    monkeypatch.setattr(selection.importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(InputError, match="holds no scores; expected music21 with its corpus"):
        corpus_folder()
