"""One piece of the corpus, rendered: read, played and turned into a mel spectrogram."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from musicvae_jax.songs.power_mel import power_mel, round_mantissa
from musicvae_jax.songs.scores.lyrics import read_lyrics
from musicvae_jax.songs.scores.notes import end_seconds, read_notes, with_repeats
from musicvae_jax.songs.scores.performance import (
    EXCERPT_SECONDS,
    SHORTEST_SECONDS,
    excerpt_of,
    render,
)
from musicvae_jax.songs.scores.rights import read_rights
from musicvae_jax.songs.scores.selection import Piece, read_tunes
from musicvae_jax.songs.scores.time_limit import time_limit

if TYPE_CHECKING:
    from music21.stream import Score

# The longest takes 5 s on a free core; many times that on a busy one.
PIECE_SECONDS = 120.0


class Rendered(NamedTuple):
    """A rendered piece, or why there is none.

    Attributes:
        fault: "" if the piece could be rendered; the rest is empty if not.
        mel: power, float32 `[128, frames]`, at most 1292 frames.
        lyrics: one line per verse; None without words.
        licence: what the file says about its rights.
        encoder: who encoded it; "" where the file names nobody.
        instruments: the timbres heard, sorted.
    """

    fault: str
    mel: np.ndarray
    lyrics: str | None
    licence: str
    encoder: str
    instruments: tuple[str, ...]


def render_piece(corpus: Path, piece: Piece) -> Rendered:
    """Renders a piece; never raises for what is wrong with its score.

    Args:
        corpus: folder of music21's corpus.
        piece: of it.
    """
    from music21.musicxml.xmlObjects import MusicXMLWarning

    try:
        with time_limit(PIECE_SECONDS), warnings.catch_warnings():
            # Of a measure with more notes than its time signature has room for: they are played.
            warnings.simplefilter("ignore", MusicXMLWarning)
            return _render(corpus, piece)
    except Exception as error:  # noqa: BLE001 - music21 raises whatever a score leads it to
        return _without(f"{type(error).__name__}: {' '.join(str(error).split())}")


def read_score(path: Path, tune: str | None = None) -> "Score":
    """Parses a score; writes nothing, neither settings nor a cache.

    Args:
        path: of the file.
        tune: in ABC, the text of the tune.
    """
    from music21 import converter

    if tune is not None:
        return converter.parseData(tune, format="abc")
    return converter.parse(path, forceSource=True, storePickle=False)


def _render(corpus: Path, piece: Piece) -> Rendered:
    path = corpus / piece.path
    tune = None if piece.tune is None else read_tunes(path)[piece.tune - 1]
    rights = read_rights(path, tune)
    if rights.is_forbidding:
        return _without(f"left out, since the file says: {rights.statement}")
    score = read_score(path, tune)
    lyrics = read_lyrics(score) if piece.has_words else None
    notes = read_notes(score, piece.instrument)
    if end_seconds(notes) < EXCERPT_SECONDS:
        # Of a longer piece, the middle is heard in either case, and repeats take music21 long.
        notes = read_notes(with_repeats(score), piece.instrument)
    if end_seconds(notes) < SHORTEST_SECONDS:
        return _without(f"lasts {end_seconds(notes):.1f} s, expected at least {SHORTEST_SECONDS}")
    heard, length_seconds = excerpt_of(notes)
    if not heard:
        return _without("has no note in its middle 30 s")
    return Rendered(
        fault="",
        mel=round_mantissa(power_mel(render(heard, length_seconds))),
        lyrics=lyrics,
        licence=rights.licence,
        encoder=rights.encoder,
        instruments=tuple(sorted({note.timbre for note in heard})),
    )


def _without(fault: str) -> Rendered:
    return Rendered(fault, np.empty((0, 0), np.float32), None, "", "", ())
