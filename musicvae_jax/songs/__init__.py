"""The song table: parquet files in the 4MuLA schema, the built-in demo set, the held-out split."""

from musicvae_jax.songs.mels import MEL_BANDS, MelBlock, Part
from musicvae_jax.songs.parquet import FACTOR_PREFIX
from musicvae_jax.songs.paths import DEMO_PATH, FOURMULA_PATH, find_songs, songs_name
from musicvae_jax.songs.split import Split, split_songs
from musicvae_jax.songs.table import LABELS, Rejection, Songs, load_songs

__all__ = [
    "DEMO_PATH",
    "FACTOR_PREFIX",
    "FOURMULA_PATH",
    "LABELS",
    "MEL_BANDS",
    "MelBlock",
    "Part",
    "Rejection",
    "Songs",
    "Split",
    "find_songs",
    "load_songs",
    "songs_name",
    "split_songs",
]
