"""Labels and lyrics of a folder of audio files, from every source that has some."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from musicvae_jax.config import DataConfig
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs.audio.audio_tags import labels_from_tags
from musicvae_jax.songs.audio.folder_genre import genres_of_folders
from musicvae_jax.songs.audio.lyrics_file import lyrics_from_files
from musicvae_jax.songs.audio.metadata_file import labels_from_metadata
from musicvae_jax.songs.audio.source import Fields
from musicvae_jax.songs.audio.text import path_text
from musicvae_jax.songs.language import as_written, detect_language


class Labels(NamedTuple):
    """What is known about the songs of a folder.

    Attributes:
        columns: names in `Songs.table` to one value per song, null where unknown: music_id, which
            is the path within the folder, and the columns that some song has.
        read: files that were read besides the songs, sorted.
        rejected: a file, and why something in it, such as its tags, could not be used.
    """

    columns: Mapping[str, list[Any]]
    read: list[Path]
    rejected: list[tuple[Path, str]]


def label_songs(root: Path, files: Sequence[Path], data: DataConfig, terminal: Terminal) -> Labels:
    """Finds the labels and lyrics of a folder of audio files.

    For every field of every song, the first of these that has it gives it: the row for the song in
    a metadata.csv or metadata.jsonl, SONG.lrc and then SONG.txt beside it, and its tags. If none
    of them gives a genre to any song, the folders' names do where they can, see
    `genres_of_folders`. A language that is not known is detected from the lyrics.

    Args:
        root: folder of the songs, absolute.
        files: of the songs, absolute, in the order of the table.
        data: `folder_genre` says whether the folders' names may be genres.
        terminal: for progress and notices.

    Raises:
        InputError: a file of metadata cannot be used, see `labels_from_metadata`.
    """
    sources = {
        "metadata": labels_from_metadata(root, files, terminal),
        "lyrics file": lyrics_from_files(files, terminal),
        "tags": labels_from_tags(files, terminal),
    }
    songs: list[Fields] = [{} for _ in files]
    for name, source in sources.items():
        for song, fields in zip(songs, source.fields, strict=True):
            _add(song, fields, name)
    _respell_languages(songs)
    if data.folder_genre == "auto":
        _add_folder_genres(root, files, songs, terminal)
    _detect_languages(songs, terminal)
    for file, song in zip(files, songs, strict=True):
        song["music_id"] = path_text(file.relative_to(root))
    names = sorted({name for song in songs for name in song})
    return Labels(
        {name: [song.get(name) for song in songs] for name in names},
        sorted(path for source in sources.values() for path in source.read),
        [one for source in sources.values() for one in source.rejected],
    )


def _add(song: Fields, fields: Fields, source: str) -> None:
    """Adds the fields that a song lacks."""
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


def _add_folder_genres(
    root: Path, files: Sequence[Path], songs: Sequence[Fields], terminal: Terminal
) -> None:
    if any("genre" in song for song in songs):
        return
    genres = genres_of_folders(root, files)
    if genres is None:
        return
    for song, genre in zip(songs, genres, strict=True):
        song["genre"] = genre
    terminal.notice(
        f"genre: nothing gives one, so it is the name of each song's folder, {len(set(genres))} in "
        "all (off: --data.folder-genre no)"
    )


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
