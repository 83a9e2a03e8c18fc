"""The page of a map: one HTML document with everything in it."""

import base64
import gzip
import hashlib
import html
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np
import pandas as pd
from plotly.offline import get_plotlyjs

from musicvae_jax.reporting.song_map.contents import METHODS, Contents, Layout
from musicvae_jax.songs import FACTOR_PREFIX, LABELS

# In the order in which they are joined; the last one starts the page.
_SCRIPTS = ("data.js", "colours.js", "chart.js", "details.js", "lists.js", "start.js")
# Steps across a picture, finer than any screen.
_STEPS = 9999
# Numbers with at most this many different values are categories, such as keys.
_MOST_CATEGORIES = 20
# What could end a script element, or a line of JavaScript, written as JSON writes it.
_ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def document(title: str, contents: Contents, audio: Sequence[str | None]) -> str:
    """The page; it needs no server and no network but the audio files that it links.

    Args:
        title: of the page.
        contents: what it shows.
        audio: URL of each song's audio; None where there is none.
    """
    page = Template(_text("map.html"))
    return page.substitute(
        title=html.escape(title),
        policy=content_policy(),
        css=_text("map.css"),
        script=_script(),
        plotly=_plotly(),
        data=_escaped_json(_data(title, contents, audio)),
        pictures=_pictures(contents),
        layouts="\n".join(_layout_block(i, one) for i, one in enumerate(contents.layouts)),
    )


@cache
def content_policy() -> str:
    """The Content-Security-Policy of a map, and of every page that holds one.

    No other script element, no event handler and no javascript: link can run, whatever stands in a
    song's title. Plotly's WebGL compiles its own draw calls, hence 'unsafe-eval'.
    """
    hashes = f"'sha256-{_sha256(_script())}' 'sha256-{_sha256(get_plotlyjs())}'"
    return (
        f"default-src 'none'; script-src {hashes} 'unsafe-eval'; style-src 'unsafe-inline'; "
        "img-src data: blob:; media-src 'self' file: data:; base-uri 'none'; form-action 'none'"
    )


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _script() -> str:
    parts = "\n".join(_text(name) for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}\n}})();\n'


@cache
def _plotly() -> str:
    return _packed(get_plotlyjs().encode())


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _packed(content: bytes) -> str:
    # Without a time stamp, the same content gives the same page.
    return base64.b64encode(gzip.compress(content, 6, mtime=0)).decode()


def _escaped_json(value: Any) -> str:
    """JSON that may stand in a script element whatever its texts hold."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_ESCAPES)


def _data(title: str, contents: Contents, audio: Sequence[str | None]) -> dict[str, Any]:
    songs = contents.songs
    factors = [name for name in songs.columns if name.startswith(FACTOR_PREFIX)]
    has_picture = contents.has_picture
    return {
        "title": title,
        "notes": list(contents.notes),
        "methods": list(METHODS),
        "layouts": [layout.name for layout in contents.layouts],
        "ids": songs["music_id"].tolist(),
        "titles": _texts(songs["title"]),
        "lines": _texts(songs["first_line"]),
        "detected": np.flatnonzero(songs["language_source"] == "detected").tolist(),
        "audio": list(audio) if any(audio) else None,
        # Number of each song's picture; -1 for none.
        "pictures": np.where(has_picture, np.cumsum(has_picture) - 1, -1).tolist(),
        "pictureShape": None if contents.pictures is None else list(contents.pictures.shape[1:]),
        "labels": [_label(name, songs[name]) for name in (*LABELS, *factors)],
    }


def _texts(column: pd.Series) -> list[str | None]:
    return [None if pd.isna(cell) else str(cell) for cell in column]


def _label(name: str, column: pd.Series) -> dict[str, Any]:
    """A label of all songs: numbers, or codes of categories; null and -1 where unknown."""
    is_factor = name.startswith(FACTOR_PREFIX)
    # A factor may have a label's name, so the column tells them apart.
    about = {"key": name, "name": name.removeprefix(FACTOR_PREFIX), "isFactor": is_factor}
    if _is_numeric(column):
        values = column.to_numpy(float, na_value=np.nan)
        cells = [float(f"{value:.6g}") if np.isfinite(value) else None for value in values]
        return about | {"numbers": cells}
    whole = pd.api.types.is_float_dtype(column)
    texts = column.map(lambda cell: f"{cell:g}" if whole else str(cell), na_action="ignore")
    codes, categories = pd.factorize(texts, sort=True)
    return about | {"codes": codes.tolist(), "categories": list(map(str, categories))}


def _is_numeric(column: pd.Series) -> bool:
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return False
    values = column.to_numpy(float, na_value=np.nan)
    values = values[np.isfinite(values)]
    return bool(np.any(values % 1)) or len(np.unique(values)) > _MOST_CATEGORIES


def _layout_block(number: int, layout: Layout) -> str:
    n_dots = len(layout.songs)
    value = {
        "songs": layout.songs.tolist(),
        "xy": {method: _steps(layout.projections[method]) for method in METHODS},
        "clusters": layout.clusters.tolist(),
        "neighbours": layout.neighbours.ravel().tolist(),
        "distances": [float(f"{distance:.3g}") for distance in layout.distances.ravel()],
        "perSong": layout.neighbours.shape[1] if n_dots else 0,
    }
    packed = _packed(json.dumps(value, allow_nan=False, separators=(",", ":")).encode())
    return f'<script type="text/plain" id="layout-{number}">{packed}</script>'


def _steps(xy: np.ndarray) -> list[list[int]]:
    """Coordinates as whole numbers from 0 to 9999, to one scale: x of all dots, then y."""
    low = xy.min(axis=0, initial=np.inf)
    extent = (xy.max(axis=0, initial=-np.inf) - low).max()
    scaled = (xy - low) * (_STEPS / extent if extent > 0 else 0)
    return scaled.round().astype(int).T.tolist()


def _pictures(contents: Contents) -> str:
    if contents.pictures is None:
        return ""
    return _packed(contents.pictures[contents.has_picture].tobytes())
