"""Latent semantic analysis of character n-grams: lyrics as vectors without a language model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

_SHORTEST, _LONGEST = 2, 4
# The most frequent n-grams. The rest are rare, hardly affect the leading components and would make
# a checkpoint large.
_MOST_TERMS = 20_000


class Tfidf(NamedTuple):
    """A fitted latent semantic analysis.

    Attributes:
        terms: the n-grams as code points, padded with 0, uint32 `[terms, 4]`.
        idf: smoothed inverse document frequency of each term, float32 `[terms]`.
        components: right singular vectors, float32 `[components, terms]`.
    """

    terms: np.ndarray
    idf: np.ndarray
    components: np.ndarray


def fit_tfidf(texts: Sequence[str], components: int) -> Tfidf:
    """Terms, their weights and the leading singular vectors of texts (Deerwester et al., 1990).

    Character 2- to 4-grams within words, lower case, sublinear frequency (1 + ln tf), smoothed
    idf, rows of unit length, truncated SVD; all by scikit-learn.

    Args:
        texts: cleaned lyrics, at least one.
        components: number of dimensions; fewer if there are fewer texts or terms.
    """
    from sklearn.decomposition import TruncatedSVD

    vectorizer = _vectorizer(max_features=_MOST_TERMS)
    weights = vectorizer.fit_transform(texts)
    kept = min(components, *weights.shape)
    # Seeded, so that the same texts give the same vectors.
    svd = TruncatedSVD(kept, random_state=0).fit(weights)
    return Tfidf(
        _to_code_points(vectorizer.get_feature_names_out()),
        vectorizer.idf_.astype(np.float32),
        svd.components_.astype(np.float32),
    )


def apply_tfidf(fitted: Tfidf, texts: Sequence[str]) -> np.ndarray:
    """Unit vectors of cleaned texts, float32 `[texts, components]`.

    A text without any of the terms is a row of zeros.
    """
    vectorizer = _vectorizer(vocabulary=_from_code_points(fitted.terms))
    vectorizer.idf_ = fitted.idf
    projected = np.asarray(vectorizer.transform(texts) @ fitted.components.T)
    # Normalise: the length after projection says how much of a text the components capture, not
    # what it is about. scikit-learn's text clustering example does the same.
    lengths = np.linalg.norm(projected, axis=1, keepdims=True)
    return (projected / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _vectorizer(**options: Any) -> "TfidfVectorizer":
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        analyzer="char_wb",
        ngram_range=(_SHORTEST, _LONGEST),
        sublinear_tf=True,
        dtype=np.float32,
        **options,
    )


def _to_code_points(terms: Sequence[str]) -> np.ndarray:
    # NumPy stores fixed-width text as 4 bytes per character, padded with zeros.
    text = np.array(terms, dtype=f"<U{_LONGEST}")
    return text.view("<u4").reshape(len(text), _LONGEST).astype(np.uint32)


def _from_code_points(codes: np.ndarray) -> list[str]:
    text = np.ascontiguousarray(codes, "<u4").view(f"<U{_LONGEST}")
    return text.ravel().tolist()
