"""Songs of an audio folder whose mel spectrograms are in the cache."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from musicvae_jax.errors import InputError
from musicvae_jax.runtime.prefetch import one_ahead
from musicvae_jax.songs.audio.store import digest_of, open_mel
from musicvae_jax.songs.mels import MelBlock, power_fault

# As many as in the parts of parquet files.
_SONGS_PER_PART = 250
# 10 MB of the usual excerpts; a full hour of audio is 80 MB.
_BLOCK_BYTES = 10_000_000


class AudioSong(NamedTuple):
    """An audio file and its mel spectrogram.

    Attributes:
        file: its name below the folder.
        key: identifies the mel spectrogram; "" if there is none.
        mel: its file in the cache.
        fault: why there is none, or "".
    """

    file: str
    key: str
    mel: Path
    fault: str


class AudioPart(NamedTuple):
    """Consecutive songs of an audio folder, see `songs.mels.Part`."""

    songs: tuple[AudioSong, ...]
    first_row: int

    @property
    def n_rows(self) -> int:
        return len(self.songs)

    @property
    def files(self) -> tuple[str, ...]:
        """A file for each song."""
        return tuple(song.file for song in self.songs)

    def origin(self, row: int) -> tuple[str, int]:
        """A song's file, of which it is the only row."""
        return self.songs[row].file, 0

    @property
    def key(self) -> tuple[str]:
        """Identifies the content, wherever the files are and whatever their names."""
        return (digest_of([song.fault or song.key for song in self.songs]),)

    def mel_blocks(self) -> Iterator[MelBlock]:
        """Streams the mel spectrograms, in order; a thread reads ahead while a block is in use.

        Raises:
            InputError: one is missing in the cache, or damaged.
        """
        return one_ahead(self._read_blocks())

    def _read_blocks(self) -> Iterator[MelBlock]:
        block, n_bytes = MelBlock([], [], []), 0
        for row, song in enumerate(self.songs):
            if song.fault:
                block.faults.append((row, song.fault))
                continue
            try:
                mel = open_mel(song.mel)
            except (OSError, ValueError) as error:
                raise InputError(
                    f"features.cache_dir: the mel spectrogram of {song.file} ({song.mel}) cannot "
                    f"be read ({error}); open the songs again, which decodes it again"
                ) from error
            if fault := power_fault(mel):
                block.faults.append((row, fault))
                continue
            block.rows.append(row)
            block.mels.append(mel)
            n_bytes += mel.nbytes
            if n_bytes > _BLOCK_BYTES:
                yield block
                block, n_bytes = MelBlock([], [], []), 0
        if block.n_rows:
            yield block


def audio_parts(songs: list[AudioSong]) -> tuple[AudioPart, ...]:
    """The parts of a folder, of 250 songs each."""
    starts = range(0, len(songs), _SONGS_PER_PART)
    return tuple(AudioPart(tuple(songs[i : i + _SONGS_PER_PART]), i) for i in starts)
