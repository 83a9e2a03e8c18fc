"""Reads folders of audio files."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from musicvae_jax.config import DataConfig
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs.audio.copies import find_originals
from musicvae_jax.songs.audio.decode import Task
from musicvae_jax.songs.audio.digests import Content, read_contents
from musicvae_jax.songs.audio.find import AudioFiles, find_audio
from musicvae_jax.songs.audio.labels import Labels, Sources, label_songs, read_sources
from musicvae_jax.songs.audio.part import AudioSong, audio_parts
from musicvae_jax.songs.audio.pool import decode_files
from musicvae_jax.songs.audio.store import digest_of, find_fault, mel_key, mel_path, open_mel
from musicvae_jax.songs.audio.streams import missing_extra
from musicvae_jax.songs.audio.text import path_text
from musicvae_jax.songs.table import Rejection, Songs, song_frame


def open_audio(
    paths: Sequence[Path], data: DataConfig, cache_dir: Path, terminal: Terminal
) -> Songs:
    """Opens folders of audio files, or single files, see `songs.readers`.

    Makes the mel spectrograms that the cache lacks, so it takes long the first time. A file that
    cannot be used is a row of the table all the same, and rejected later with its reason.

    Raises:
        InputError: there is no audio file, a file of metadata cannot be used, or the cache cannot
            be written.
    """
    found = find_audio(paths)
    contents = read_contents(found, cache_dir, terminal)
    sources = read_sources(found, terminal)
    songs = _songs(found, contents, sources, data, cache_dir)
    songs = _decoded(songs, contents, data, terminal)
    labels = label_songs(found, sources, [not song.fault for song in songs], data, terminal)
    unused = [
        Rejection(_name(found.root, path), row, "", reason)
        for path, reason, row in (*found.skipped, *labels.rejected)
    ]
    if unused:
        terminal.notice(
            f"labels, links and other files that cannot be used: {len(unused)}; the first is "
            f"{unused[0].file}: {unused[0].reason}"
        )
    return Songs(
        data.source,
        data,
        _fingerprint(found, songs, labels),
        song_frame(_columns(found, labels), len(songs)),
        audio_parts(songs),
        unused=tuple(unused),
    )


def _songs(
    found: AudioFiles,
    contents: Sequence[Content],
    sources: Sources,
    data: DataConfig,
    cache_dir: Path,
) -> list[AudioSong]:
    """The songs, with faults that show before decoding."""
    digests = [content.digest for content in contents]
    originals = find_originals(found.files, digests, sources.n_beside)
    songs = []
    for path, content, original in zip(found.files, contents, originals, strict=True):
        fault = content.fault or missing_extra(path)
        if not fault and path != original:
            fault = f"same content as {_name(found.root, original)}"
        key = "" if fault else mel_key(content.digest, path, data)
        songs.append(AudioSong(_name(found.root, path), key, mel_path(cache_dir, key), fault))
    return songs


def _decoded(
    songs: Sequence[AudioSong], contents: Sequence[Content], data: DataConfig, terminal: Terminal
) -> list[AudioSong]:
    """The songs once everything that can be decoded is, with the other faults."""
    missing = [row for row, song in enumerate(songs) if not _is_known(song, terminal)]
    tasks = [
        Task(contents[row].readable, data.excerpt, data.seconds, songs[row].mel) for row in missing
    ]
    if not missing:
        terminal.say(f"audio: {len(songs)} songs, none to decode")
    failed = decode_files(tasks, data, terminal)
    late = {missing[place]: reason for place, reason in failed.items()}
    return [_with_fault(song, late.get(row, "")) for row, song in enumerate(songs)]


def _is_known(song: AudioSong, terminal: Terminal) -> bool:
    if song.fault or find_fault(song.mel):
        return True
    try:
        open_mel(song.mel)
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        terminal.notice(
            f"the mel spectrogram of {song.file} in the cache is damaged ({error}); decoding again"
        )
        return False
    return True


def _with_fault(song: AudioSong, fault: str) -> AudioSong:
    return song._replace(fault=song.fault or fault or find_fault(song.mel))


def _columns(found: AudioFiles, labels: Labels) -> Mapping[str, Sequence[object]]:
    titles = labels.columns.get("title", [None] * len(found.files))
    return {
        **labels.columns,
        "title": [
            title or path_text(Path(file.stem))
            for title, file in zip(titles, found.files, strict=True)
        ],
        "audio_path": [_path_text(file) for file in found.files],
    }


def _path_text(file: Path) -> str | None:
    """A path that leads to the file; None if no text can hold it."""
    text = path_text(file)
    return text if text == file.as_posix() else None


def _fingerprint(found: AudioFiles, songs: Sequence[AudioSong], labels: Labels) -> str:
    sidecars = [
        [_name(found.root, path), hashlib.sha256(path.read_bytes()).hexdigest()]
        for path in labels.read
    ]
    # The columns depend on settings too.
    columns = {name: list(labels.columns[name]) for name in sorted(labels.columns)}
    rows = [[song.file, song.fault or song.key] for song in songs]
    return digest_of([rows, sidecars, columns])


def _name(root: Path, path: Path) -> str:
    return path_text(path.relative_to(root) if path.is_relative_to(root) else path)
