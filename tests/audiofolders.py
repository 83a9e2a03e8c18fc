"""Small folders of audio as songs, and what their files give."""

from pathlib import Path

import audiofiles

from musicvae_jax.config import DataConfig
from musicvae_jax.songs import load_songs
from musicvae_jax.songs.audio import streams

FOLDER, CACHE = Path("music"), Path("cache")


def write_songs(n_songs, folder=FOLDER, first=0):
    for i in range(first, first + n_songs):
        path = folder / f"song {i}{streams._LIBSNDFILE[i % 5]}"
        audiofiles.write(path, audiofiles.noise(1.0, i, 24_000), 24_000)


def songs_of(path=FOLDER, **data):
    return load_songs(path, DataConfig(**data), CACHE)


def mels_and_faults(songs):
    mels, faults = {}, {}
    for one in songs.parts:
        first = one.first_row
        for block in one.mel_blocks():
            mels |= {first + row: mel for row, mel in zip(block.rows, block.mels, strict=True)}
            faults |= {first + row: reason for row, reason in block.faults}
    return mels, faults


def reasons_of(songs):
    """Reason of every rejected file."""
    _, rejected = songs.usable_rows(mels_and_faults(songs)[1])
    assert all(one.row == 0 for one in rejected)
    return {one.file: one.reason for one in rejected}
