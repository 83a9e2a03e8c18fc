"""The song table: 4MuLA parquet files, the built-in synthetic demo set, the held-out split."""

from musicvae_jax.songs.parquet import MEL_BANDS, MelBlock, Rejection, Songs, load_songs
from musicvae_jax.songs.source import DEMO_PATH, FOURMULA_PATH, find_songs
from musicvae_jax.songs.split import Split, split_songs

__all__ = [
    "DEMO_PATH",
    "FOURMULA_PATH",
    "MEL_BANDS",
    "MelBlock",
    "Rejection",
    "Songs",
    "Split",
    "find_songs",
    "load_songs",
    "split_songs",
]
