"""The pieces to render: found in music21's corpus, the same for every call."""

import importlib.util
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, TypeVar

from musicvae_jax.errors import InputError
from musicvae_jax.songs.scores.repertoire import (
    COLLECTIONS,
    LEFT_OUT,
    MOST_TUNES,
    TUNE_BOOKS,
    Collection,
    TuneBook,
)

T = TypeVar("T")

_INSTALL = "pip install 'musicvae_jax[scores]'"
# What the R: line of a tune says, in lower case.
_TYPES = {
    "reel": "Reel",
    "jig": "Jig",
    "double jig": "Jig",
    "slip jig": "Slip Jig",
    "slipjig": "Slip Jig",
    "hornpipe": "Hornpipe",
    "strathspey": "Strathspey",
    "march": "March",
    "air": "Air",
}
# Where no R: line says it, the first of these that the title has.
_TYPES_IN_TITLES = {
    r"strathspey": "Strathspey",
    r"slip jig": "Slip Jig",
    r"hornpipe": "Hornpipe",
    r"reel": "Reel",
    r"jig|gigg": "Jig",
    r"march|quick ?step": "March",
    r"air": "Air",
}


class Piece(NamedTuple):
    """One piece of the corpus.

    Attributes:
        path: of its file, relative to the corpus, with "/".
        tune: its place among the tunes of the file, from 1; None if the file is one piece.
        title: as the file's name or the tune has it.
        genre: see `Collection`, as for the others.
        composer: or the tune book.
        language: of the sung text.
        instrument: of parts that name none.
        has_words: whether the encoded words can be read.
    """

    path: str
    tune: int | None
    title: str
    genre: str
    composer: str | None
    language: str | None
    instrument: str
    has_words: bool

    @property
    def music_id(self) -> str:
        return self.path if self.tune is None else f"{self.path}#{self.tune}"


def corpus_folder() -> Path:
    """The folder of music21's corpus; music21 itself is not imported.

    Raises:
        InputError: music21 is not installed, or without its corpus.
    """
    spec = importlib.util.find_spec("music21")
    if spec is None or spec.origin is None:
        raise InputError(f"music21 is not installed; expected it for its scores: {_INSTALL}")
    folder = Path(spec.origin).parent / "corpus"
    if not (folder / "bach").is_dir():
        raise InputError(f"{folder}: holds no scores; expected music21 with its corpus: {_INSTALL}")
    return folder


def corpus_version() -> str:
    """The version of music21, of which the corpus is a part."""
    return version("music21")


def select_pieces(corpus: Path) -> list[Piece]:
    """The pieces of all collections and tune books, in the order of the tables.

    Args:
        corpus: see `corpus_folder`.
    """
    paths = [path for path in corpus_files(corpus) if left_out(path) is None]
    pieces = []
    for collection in COLLECTIONS:
        of_it = [path for path in paths if _collection_of(path) is collection]
        pieces += [_piece(path, collection) for path in evenly(of_it, collection.most)]
    for book in TUNE_BOOKS:
        files = [path for path in paths if fnmatchcase(path, book.pattern)]
        pieces += _tunes(corpus, files, book)
    return pieces


def corpus_files(corpus: Path) -> list[str]:
    """All files of the corpus, relative to it, with "/", sorted."""
    return sorted(
        path.relative_to(corpus).as_posix()
        for path in corpus.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )


def left_out(path: str) -> str | None:
    """Why a file of the corpus is not taken; None if it is.

    Example:
        >>> left_out("leadSheet/berlinAlexandersRagtime.mxl")
        'the file says: All Rights Reserved'
        >>> left_out("bach/bwv10.7.mxl")
    """
    return next((reason for pattern, reason in LEFT_OUT if fnmatchcase(path, pattern)), None)


def evenly(items: Sequence[T], most: int) -> list[T]:
    """At most so many of the items, spread evenly, always the first among them.

    Example:
        >>> evenly("abcdefgh", 3)
        ['a', 'c', 'f']
        >>> evenly("ab", 3)
        ['a', 'b']
    """
    n_taken = min(most, len(items))
    return [items[i * len(items) // n_taken] for i in range(n_taken)]


def read_tunes(path: Path) -> list[str]:
    """The tunes of a file in ABC notation, each from its X: line on."""
    # Titles in Latin-1 stand in some files; the notes are ASCII.
    text = path.read_bytes().decode("utf-8", errors="replace")
    return re.split(r"(?m)^(?=X:)", text.replace("\r\n", "\n"))[1:]


def tune_field(tune: str, letter: str) -> str:
    """The first line of a tune's header field, or "".

    Example:
        >>> tune_field("X: 1\\nT: The Acacia\\nR: reel\\n", "T")
        'The Acacia'
    """
    found = re.search(rf"(?m)^{letter}:(.*)$", tune)
    return found[1].strip() if found else ""


def tune_type(kind: str, title: str) -> str | None:
    """The genre of a tune by its R: field, else by a word of its title; None if neither says it.

    Example:
        >>> tune_type("double jig", "The Humours of Glen")
        'Jig'
        >>> tune_type("", "Quick Step. 25th Regt.")
        'March'
        >>> tune_type("waltz", "Sunset Reel")
    """
    if kind:
        return _TYPES.get(kind.lower())
    found = (
        genre
        for word, genre in _TYPES_IN_TITLES.items()
        if re.search(rf"\b({word})\b", title.lower())
    )
    return next(found, None)


def _collection_of(path: str) -> Collection | None:
    return next((one for one in COLLECTIONS if fnmatchcase(path, one.pattern)), None)


def _piece(path: str, collection: Collection) -> Piece:
    title = path.partition("/")[2].rpartition(".")[0]
    return Piece(
        path=path,
        tune=None,
        title=re.sub(r"[/_\s]+", " ", title),
        genre=collection.genre,
        composer=collection.composer,
        language=collection.language,
        instrument=collection.instrument,
        has_words=collection.has_words,
    )


def _tunes(corpus: Path, files: Sequence[str], book: TuneBook) -> list[Piece]:
    by_genre: dict[str, list[Piece]] = {}
    titles = set()
    for piece in _all_tunes(corpus, files, book):
        # The files of a book overlap.
        if piece.title.lower() not in titles:
            titles.add(piece.title.lower())
            by_genre.setdefault(piece.genre, []).append(piece)
    return [piece for _, pieces in sorted(by_genre.items()) for piece in evenly(pieces, MOST_TUNES)]


def _all_tunes(corpus: Path, files: Sequence[str], book: TuneBook) -> Iterator[Piece]:
    for path in files:
        for place, tune in enumerate(read_tunes(corpus / path), start=1):
            title = tune_field(tune, "T")
            genre = tune_type(tune_field(tune, "R"), title)
            if genre:
                yield Piece(path, place, title, genre, book.name, None, book.instrument, False)
