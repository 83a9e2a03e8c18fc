"""Where songs come from, one reader a kind of source; the demo set; the held-out split."""

from musicvae_jax.config import FACTOR_PREFIX
from musicvae_jax.songs.mels import MEL_BANDS, MelBlock, Part
from musicvae_jax.songs.paths import DEMO_PATH, FOURMULA_PATH, find_songs, songs_name
from musicvae_jax.songs.readers import load_songs, reader_of
from musicvae_jax.songs.split import Split, split_songs
from musicvae_jax.songs.table import LABELS, Features, Rejection, Songs

__all__ = [
    "DEMO_PATH",
    "FACTOR_PREFIX",
    "FOURMULA_PATH",
    "LABELS",
    "MEL_BANDS",
    "Features",
    "MelBlock",
    "Part",
    "Rejection",
    "Songs",
    "Split",
    "find_songs",
    "load_songs",
    "reader_of",
    "songs_name",
    "split_songs",
]
