"""Which baseline of comparisons.csv a representation has to beat."""

import pandas as pd

_PCA, _WHITENED = "pca", "whitened_pca_"
_INPUTS = {"mfa_": "audio and lyrics", "multimodal_": "audio and lyrics", "lyrics_": "lyrics"}
_NAMES = {_PCA: "PCA", "raw": "the raw features"}


def is_pca(name: str) -> bool:
    """Whether a representation is the linear baseline, plain or whitened.

    Example:
        >>> is_pca("pca"), is_pca("whitened_pca_16"), is_pca("conv_vae+lyrics_tfidf_pca")
        (True, True, False)
    """
    return name == _PCA or _WHITENED in name


def reads_several(name: str) -> bool:
    """Whether a baseline is the whitened PCA of audio and text together.

    Example:
        >>> reads_several("mfa_whitened_pca_32"), reads_several("lyrics_whitened_pca_32")
        (True, False)
    """
    read, whitened, _ = name.partition(_WHITENED)
    return bool(whitened) and read not in ("", "lyrics_", "tags_")


def against_pca(comparisons: pd.DataFrame) -> pd.DataFrame:
    """The rows against PCA, plain or whitened, of representations that are not PCA themselves."""
    rival, own = (comparisons[name].map(is_pca) for name in ("against", "representation"))
    return comparisons[rival.astype(bool) & ~own.astype(bool)]


def hardest(comparisons: pd.DataFrame) -> pd.Series | None:
    """The row against the baseline that is hardest to beat; None of no rows.

    Baselines that are not beaten come first, and of these the one with the highest score: a
    representation is better than all of them exactly if it is better than this one.
    """
    if comparisons.empty:
        return None
    ranked = comparisons.assign(beaten=comparisons["verdict"] == "better")
    return ranked.sort_values(["beaten", "difference"]).iloc[0]


def spoken(baseline: str) -> str:
    """A baseline's name in a sentence.

    Example:
        >>> spoken("whitened_pca_16"), spoken("raw")
        ('whitened PCA (16 dimensions)', 'the raw features')
    """
    if _WHITENED in baseline:
        read, _, dimensions = baseline.partition(_WHITENED)
        of = f" of {_INPUTS.get(read, 'the same blocks')}" if read else ""
        return f"whitened PCA{of} ({dimensions} dimensions)"
    return _NAMES.get(baseline, baseline)
