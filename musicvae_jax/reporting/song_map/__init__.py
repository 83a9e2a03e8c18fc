"""map.html: songs as dots to look at, search and listen to; one file, no server, no network."""

from musicvae_jax.reporting.song_map.audio import relative_url
from musicvae_jax.reporting.song_map.document import content_policy
from musicvae_jax.reporting.song_map.embedded import EmbeddedMap, embedded_map
from musicvae_jax.reporting.song_map.write import write_run_map, write_suite_map

__all__ = [
    "EmbeddedMap",
    "content_policy",
    "embedded_map",
    "relative_url",
    "write_run_map",
    "write_suite_map",
]
