"""The set of rendered scores: one row per piece, in the 4MuLA schema."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from musicvae_jax.errors import InputError
from musicvae_jax.runtime.workers import Workers
from musicvae_jax.songs.scores.rendering import Rendered, render_piece
from musicvae_jax.songs.scores.selection import Piece, corpus_version
from musicvae_jax.songs.writing import file_metadata, write_songs

# Raise it whenever the repertoire or the rendering changes.
_VERSION = "1"
_VERSION_KEY = "musicvae_jax.scores_version"
_CORPUS_KEY = "musicvae_jax.music21_version"
# Above this share of a genre, its pieces are one composer's.
_ONE_COMPOSER_SHARE = 0.9
# A worker takes seconds to import music21 and librosa.
_WORKERS = Workers(min_songs=32)

_EXTRA_COLUMNS = {
    "source": pa.string(),
    "licence": pa.string(),
    "instruments": pa.string(),
    "genre_of_one_composer": pa.bool_(),
}


class Skipped(NamedTuple):
    """A piece that could not be rendered, and why."""

    music_id: str
    reason: str


class ScoreSet(NamedTuple):
    """What was written.

    Attributes:
        rows: one per song, without its mel; see `write_scores`.
        skipped: the other pieces, in order.
    """

    rows: list[dict[str, object]]
    skipped: list[Skipped]


def write_scores(
    path: Path,
    corpus: Path,
    pieces: Sequence[Piece],
    on_piece: Callable[[], None] | None = None,
) -> ScoreSet:
    """Renders pieces and writes them to a parquet file, replacing it in one step.

    The same pieces give the same bytes on the same machine with the same version of music21, which
    is named in the file's footer. Worker processes render 32 pieces and more.

    Columns beyond those of 4MuLA: `source` (the file in the corpus, and who encoded it), `licence`
    (what the file says about its rights), `instruments` (the timbres heard) and
    `genre_of_one_composer` (over nine tenths of the genre's pieces are by one composer, so that
    the genre says little more than the composer). Tags and related songs are null.

    Args:
        path: the file to write; its folder must exist.
        corpus: see `selection.corpus_folder`.
        pieces: at least one; no two have one music_id.
        on_piece: called after each piece.

    Raises:
        InputError: over half of the pieces could not be rendered; an old file stays as it was.
        OSError: the file cannot be written; an old file stays as it was.
    """
    made = ScoreSet([], [])
    calls = [(corpus, piece) for piece in pieces]
    with closing(_WORKERS.map(render_piece, calls, n_songs=len(pieces))) as results:
        write_songs(
            path,
            _songs(made, pieces, results, on_piece or (lambda: None)),
            extra_columns=_EXTRA_COLUMNS,
            metadata={_VERSION_KEY: _VERSION, _CORPUS_KEY: corpus_version()},
        )
    return made


def is_score_set(path: Path) -> bool:
    """Whether a file was written by `write_scores`, of whatever version."""
    return _VERSION_KEY in file_metadata(path)


def genres_of_one_composer(pieces: Sequence[Piece]) -> dict[str, str]:
    """Genres of which one composer, or one tune book, has over nine tenths: genre to composer."""
    found = {}
    for genre in dict.fromkeys(piece.genre for piece in pieces):
        composers = Counter(piece.composer for piece in pieces if piece.genre == genre)
        composer, n_pieces = composers.most_common(1)[0]
        if composer and n_pieces > _ONE_COMPOSER_SHARE * composers.total():
            found[genre] = composer
    return found


def _songs(
    made: ScoreSet,
    pieces: Sequence[Piece],
    results: Iterator[Rendered],
    on_piece: Callable[[], None],
) -> Iterator[tuple[dict[str, object], np.ndarray]]:
    ranks = _ranks(pieces)
    of_one = genres_of_one_composer(pieces)
    for piece, rendered in zip(pieces, results, strict=True):
        on_piece()
        if rendered.fault:
            made.skipped.append(Skipped(piece.music_id, rendered.fault))
            continue
        row = _row(piece, rendered)
        row["art_rank"] = ranks.get(piece.composer) if piece.composer else None
        row["genre_of_one_composer"] = piece.genre in of_one
        made.rows.append(row)
        yield row, rendered.mel
    if 2 * len(made.skipped) > len(pieces):
        raise InputError(
            f"music21 {corpus_version()}: {len(made.skipped)} of {len(pieces)} pieces cannot be "
            f"rendered (the first: {': '.join(made.skipped[0])}); expected at most half"
        )


def _row(piece: Piece, rendered: Rendered) -> dict[str, object]:
    encoder = f"; encoded by: {rendered.encoder}" if rendered.encoder else ""
    return {
        "music_id": piece.music_id,
        "music_name": piece.title,
        "music_lang": piece.language,
        "music_lyrics": rendered.lyrics,
        "art_id": piece.composer,
        "art_name": piece.composer,
        "main_genre": piece.genre,
        "source": f"music21 corpus: {piece.music_id}{encoder}",
        "licence": rendered.licence,
        "instruments": " ".join(rendered.instruments),
    }


def _ranks(pieces: Sequence[Piece]) -> dict[str, int]:
    """Rank of each composer by number of pieces, from 1; equal ones by name."""
    counts = Counter(piece.composer for piece in pieces if piece.composer)
    ranking = sorted(counts, key=lambda composer: (-counts[composer], composer))
    return {composer: rank for rank, composer in enumerate(ranking, start=1)}
