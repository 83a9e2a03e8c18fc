"""The set of rendered scores, end to end: from pieces of the corpus to songs that are opened."""

import re
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from musicvae_jax.errors import EXIT_BAD_INPUT, InputError
from musicvae_jax.songs import load_songs
from musicvae_jax.songs.scores import __main__ as command
from musicvae_jax.songs.scores import score_set
from musicvae_jax.songs.scores.rendering import render_piece
from musicvae_jax.songs.scores.score_set import (
    genres_of_one_composer,
    is_score_set,
    write_scores,
)
from musicvae_jax.songs.scores.selection import Piece, corpus_folder, select_pieces

CORPUS = corpus_folder()
GENRES = ("Chorale", "Madrigal", "Mass Movement", "Trecento Song", "Keyboard Piece", "Reel")


@pytest.fixture(scope="module")
def six():
    """A chorale with words, and the last piece of five genres: three sung, keys, a fiddle tune."""
    pieces = select_pieces(CORPUS)
    chorale = next(piece for piece in pieces if piece.path == "bach/bwv114.7.mxl")
    by_genre = {piece.genre: piece for piece in pieces} | {"Chorale": chorale}
    return [by_genre[genre] for genre in GENRES]


@pytest.fixture(scope="module")
def written(six, tmp_path_factory):
    path = tmp_path_factory.mktemp("scores") / "scores.parquet"
    return path, write_scores(path, CORPUS, six)


def broken(piece: Piece) -> Piece:
    return piece._replace(path="no/such.mxl", tune=None)


@pytest.mark.slow
def test_the_file_opens_as_songs(written, six):
    songs = load_songs(written[0])
    table = songs.table
    assert list(table["music_id"]) == [piece.music_id for piece in six]
    assert list(table["genre"]) == list(GENRES)
    assert list(table["artist"]) == [piece.composer for piece in six]
    # Text is null where it is not known.
    assert list(table["language"].fillna("")) == ["de", "it", "la", "it", "", ""]
    assert table["musicnn_tags"].isna().all()
    assert len(songs.usable_rows({})[0]) == 6


def test_mels_are_power_of_at_most_thirty_seconds(written):
    parts = load_songs(written[0]).parts
    blocks = [block for part in parts for block in part.mel_blocks()]
    assert not [fault for block in blocks for fault in block.faults]
    for mel in (mel for block in blocks for mel in block.mels):
        assert 5 * 43 <= mel.shape[1] <= 1292
        assert mel.max() > 1


def test_words_are_those_of_the_score(written):
    lyrics = dict(zip(GENRES, load_songs(written[0]).table["lyrics"], strict=True))
    assert re.search(r"\b(und|der|ich|mein)\b", lyrics["Chorale"])
    assert re.search(r"(?i)\b(kyri|gloria|deus|domin|sanctus|patrem|pax)", lyrics["Mass Movement"])
    assert "herb" in lyrics["Madrigal"]
    without = ("Trecento Song", "Keyboard Piece", "Reel")
    assert not any(isinstance(lyrics[genre], str) for genre in without)


def test_words_that_a_machine_misread_are_left_out(six):
    madrigal = next(p for p in select_pieces(CORPUS) if p.path.startswith("monteverdi/"))
    assert render_piece(CORPUS, madrigal).lyrics is None
    assert render_piece(CORPUS, madrigal._replace(has_words=True)).lyrics is not None


def test_every_row_says_where_it_is_from_and_what_its_rights_are(written, six):
    rows = pq.read_table(written[0]).to_pylist()
    for row, piece in zip(rows, six, strict=True):
        assert row["source"].startswith(f"music21 corpus: {piece.music_id}")
        assert "corpus/license.txt" in row["licence"]
    assert "Greentree" in rows[0]["licence"]


def test_instruments_are_those_of_the_score(written):
    heard = [row["instruments"] for row in pq.read_table(written[0]).to_pylist()]
    assert heard == ["voice", "voice", "voice", "voice", "keys", "bowed"]


def test_the_footer_names_the_corpus(written, tmp_path):
    metadata = pq.read_metadata(written[0]).metadata
    assert metadata[b"musicvae_jax.music21_version"].decode()[0].isdecimal()
    assert is_score_set(written[0])
    assert not is_score_set(tmp_path / "absent.parquet")


@pytest.mark.slow
def test_same_bytes_again_and_by_workers(written, six, tmp_path, monkeypatch):
    monkeypatch.setattr(score_set, "_WORKERS", score_set.Workers(min_songs=1))
    again = tmp_path / "again.parquet"
    assert write_scores(again, CORPUS, six) == written[1]
    assert again.read_bytes() == written[0].read_bytes()


