"""Labels and lyrics of a folder of audio files, from every source that has some."""

from collections.abc import Mapping, Sequence
from itertools import compress
from pathlib import Path
from typing import Any, NamedTuple

from musicvae_jax.config import DataConfig
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs.audio.audio_tags import labels_from_tags
from musicvae_jax.songs.audio.find import AudioFiles
from musicvae_jax.songs.audio.folder_genre import add_folder_genres
from musicvae_jax.songs.audio.lyrics_file import lyrics_from_files
from musicvae_jax.songs.audio.metadata_file import labels_from_metadata
from musicvae_jax.songs.audio.source import Fields, Source
from musicvae_jax.songs.audio.text import path_text
from musicvae_jax.songs.audio.unusable import Unusable
from musicvae_jax.songs.language import as_written, detect_language
from musicvae_jax.songs.missing import is_missing


class Sources(NamedTuple):
    """What each source says; a field that the first gives is not taken from the others."""

    metadata: Source
    lyrics_files: Source
    tags: Source

    @property
    def n_beside(self) -> list[int]:
        """The number of fields that files beside each song give."""
        both = zip(self.metadata.fields, self.lyrics_files.fields, strict=True)
        return [len(row | lyrics) for row, lyrics in both]


# As in the column language_source.
_NAMES = ("metadata", "lyrics file", "tags")


class Labels(NamedTuple):
    """What is known about the songs of a folder.

    Attributes:
        columns: names in `Songs.table` to one value per song, null where unknown: music_id, which
            is the path within the folder, and the columns that some song has.
        read: files that were read besides the songs, sorted.
        rejected: what could not be used, such as the tags of a file.
    """

    columns: Mapping[str, list[Any]]
    read: list[Path]
    rejected: list[Unusable]


def read_sources(found: AudioFiles, terminal: Terminal) -> Sources:
    """Reads what there is about songs in a metadata.csv or metadata.jsonl, in SONG.lrc and SONG.txt
    beside them, and in their tags.

    Raises:
        InputError: a file of metadata cannot be used, see `labels_from_metadata`.
    """
    return Sources(
        labels_from_metadata(found.root, found.files, terminal),
        lyrics_from_files(found.files, terminal),
        labels_from_tags(found.files, terminal),
    )


def label_songs(
    found: AudioFiles,
    sources: Sources,
    is_used: Sequence[bool],
    data: DataConfig,
    terminal: Terminal,
) -> Labels:
    """Puts together the labels and lyrics of a folder of audio files.

    Every field of every song is from the first source that has it. If none gives a genre to any
    song, the folders' names do where they can, see `add_folder_genres`. A language that is not
    known is detected from the lyrics. Songs that cannot be used have no say in either, and get
    neither.

    Args:
        found: the songs, in the order of the table.
        sources: what is said about them.
        is_used: whether each song can be used.
        data: `folder_genre` says whether the folders' names may be genres.
        terminal: for progress and notices.
    """
    songs: list[Fields] = [{} for _ in found.files]
    for name, source in zip(_NAMES, sources, strict=True):
        for song, fields in zip(songs, source.fields, strict=True):
            _add(song, fields, name)
    _respell_languages(songs)
    used = list(compress(songs, is_used))
    if data.folder_genre == "auto":
        add_folder_genres(found.root, list(compress(found.files, is_used)), used, terminal)
    _detect_languages(used, terminal)
    for file, song in zip(found.files, songs, strict=True):
        song["music_id"] = path_text(file.relative_to(found.root))
    names = sorted({name for song in songs for name in song})
    return Labels(
        {name: [song.get(name) for song in songs] for name in names},
        sorted(path for source in sources for path in source.read),
        [one for source in sources for one in source.rejected],
    )


def _add(song: Fields, fields: Fields, source: str) -> None:
    """Adds the fields that a song lacks."""
    fields = {name: value for name, value in fields.items() if not is_missing(name, value)}
    found = {"language_source": source, **fields} if "language" in fields else fields
    if "language" not in fields or "language" in song:
        found = {name: found[name] for name in found if name != "language_source"}
    for name, value in found.items():
        song.setdefault(name, value)


def _respell_languages(songs: Sequence[Fields]) -> None:
    """Writes languages of other sources as metadata do, so that none counts as two."""
    given = [song["language"] for song in songs if song.get("language_source") == "metadata"]
    others = [song for song in songs if song.get("language_source") in ("lyrics file", "tags")]
    written = as_written((song["language"] for song in others), given)
    for song in others:
        song["language"] = written[song["language"]]


def _detect_languages(songs: Sequence[Fields], terminal: Terminal) -> None:
    unknown = [song for song in songs if "language" not in song and "lyrics" in song]
    given = [song["language"] for song in songs if "language" in song]
    codes = []
    with terminal.progress("detecting languages", len(unknown)) as advance:
        for song in unknown:
            codes.append(detect_language(song["lyrics"]))
            advance()
    written = as_written((code for code in codes if code), given)
    for song, code in zip(unknown, codes, strict=True):
        if code:
            song |= {"language": written[code], "language_source": "detected"}
    if unknown:
        n_found = sum(code is not None for code in codes)
        terminal.notice(
            f"language: detected from the lyrics of {n_found} of {len(unknown)} songs for which "
            "nothing gives one"
        )
