"""Writes figures to PNG files."""

import warnings
from pathlib import Path

from matplotlib.figure import Figure

from musicvae_jax.runtime.files import replacing


def write_png(figure: Figure | None, path: Path, dpi: int) -> list[str]:
    """Writes a figure in one step; None removes the file of an earlier figure.

    Args:
        figure: what to write.
        path: where to; its folder must exist.
        dpi: pixels per inch.

    Returns:
        A notice if no installed font has some characters of the labels, else nothing.
    """
    if figure is None:
        path.unlink(missing_ok=True)
        return []
    with warnings.catch_warnings(record=True) as caught, replacing(path) as aside:
        warnings.simplefilter("always")
        figure.savefig(aside, dpi=dpi, bbox_inches="tight")
    missing_glyphs = [w for w in caught if "missing from font" in str(w.message)]
    for warning in caught:
        if warning not in missing_glyphs:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    if missing_glyphs:
        return [f"{path.name}: no installed font has some of the labels' characters"]
    return []
