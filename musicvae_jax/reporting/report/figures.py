"""The suite's pictures on the page: smaller than the files beside it, which print well."""

import base64
import io
from collections.abc import Mapping
from html import escape

from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from musicvae_jax.reporting.report.terms import marked

# Enough for the page on a sharp screen; what WebP can hold; and what keeps tall pictures small.
_MOST_WIDTH, _MOST_HEIGHT, _MOST_PIXELS = 1600, 16_000, 5_000_000
_QUALITY = 75
# Pictures that are taller would push all others off the screen.
_MOST_ASPECT = 0.7


def smaller(png: bytes) -> bytes:
    """A picture as WebP, at most 1,600 pixels wide and of 5 million: a tenth of the bytes.

    Args:
        png: of any size.
    """
    # Image.open would take a large picture of ours for an attack.
    with PngImageFile(io.BytesIO(png)) as picture:
        flat = picture.convert("RGB")
    of_area = (_MOST_PIXELS / (flat.width * flat.height)) ** 0.5
    scale = min(1.0, of_area, _MOST_WIDTH / flat.width, _MOST_HEIGHT / flat.height)
    if scale < 1:
        size = tuple(max(1, round(scale * side)) for side in flat.size)
        flat = flat.resize(size, Image.Resampling.LANCZOS)
    found = io.BytesIO()
    flat.save(found, "WEBP", quality=_QUALITY)
    return found.getvalue()


def figures_html(figures: Mapping[str, tuple[bytes, str]]) -> str:
    """The pictures with their captions, the tall ones last and small.

    Args:
        figures: title to a WebP's bytes and a caption.
    """
    sizes = {title: _size(webp) for title, (webp, _) in figures.items()}
    is_tall = {title: height > _MOST_ASPECT * width for title, (width, height) in sizes.items()}
    parts = [
        _figure(title, *figures[title], sizes[title], is_tall[title])
        for title in sorted(figures, key=is_tall.__getitem__)
    ]
    return f"<div class='figures'>{''.join(parts)}</div>" if parts else ""


def _size(webp: bytes) -> tuple[int, int]:
    with WebPImageFile(io.BytesIO(webp)) as picture:
        return picture.size


def _figure(title: str, webp: bytes, caption: str, size: tuple[int, int], is_tall: bool) -> str:
    data = base64.b64encode(webp).decode()
    image = (
        f"<img alt='{escape(caption, quote=True)}' width='{size[0]}' height='{size[1]}' "
        f"src='data:image/webp;base64,{data}'>"
    )
    if is_tall:
        # Opened, it has the width of the page.
        image = f"<details class='tall'><summary>{image}</summary></details>"
    return (
        f"<figure>{image}<figcaption><b>{escape(title)}</b> {marked(caption)}</figcaption></figure>"
    )
