"""report.html: what a suite found, on one page; no server, no network, no script but the map's."""

from musicvae_jax.reporting.report.cards import cards_html
from musicvae_jax.reporting.report.document import Contents, page
from musicvae_jax.reporting.report.maps import Maps

__all__ = ["Contents", "Maps", "cards_html", "page"]
