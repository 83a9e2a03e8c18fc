"""The interactive map inside the page, and links to the maps beside it."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from musicvae_jax.reporting.report.markup import folded


class Maps(NamedTuple):
    """What the page knows of maps.

    Attributes:
        document: the map to show, a whole HTML document; "" for none.
        shown: experiments that it shows.
        whole: URL of the map of all experiments; "" for none.
        single: experiment to the URL of its own map.
        is_whole: whether the document shows all songs of these, and all their pictures.
    """

    document: str = ""
    shown: Sequence[str] = ()
    whole: str = ""
    single: Mapping[str, str] = {}
    is_whole: bool = True


def maps_html(maps: Maps) -> str:
    """The map and the links; "" where there is neither."""
    parts = [_frame(maps.document)] if maps.document else []
    if maps.whole:
        url = escape(maps.whole, quote=True)
        parts.append(
            f"<p class='legend'><a href='{url}'>{_what(maps)} in a window of its own</a></p>"
        )
    if maps.single:
        items = "".join(
            f"<li><a href='{escape(url, quote=True)}'>{escape(name)}</a></li>"
            for name, url in maps.single.items()
        )
        parts.append(folded("Maps of single experiments", f"<ul class='links'>{items}</ul>"))
    return "".join(parts)


def _what(maps: Maps) -> str:
    """What the map of all experiments is beside the one on the page."""
    if not maps.document or not set(maps.single) <= set(maps.shown):
        return "The map of all experiments"
    return "The same map" if maps.is_whole else "The whole map"


def _frame(document: str) -> str:
    """A page within the page: it keeps its own styles and scripts, and the file stays one."""
    # In an attribute in double quotes, nothing else could end it or be read as something else.
    content = document.replace("&", "&amp;").replace('"', "&quot;")
    return f'<iframe class="map" title="Map of the songs" srcdoc="{content}"></iframe>'