def test_what_cannot_be_rendered_is_listed(six, tmp_path):
    calls = []
    pieces = [six[0], broken(six[1]), six[5]]
    made = write_scores(tmp_path / "a.parquet", CORPUS, pieces, lambda: calls.append(1))
    assert [skipped.music_id for skipped in made.skipped] == ["no/such.mxl"]
    assert made.skipped[0].reason.startswith("FileNotFoundError: ")
    assert [row["music_id"] for row in made.rows] == [six[0].music_id, six[5].music_id]
    assert len(load_songs(tmp_path / "a.parquet").table) == 2
    assert len(calls) == 3


def test_over_half_that_cannot_be_rendered_is_an_error(six, tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"old")
    with pytest.raises(InputError, match=r"2 of 3 pieces cannot be rendered \(the first: no/such"):
        write_scores(path, CORPUS, [broken(six[0]), six[5], broken(six[1])])
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_forbidding_file_is_not_rendered_even_if_it_is_asked_for(six):
    piece = six[0]._replace(path="leadSheet/berlinAlexandersRagtime.mxl")
    fault = render_piece(CORPUS, piece).fault
    assert fault == "left out, since the file says: All Rights Reserved"


def test_a_piece_that_takes_too_long_is_left_out(six, monkeypatch):
    monkeypatch.setattr("musicvae_jax.songs.scores.rendering.PIECE_SECONDS", 0.01)
    monkeypatch.setattr(
        "musicvae_jax.songs.scores.rendering.read_score", lambda *_: [0 for _ in iter(int, 1)]
    )
    assert render_piece(CORPUS, six[0]).fault == "TimeoutError: took longer than 0.01 s"


def test_genres_of_one_composer_are_named(six):
    song, other = six[0], six[0]._replace(composer="B")
    assert genres_of_one_composer([song] * 10) == {"Chorale": "Johann Sebastian Bach"}
    assert genres_of_one_composer([song] * 19 + [other]) == {"Chorale": "Johann Sebastian Bach"}
    assert genres_of_one_composer([song] * 9 + [other]) == {}
    # Anonymous pieces are not by one composer.
    assert genres_of_one_composer([song._replace(composer=None)] * 3) == {}


def test_rows_say_whether_their_genre_is_of_one_composer(six, tmp_path):
    write_scores(tmp_path / "a.parquet", CORPUS, [six[0], six[5], six[5]._replace(composer="B")])
    rows = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert [row["genre_of_one_composer"] for row in rows] == [True, False, False]
    # One piece each: the names decide.
    assert [row["art_rank"] for row in rows] == [2, 3, 1]


@pytest.fixture
def only_six(monkeypatch, six):
    monkeypatch.setattr(command, "select_pieces", lambda corpus: six)


@pytest.mark.slow
def test_the_command_makes_the_set_and_says_what_is_in_it(only_six, tmp_path, capsys):
    assert command.main(["--out", "new/scores.parquet"]) == 0
    printed = capsys.readouterr()
    assert "6 songs in " in printed.out
    assert " songs per second; 3 with lyrics" in printed.out
    assert "languages: it 2, none 2, de 1, la 1" in printed.out
    assert "notice: over nine tenths of genre Chorale are by Johann Sebastian Bach" in printed.err
    assert len(load_songs(tmp_path / "new/scores.parquet").table) == 6
    # Its own file is made again.
    assert command.main(["--out", "new/scores.parquet"]) == 0


def test_the_quiet_command_prints_notices_only(only_six, capsys):
    assert command.main(["--quiet"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert {line.split(":")[0] for line in printed.err.splitlines()} == {"notice"}


def test_the_command_names_what_it_leaves_out(monkeypatch, six, capsys):
    monkeypatch.setattr(command, "select_pieces", lambda corpus: [six[5], broken(six[0])])
    assert command.main([]) == 0
    printed = capsys.readouterr()
    assert "notice: left out no/such.mxl: FileNotFoundError" in printed.err
    assert "notice: 1 pieces left out" in printed.err


def test_another_file_is_not_overwritten(only_six, song_path, capsys):
    before = song_path.read_bytes()
    assert command.main(["--out", str(song_path)]) == EXIT_BAD_INPUT
    assert "exists and is not a set of scores" in capsys.readouterr().err
    assert song_path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_one_line(only_six, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert command.main(["--out", "file/scores.parquet"]) == EXIT_BAD_INPUT
    assert capsys.readouterr().err.startswith("error: --out file/scores.parquet: its folder")


def test_without_music21_the_command_names_the_extra(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert command.main([]) == EXIT_BAD_INPUT
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "pip install 'musicvae_jax[scores]'" in err


def test_music21_is_not_imported_to_choose_pieces():
    code = (
        "import sys\nfrom musicvae_jax.songs.scores import __main__, selection\n"
        "selection.select_pieces(selection.corpus_folder())\nsys.exit('music21' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
